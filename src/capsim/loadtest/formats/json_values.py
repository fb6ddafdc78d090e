"""Values out of JSON that anybody may have made: of the right type, or one clear error."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from capsim.errors import InputError
from capsim.loadtest.reading import escaped, read_text

Tree = dict[str, Any] | list[Any]
_LARGEST_COUNT = 10**15  # requests; a JSON number beyond is no count


def load_json(path: Path) -> Tree:
    """Return the content of a JSON file.

    Raises:
        InputError: it cannot be read, or is no JSON with a list or a table in it.
    """
    try:
        tree = json.loads(read_text(path))
    except RecursionError:
        raise InputError(f"{escaped(path)}: is nested too deeply to be read") from None
    except ValueError as error:
        raise InputError(f"{escaped(path)}: is no valid JSON ({error}); is the file cut?") from None
    if not isinstance(tree, dict | list):
        raise InputError(f"{escaped(path)}: holds a single value, no results")
    return tree


def table(tree: Mapping[str, Any], key: str, source: str) -> Mapping[str, Any]:
    """Return a table; an empty one where the key is missing.

    Raises:
        InputError: something else stands there.
    """
    value = tree.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError.at(source, key, "should be a table", value=str(value))
    return value


def real(tree: Mapping[str, Any], key: str, source: str) -> float | None:
    """Return a number; none: the key is missing or null.

    Raises:
        InputError: something else stands there.
    """
    value = tree.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError.at(source, key, "should be a number", value=value)
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise InputError.at(source, key, "should be a finite number", value=str(value))
    return found


def count(tree: Mapping[str, Any], key: str, source: str) -> int | None:
    """Return a number of things; none: the key is missing or null.

    Raises:
        InputError: something else stands there.
    """
    value = real(tree, key, source)
    if value is None:
        return None
    if value % 1 or not 0 <= value <= _LARGEST_COUNT:
        raise InputError.at(source, key, "should be a whole number from 0", value=value)
    return int(value)


def text(value: object) -> str:
    """Return a text, or nothing where something else stands."""
    return value if isinstance(value, str) else ""
