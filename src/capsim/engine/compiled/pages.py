"""The draws that the compiled code reads: blocks of them, made when they are asked for."""

from collections import defaultdict

import numpy as np

from capsim.engine.compiled.growth import larger, longer
from capsim.engine.compiled.layout.rows import Table, Tables
from capsim.engine.compiled.state import NONE
from capsim.plan.draws import ROWS, DrawTable, Values
from capsim.plan.plan import Plan

_FEW_PAGES, _MANY_PAGES = 16, 64  # see `larger`
_IDLE = 128  # pages of a group that are kept though nobody draws from them now
_NEVER = np.iinfo(np.int32).max


class Pages:
    """Keeps the blocks that somebody draws from, one on each page, a row for each request."""

    def __init__(self, plan: Plan, tables: Tables) -> None:
        """Begin without any page."""
        self._plan = plan
        self._tables = tables
        self._draws = [DrawTable(plan, source) for source in plan.sources]
        self._free: list[int] = []
        self._of_group: defaultdict[int, list[int]] = defaultdict(list)  # the newest first

    def turn(self) -> bool:
        """Make the page that the compiled code wants; return whether tables had to be moved."""
        wanted = self._tables["registers"][0]
        source, group = int(wanted["wanted_source"]), int(wanted["wanted_group"])
        block, attempt = int(wanted["wanted_block"]), int(wanted["wanted_attempt"])
        if not self._free:
            self._forget(source, group)
        own = group - int(self._tables["sources"][source]["first_group"])
        columns = self._draws[source].drawn(own, block)
        if attempt:
            for number, drawn in self._draws[source].drawn_again(own, block, attempt).items():
                columns[number] = drawn
        moved = self._make_room(sum(_width(column) for column in columns) * ROWS)
        self._write(self._free.pop(), group, block, attempt, columns)
        return moved

    def _make_room(self, size: int) -> bool:
        """Have a free page that is large enough; return whether tables had to be moved."""
        is_wide, is_free = size <= self._tables["draws"].shape[1], bool(self._free)
        if not is_wide:
            self._widen(size)
        if not is_free:
            before = len(self._tables["draws"])
            after = larger(before, _FEW_PAGES, _MANY_PAGES)
            for name in ("pages", "page_columns", "draws"):
                self._tables[name] = longer(self._tables[name], after)
            self._free = list(range(after - 1, before - 1, -1))
        return not (is_wide and is_free)

    def _widen(self, size: int) -> None:
        before = self._tables["draws"]
        self._tables["draws"] = np.zeros((len(before), size))
        self._tables["draws"][:, : before.shape[1]] = before

    def _write(
        self, page: int, group: int, block: int, attempt: int, columns: list[Values | None]
    ) -> None:
        heads = self._tables["page_of_group"]
        stride = sum(_width(column) for column in columns)
        self._tables["pages"][page] = (block, attempt, heads[group], 0, stride)
        heads[group] = page
        self._of_group[group].insert(0, page)
        place = 0
        for number, column in enumerate(columns):
            self._tables["page_columns"][page, number] = place
            if column is None:
                continue
            values = column.reshape(column.shape[0] * column.shape[1], -1)
            rows = self._tables["draws"][page, : len(values) * stride].reshape(len(values), stride)
            rows[:, place : place + values.shape[1]] = values
            place += values.shape[1]

    def _forget(self, source: int, group: int) -> None:
        """Free the pages that no user of a group will draw from, nor any job.

        Of those that only the slowest will, from which nobody draws now, some are kept: one is
        made again when it is wanted. The distance from the slowest user to the fastest grows all
        the time.
        """
        mine, table = np.array(self._of_group[group], np.int64), self._tables["pages"]
        reached = self._reached(source, group)
        pages = table[mine]
        unused = pages["refs"] == 0
        idle = unused & ~(pages["block"][:, None] == reached).any(axis=1)
        gone = unused & (pages["block"] < reached.min(initial=_NEVER) - 1)
        gone |= idle & (np.cumsum(idle) > _IDLE)  # those that were made longest ago
        if gone.any():
            kept = mine[~gone]
            self._free += mine[gone].tolist()
            self._of_group[group] = kept.tolist()
            table["next"][kept] = [*kept[1:], NONE] if len(kept) else []
            self._tables["page_of_group"][group] = kept[0] if len(kept) else NONE

    def _reached(self, source: int, group: int) -> Table:
        """Return the block that each user of a group draws from, of those that have not left."""
        row = self._tables["sources"][source]
        own = self._draws[source].users_of(group - int(row["first_group"]))
        users = slice(int(row["first_user"]) + own.start, int(row["first_user"]) + own.stop)
        reached = self._tables["reached"][users]
        if row["open"]:
            return reached
        return reached[self._tables["stops"][users] > self._tables["registers"][0]["now"]]


def _width(column: Values | None) -> int:
    """Return how many values of a column a request has."""
    if column is None:
        return 0
    return column.shape[2] if column.ndim > 2 else 1  # noqa: PLR2004 (users, requests, repetitions)
