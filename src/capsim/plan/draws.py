"""Every random draw of a run, made in NumPy, in blocks that do not depend on how many users run.

A block holds the draws of a group of users for some of their requests. Its stream is named by
source, purpose, group and number, so that user 7's 40th request has the same luck with 50 users and
1000.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from capsim.model.laws import AnyLaw, Constant, ConstantPacing
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocks:
    """Blocks of one shape: how many users each is of, and how many requests of each of those."""

    users: int
    requests: int
    first_user: int = 0
    first_group: int = 0  # the users of a block are a group

    def groups(self, users: int) -> int:
        """Return how many groups there are of so many users."""
        return -(-max(0, users - self.first_user) // self.users)


# Fixed block shapes: they decide which stream a draw comes from, so they depend on nothing but a
# user's number. Most load tests have hundreds of users, and most users of an overload send a dozen
# requests: rows beyond those are drawn for nothing. Of very many users each sends few requests, and
# what is drawn for nothing is most of what such a user takes.
ROWS = 1024  # of every block: enough that making a stream costs little of each draw
_NEAR = Blocks(users=64, requests=16)
_FAR = Blocks(users=512, requests=2, first_user=1024, first_group=16)
_OPEN = Blocks(users=1, requests=ROWS)


class DrawTable:
    """The draws of one source, as rows of numbers by user and request.

    Rows hold plain Python floats: engines read them one at a time.
    """

    def __init__(self, plan: "Plan", source: "Source") -> None:
        """Draw nothing yet; blocks are made when they are asked for."""
        self._columns = plan.columns
        self._source = source.name
        self._key = (plan.seed, plan.replication)
        self.blocks = (_OPEN,) if source.open else (_NEAR, _FAR)
        self._users = 1 if source.open else len(source.starts)
        self._made: dict[tuple[int, int], list[list[Row]]] = {}  # by group and block
        self._again: dict[tuple[int, int, int], dict[int, list[list[float]]]] = {}
        self._chances = [n for n, column in enumerate(plan.columns) if column.per_attempt]
        self._reached: dict[int, list[int]] = {}  # block of each user, by group

    @property
    def groups(self) -> int:
        """How many groups of users there are, those without anybody between them included."""
        return max(blocks.first_group + blocks.groups(self._users) for blocks in self.blocks)

    def requests_of(self, user: int) -> int:
        """Return how many consecutive requests of a user a block holds."""
        return self._blocks_of(user).requests

    def users_of(self, group: int) -> range:
        """Return the users of a group."""
        blocks = self._blocks_of_group(group)
        first = blocks.first_user + (group - blocks.first_group) * blocks.users
        return range(first, min(first + blocks.users, self._users))

    def rows(self, user: int, block: int) -> list[Row]:
        """Return a user's rows for the requests of a block, in their order."""
        group, place = self._place_of(user)
        if group not in self._reached:
            self._reached[group] = [0] * len(self.users_of(group))
        self._reached[group][place] = block
        if (group, block) not in self._made:
            self._made[group, block] = self._make(group, block)
            self._forget(group)
        return self._made[group, block][place]

    def row_again(self, user: int, request: int, attempt: int) -> Row:
        """Return the row of another attempt: the same, but for what each attempt draws."""
        group, place = self._place_of(user)
        block, number = divmod(request, self.requests_of(user))
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
        for key in [key for key in self._made if key[0] == group and key[1] < oldest]:
            del self._made[key]
        for again in [key for key in self._again if key[0] == group and key[1] < oldest]:
            del self._again[again]

    def _blocks_of(self, user: int) -> Blocks:
        return next(blocks for blocks in reversed(self.blocks) if user >= blocks.first_user)

    def _blocks_of_group(self, group: int) -> Blocks:
        return next(blocks for blocks in reversed(self.blocks) if group >= blocks.first_group)

    def _place_of(self, user: int) -> tuple[int, int]:
        """Return a user's group, and its place there."""
        blocks = self._blocks_of(user)
        group, place = divmod(user - blocks.first_user, blocks.users)
        return blocks.first_group + group, place

    def drawn(self, group: int, block: int) -> list[Values | None]:
        """Return the draws of a block by column, of (users, requests) or (..., repetitions).

        None for a column that the source does not need.
        """
        values: list[Any] = []
        for column in self._columns:
            if not self._needs(column):
                values.append(None)
            elif column.count is None:
                values.append(self._draw(column, group, block))
            else:
                repetitions = max(1, int(values[column.count].max()))
                parts = [self._draw(column, group, block, i) for i in range(repetitions)]
                values.append(np.stack(parts, axis=-1))
        return values

    def drawn_again(self, group: int, block: int, attempt: int) -> dict[int, Values]:
        """Return what another attempt at the requests of a block draws anew, by column."""
        return {
            i: self._draw(self._columns[i], group, block, f"attempt {attempt}")
            for i in self._chances
            if self._needs(self._columns[i])
        }

    def _needs(self, column: Column) -> bool:
        return column.sources is None or self._source in column.sources

    def _make(self, group: int, block: int) -> list[list[Row]]:
        values = self.drawn(group, block)
        present, requests = len(self.users_of(group)), self._blocks_of_group(group).requests
        if not values:  # nothing in the plan is left to luck
            return [[[] for _ in range(requests)] for _ in range(present)]
        nothing = [[None] * requests] * present
        lists = [nothing if v is None else v[:present].tolist() for v in values]
        return [
            [list(row) for row in zip(*per_user, strict=True)]
            for per_user in zip(*lists, strict=True)
        ]

    def _draw(self, column: Column, group: int, *names: int | str) -> Values:
        blocks = self._blocks_of_group(group)
        shape = (blocks.users, blocks.requests)
        if isinstance(column.law, Constant | ConstantPacing):  # they need no luck: no stream
            return np.full(shape, column.law.mean)
        generator = stream(*self._key, self._source, column.purpose, group, *names)
        return generator.random(shape) if column.law is None else column.law.draw(generator, shape)
