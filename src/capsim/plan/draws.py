"""Every random draw of a run, made in NumPy, in blocks that do not depend on how many users run.

A block holds the draws of some users for some of their requests. Its stream is named by source,
purpose and block number, so that user 7's 40th request has the same luck with 50 users and 1000.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from capsim.model.laws import AnyLaw
from capsim.plan.streams import stream

if TYPE_CHECKING:
    from capsim.plan.plan import Plan, Source

Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Row = list[Any]  # of one request: a float per column, or a list of floats where repeated


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One drawn quantity: what it is for, its law, and for which sources it is needed.

    With `count` (the column that holds the number of repetitions) a request gets one value per
    repetition. Columns of equal purpose and law get equal draws in every plan.
    """

    purpose: str
    law: AnyLaw | None  # none: uniform on [0, 1)
    count: int | None = None
    sources: frozenset[str] | None = None  # none: all
    per_attempt: bool = False  # another attempt at the same request has another draw


# Fixed block shapes: they decide which stream a draw comes from, so they never depend on a model.
# Most load tests have hundreds of users, and most users of an overload send a dozen requests: rows
# beyond those are drawn for nothing.
_CLOSED_BLOCK = (64, 16)  # users, requests of each
_OPEN_BLOCK = (1, 1024)


class DrawTable:
    """The draws of one source, as rows of numbers by user and request.

    Rows hold plain Python floats: engines read them one at a time.
    """

    def __init__(self, plan: "Plan", source: "Source") -> None:
        """Draw nothing yet; blocks are made when they are asked for."""
        self._columns = plan.columns
        self._source = source.name
        self._key = (plan.seed, plan.replication)
        self._shape = _OPEN_BLOCK if source.open else _CLOSED_BLOCK
        self._users = 1 if source.open else len(source.starts)
        self._blocks: dict[tuple[int, int], list[list[Row]]] = {}
        self._again: dict[tuple[int, int, int], dict[int, list[list[float]]]] = {}
        self._chances = [n for n, column in enumerate(plan.columns) if column.per_attempt]
        self._reached: dict[int, list[int]] = {}  # request block of each user, by user block

    @property
    def requests(self) -> int:
        """How many consecutive requests of a user a block holds."""
        return self._shape[1]

    @property
    def users(self) -> int:
        """How many users a block holds the requests of."""
        return self._shape[0]

    def rows(self, user: int, block: int) -> list[Row]:
        """Return a user's rows for the requests of a block: number i is request i % `requests`."""
        group, place = divmod(user, self._shape[0])
        if group not in self._reached:
            self._reached[group] = [0] * self._in_group(group)
        self._reached[group][place] = block
        if (group, block) not in self._blocks:
            self._blocks[group, block] = self._make(group, block)
            self._forget(group)
        return self._blocks[group, block][place]

    def row_again(self, user: int, request: int, attempt: int) -> Row:
        """Return the row of another attempt: the same, but for what each attempt draws."""
        group, place = divmod(user, self._shape[0])
        block, number = divmod(request, self.requests)
        row = list(self.rows(user, block)[number])
        key = (group, block, attempt)
        if key not in self._again:
            drawn_anew = self.drawn_again(group, block, attempt)
            self._again[key] = {column: drawn.tolist() for column, drawn in drawn_anew.items()}
        for column, drawn in self._again[key].items():
            row[column] = drawn[place][number]
        return row

    def _forget(self, group: int) -> None:
        """Drop the blocks that every user of a group has left behind."""
        oldest = min(self._reached[group]) - 1  # a user that gives up reads its block again
        for key in [key for key in self._blocks if key[0] == group and key[1] < oldest]:
            del self._blocks[key]
        for again in [key for key in self._again if key[0] == group and key[1] < oldest]:
            del self._again[again]

    def _in_group(self, group: int) -> int:
        first = group * self._shape[0]
        return min(self._shape[0], self._users - first)

    def drawn(self, user_block: int, request_block: int) -> list[Values | None]:
        """Return the draws of a block by column, of (users, requests) or (..., repetitions).

        None for a column that the source does not need.
        """
        shape = self._shape
        values: list[Any] = []
        for column in self._columns:
            if not self._needs(column):
                values.append(None)
            elif column.count is None:
                values.append(self._draw(column, shape, user_block, request_block))
            else:
                repetitions = max(1, int(values[column.count].max()))
                parts = [
                    self._draw(column, shape, user_block, request_block, i)
                    for i in range(repetitions)
                ]
                values.append(np.stack(parts, axis=-1))
        return values

    def drawn_again(self, user_block: int, request_block: int, attempt: int) -> dict[int, Values]:
        """Return what another attempt at the requests of a block draws anew, by column."""
        return {
            i: self._draw(
                self._columns[i], self._shape, user_block, request_block, f"attempt {attempt}"
            )
            for i in self._chances
            if self._needs(self._columns[i])
        }

    def _needs(self, column: Column) -> bool:
        return column.sources is None or self._source in column.sources

    def _make(self, user_block: int, request_block: int) -> list[list[Row]]:
        shape = self._shape
        values = self.drawn(user_block, request_block)
        present = self._in_group(user_block)
        if not values:  # nothing in the plan is left to luck
            return [[[] for _ in range(shape[1])] for _ in range(present)]
        nothing = [[None] * shape[1]] * present
        lists = [nothing if v is None else v[:present].tolist() for v in values]
        return [
            [list(row) for row in zip(*per_user, strict=True)]
            for per_user in zip(*lists, strict=True)
        ]

    def _draw(self, column: Column, shape: tuple[int, int], *block: int | str) -> Values:
        generator = stream(*self._key, self._source, column.purpose, *block)
        return generator.random(shape) if column.law is None else column.law.draw(generator, shape)
