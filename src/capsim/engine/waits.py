"""What requests waited for each kind of resource: zeros, as most of it is, are not kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

_SHORT = 1 << 16  # rows that 16 bits can number


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Some consecutive values of a column."""

    count: int
    rows: NDArray[Any] | None  # that are not zero; none: `values` has a value for every row
    values: _Floats

    @classmethod
    def of(cls, values: _Floats) -> "_Stretch":
        """Keep a copy of values: all of them, or those that are not zero, whichever is less."""
        rows = np.flatnonzero(values).astype(np.uint16 if len(values) <= _SHORT else np.int64)
        if len(rows) * (rows.itemsize + values.itemsize) < values.nbytes:
            return cls(len(values), rows, values[rows])
        return cls(len(values), None, np.array(values))

    def write(self, place: _Floats) -> None:
        """Write the values where there are zeros."""
        place[slice(None) if self.rows is None else self.rows] = self.values


class Waits(Mapping[str, _Floats]):
    """Columns by name, which grow by stretches; a column is made when it is asked for."""

    def __init__(self) -> None:
        """Begin without any column."""
        self._columns: dict[str, list[_Stretch]] = {}

    def add(self, columns: Mapping[str, _Floats]) -> None:
        """Put values behind those that are there, in every column."""
        for name, values in columns.items():
            self._columns.setdefault(name, []).append(_Stretch.of(values))

    def __getitem__(self, name: str) -> _Floats:
        stretches = self._columns[name]
        column = np.zeros(sum(stretch.count for stretch in stretches))
        begin = 0
        for stretch in stretches:
            stretch.write(column[begin : begin + stretch.count])
            begin += stretch.count
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)
