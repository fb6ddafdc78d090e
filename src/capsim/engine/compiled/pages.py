"""The draws that the compiled code reads: blocks of them, made when they are asked for."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.layout.rows import Tables
from capsim.engine.compiled.state import NONE
from capsim.plan.draws import DrawTable, Values
from capsim.plan.plan import Plan


class Pages:
    """Keeps the blocks that somebody draws from, one on each page, a row for each request."""

    def __init__(self, plan: Plan, tables: Tables) -> None:
        """Begin without any page."""
        self._plan = plan
        self._tables = tables
        self._draws = [DrawTable(plan, source) for source in plan.sources]
        self._free: list[int] = []

    def turn(self) -> bool:
        """Make the page that the compiled code wants; return whether tables had to be moved."""
        draws = self._tables["draws"]
        wanted = self._tables["registers"][0]
        source, group = int(wanted["wanted_source"]), int(wanted["wanted_group"])
        block, attempt = int(wanted["wanted_block"]), int(wanted["wanted_attempt"])
        self._forget(source, group)
        own = group - int(self._tables["sources"][source]["first_group"])
        columns = self._draws[source].drawn(own, block)
        if attempt:
            for number, drawn in self._draws[source].drawn_again(own, block, attempt).items():
                columns[number] = drawn
        self._write(self._lay(columns), group, block, attempt, columns)
        return self._tables["draws"] is not draws

    def _lay(self, columns: list[Values | None]) -> int:
        """Return a page that is large enough."""
        stride = sum(_width(column) for column in columns)
        rows = self._draws[0].users * self._draws[0].requests
        if stride * rows > self._tables["draws"].shape[1]:
            self._enlarge(len(self._tables["draws"]), stride * rows)
        if not self._free:
            before = len(self._tables["draws"])
            self._enlarge(2 * before + 4, self._tables["draws"].shape[1])
            self._free = list(range(len(self._tables["draws"]) - 1, before - 1, -1))
        return self._free.pop()

    def _enlarge(self, count: int, width: int) -> None:
        for name, kind in (("pages", state.PAGE), ("page_columns", None), ("draws", None)):
            before = self._tables[name]
            shape = (count, width) if name == "draws" else (count, *before.shape[1:])
            enlarged = np.zeros(shape, kind or before.dtype)
            enlarged[tuple(slice(size) for size in before.shape)] = before
            self._tables[name] = enlarged

    def _write(
        self, page: int, group: int, block: int, attempt: int, columns: list[Values | None]
    ) -> None:
        heads = self._tables["page_of_group"]
        stride = sum(_width(column) for column in columns)
        self._tables["pages"][page] = (block, attempt, heads[group], 0, stride)
        heads[group] = page
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
        """Free the pages that every user of a group has left behind, and every job."""
        row = self._tables["sources"][source]
        first = int(row["first_user"])
        size = int(row["group_size"])
        begin = first + (group - int(row["first_group"])) * size
        end = min(begin + size, first + (1 if row["open"] else int(row["users"])))
        oldest = self._tables["reached"][begin:end].min() - 1
        pages, before, page = self._tables["pages"], NONE, self._tables["page_of_group"][group]
        while page != NONE:
            behind = pages[page]["next"]
            if pages[page]["refs"] == 0 and pages[page]["block"] < oldest:
                self._free.append(int(page))
                if before == NONE:
                    self._tables["page_of_group"][group] = behind
                else:
                    pages[before]["next"] = behind
            else:
                before = page
            page = behind


def _width(column: Values | None) -> int:
    """Return how many values of a column a request has."""
    if column is None:
        return 0
    return column.shape[2] if column.ndim > 2 else 1  # noqa: PLR2004 (users, requests, repetitions)
