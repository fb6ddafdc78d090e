"""Columns of large CSV files, read in chunks so that memory grows with the numbers alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from capsim.errors import InputError
from capsim.loadtest.formats.columns_coded import Coded
from capsim.loadtest.formats.columns_sieve import Sieve
from capsim.loadtest.formats.columns_times import dates
from capsim.loadtest.guarded import as_file, escaped
from capsim.loadtest.reading import is_locale_number
from capsim.loadtest.samples import FloatArray, IndexArray

_SHOWN = 200  # characters of a header in a message
_ROWS_AT_ONCE = 250_000  # some 100 MB of text columns; more is not faster (docs/decisions.md)


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """Columns of a CSV file, by name; every array has the shape (rows,).

    Attributes:
        numbers: NaN where the file has no number; times as the file has them.
        texts: The columns of texts.
        is_date: The number columns that had dates, now in seconds since 1970.
        rows: Data rows in the file, damaged ones included.
        skipped: Damaged ones, not in the columns.
        repeated_headers: The header again among the rows.
        largest_field_chars: As `Sieve` has it.
    """

    numbers: Mapping[str, FloatArray]
    texts: Mapping[str, Coded]
    is_date: frozenset[str]
    rows: int
    skipped: int
    repeated_headers: int
    largest_field_chars: int | None

    def __len__(self) -> int:
        """Return the number of rows that the columns have."""
        return self.rows - self.skipped


class _Numbers:
    """A column of numbers that grows by chunks."""

    def __init__(self, path: Path, name: str, *, is_time: bool) -> None:
        self.path, self.name, self.is_time = path, name, is_time
        self.parts: list[FloatArray] = []
        self.has_dates = False

    def add(self, column: "pd.Series[Any]") -> None:
        if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool:
            self.parts.append(column.to_numpy(np.float64, copy=True))
        else:
            self.parts.append(self._converted(column.astype(object)))

    def _converted(self, column: "pd.Series[Any]") -> FloatArray:
        """Read the numbers among texts; a number with separators is refused, not guessed."""
        values = np.array(pd.to_numeric(column, errors="coerce"), np.float64)
        missing = np.flatnonzero(np.isnan(values))
        texts = column.to_numpy()[missing]
        for text in set(texts):
            if is_locale_number(str(text).strip()):
                raise InputError.at(
                    escaped(self.path),
                    shown([self.name]),
                    "has a comma or a thousands separator",
                    value=str(text),
                    remedy="export it again with a decimal point and no separators",
                )
        if self.is_time:
            values[missing] = dates(texts)
            self.has_dates |= bool(np.isfinite(values[missing]).any())
        return values

    def all(self) -> FloatArray:
        values = np.concatenate(self.parts) if self.parts else np.empty(0)
        self.parts.clear()
        values[~np.isfinite(values)] = np.nan
        return values


class _Texts:
    """A column of texts that grows by chunks."""

    def __init__(self) -> None:
        self.parts: list[IndexArray] = []
        self.index: dict[str, int] = {}

    def add(self, column: "pd.Series[Any]") -> None:
        found = column.cat
        known = [
            self.index.setdefault(str(name).strip(), len(self.index)) for name in found.categories
        ]
        missing = self.index.setdefault("", len(self.index)) if (found.codes < 0).any() else -1
        table = np.array([*known, missing], np.int32)  # -1 is the last one
        self.parts.append(table[found.codes.to_numpy()])

    def all(self) -> Coded:
        codes = np.concatenate(self.parts) if self.parts else np.empty(0, np.int32)
        self.parts.clear()
        return Coded(codes=codes, names=tuple(self.index))


def read_columns(
    path: Path,
    *,
    numbers: Sequence[str] = (),
    times: Sequence[str] = (),
    texts: Sequence[str] = (),
    header: Sequence[str] | None = None,
) -> Columns:
    """Read some columns of a CSV file.

    Args:
        path: the file.
        numbers: columns of numbers.
        times: columns of numbers or dates.
        texts: columns of texts.
        header: the names of the columns of a file without a header.

    Raises:
        InputError: as `guarded.blocks`; a column is missing or stands twice; a number is written
            with separators.
    """
    sieve = Sieve(path, header)
    wanted = [*numbers, *times, *texts]
    check_header(path, sieve.header, wanted)
    if sieve.header[-1] in wanted:
        sieve.use_last_column()
    found_numbers = {
        name: _Numbers(path, name, is_time=name in times) for name in [*numbers, *times]
    }
    found_texts = {name: _Texts() for name in texts}
    rows = 0
    for chunk in _chunks(sieve, wanted, texts, path):
        rows += len(chunk)
        for name, column in found_numbers.items():
            column.add(chunk[name])
        for name, words in found_texts.items():
            words.add(chunk[name])
    return Columns(
        numbers={name: column.all() for name, column in found_numbers.items()},
        texts={name: column.all() for name, column in found_texts.items()},
        is_date=frozenset(name for name, c in found_numbers.items() if c.has_dates),
        rows=rows + sieve.damaged,
        skipped=sieve.damaged,
        repeated_headers=sieve.repeated_headers,
        largest_field_chars=sieve.largest_field_chars,
    )


def check_header(path: Path, header: Sequence[str], wanted: Sequence[str]) -> None:
    """Make sure that columns are there, once each.

    Raises:
        InputError: one is missing or stands twice.
    """
    for name in wanted:
        if name not in header:
            there = shown(header)
            raise InputError.at(
                escaped(path), "column", "is missing", value=name, remedy=f"there are {there}"
            )
        if header.count(name) > 1:
            raise InputError.at(
                escaped(path), "column", "stands twice", value=name, remedy="rename one of them"
            )


def shown(header: Sequence[str]) -> str:
    """Return the names of columns for a message, shortened."""
    text = escaped(", ".join(header))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _chunks(
    sieve: Sieve, wanted: Sequence[str], texts: Sequence[str], path: Path
) -> Iterator[pd.DataFrame]:
    source = iter(sieve)
    first = next(source, None)
    if first is None:
        return
    # Columns are known by their place: others may have any names, or none.
    places = [sieve.header.index(name) for name in wanted]
    kinds = {place: "category" for place, name in zip(places, wanted, strict=True) if name in texts}
    try:
        reader = pd.read_csv(
            as_file(chain([first], source)),
            header=None,
            names=list(range(len(sieve.header))),
            usecols=places,
            dtype=cast("Any", kinds),
            sep=sieve.delimiter,
            engine="c",
            low_memory=False,
            keep_default_na=False,
            index_col=False,
            chunksize=_ROWS_AT_ONCE,
            encoding="utf-8",
        )
        for chunk in reader:
            yield chunk.rename(columns=dict(zip(places, wanted, strict=True)))
    except (pd.errors.ParserError, OverflowError) as error:
        raise InputError(
            f"{escaped(path)}: cannot be read as CSV ({escaped(error)}); correct that row"
        ) from None
