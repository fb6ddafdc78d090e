"""Columns of texts: few different ones in many rows, so that each is kept once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from capsim.loadtest.samples import BoolArray, IndexArray

_STATUS_DIGITS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Coded:
    """A column of texts: each row has the index of its text, without spaces around it."""

    codes: IndexArray
    names: tuple[str, ...]

    def where(self, *wanted: str) -> BoolArray:
        """Return which rows have one of these texts, case aside."""
        folded = {text.casefold() for text in wanted}
        return self.select(np.array([name.casefold() in folded for name in self.names], bool))

    def select(self, of_name: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return for every row what its text has."""
        return of_name[self.codes] if len(of_name) else np.empty(0, of_name.dtype)

    def only(self, keep: BoolArray) -> "Coded":
        """Return the column with these rows alone."""
        return Coded(codes=self.codes[keep], names=self.names)


def status_code(status: str) -> int:
    """Return a status as a number; 0: it is no HTTP status."""
    code = status.removesuffix(".0")
    return int(code) if len(code) == _STATUS_DIGITS and code.isascii() and code.isdigit() else 0


def joined(method: Coded, target: Coded) -> tuple[IndexArray, tuple[str, ...]]:
    """Return `METHOD target` of every row, as an index and the names that occur."""
    pairs, index = np.unique(
        target.codes.astype(np.int64) * len(method.names) + method.codes, return_inverse=True
    )
    names = tuple(
        f"{method.names[pair % len(method.names)]} {target.names[pair // len(method.names)]}"
        for pair in pairs.tolist()
    )
    return index.astype(np.int32), tuple(name.strip() for name in names)
