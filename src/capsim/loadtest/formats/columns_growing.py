"""Columns of requests that are read one by one, from lines of JSON or elements of XML."""

import json
import math
from array import array
from datetime import UTC, datetime
from typing import Any

import numpy as np

from capsim.loadtest.formats.columns_coded import Coded
from capsim.loadtest.samples import FloatArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Floats:
    """A column of numbers that grows by one."""

    def __init__(self) -> None:
        """Start empty."""
        self._values = array("d")

    def add(self, value: float) -> None:
        """Append a number; NaN: none is known."""
        self._values.append(value)

    def all(self) -> FloatArray:
        """Return the column, of shape (rows,)."""
        return np.array(self._values, np.float64)


class Texts:
    """A column of texts that grows by one."""

    def __init__(self) -> None:
        """Start empty."""
        self._codes = array("i")
        self._index: dict[str, int] = {}

    def add(self, text: str) -> None:
        """Append a text."""
        self._codes.append(self._index.setdefault(text.strip(), len(self._index)))

    def all(self) -> Coded:
        """Return the column."""
        return Coded(codes=np.array(self._codes, np.int32), names=tuple(self._index))


def json_table(line: str) -> dict[str, Any] | None:
    """Return the table that a line of JSON holds; none: it is damaged, or another value."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def below(table: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return a table within a table, empty where there is none."""
    found: Any = table
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def real(value: object) -> float:
    """Return a JSON number; NaN: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def word(value: object) -> str:
    """Return a JSON text or number as text, empty for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def seconds(text: object) -> float:
    """Return an RFC 3339 time in seconds since 1970; NaN: it is none."""
    try:
        found = datetime.fromisoformat(str(text).strip())
        aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return (aware - _EPOCH).total_seconds()
    except (ValueError, OverflowError):
        return math.nan


def number(text: str | None) -> float:
    """Return a number of an attribute; NaN: it is none."""
    try:
        found = float(text) if text is not None and "_" not in text else math.nan
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan
