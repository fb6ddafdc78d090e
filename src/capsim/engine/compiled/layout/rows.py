"""Tables of rows, and the deadlines that several kinds of things have."""

from typing import Any

import numpy as np

from capsim.engine.compiled.state import DEADLINES, NONE

Table = np.ndarray[Any, np.dtype[Any]]
Tables = dict[str, Table]
Row = dict[str, Any]


def table_of(kind: np.dtype[Any], rows: list[Row]) -> Table:
    """Return a table; columns that a row does not name are zero."""
    table = np.zeros(len(rows), kind)
    for name in kind.names or ():
        table[name] = [row.get(name, 0) for row in rows]
    return table


class Limits:
    """The limits of time in a plan: each has deadlines of its own, known by their number."""

    def __init__(self) -> None:
        """Start without any."""
        self._rows: list[Row] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._rows)

    def add(
        self, kind: int, owner: int, limit_s: float, check_s: float = 0.0, *, since: bool = False
    ) -> int:
        """Add a limit of a kind; with `since` the time of a deadline may begin anew."""
        self._rows.append(
            {
                "kind": kind, "owner": owner, "limit": limit_s, "check": check_s, "since": since,
                "first": NONE, "last": NONE,
            }
        )  # fmt: skip
        return len(self._rows) - 1

    def table(self) -> Table:
        """Return them all."""
        return table_of(DEADLINES, self._rows)
