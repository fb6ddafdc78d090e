"""A heap of rows by (time, order): what comes first stands first, the rest in no full order.

Its tables, of timers and of services, have the columns `time` and `order`; the time may be that of
any clock.
"""

from typing import Any

from capsim.engine.compiled.jit import kernel

Rows = Any


@kernel
def push(rows: Rows, count: int, time: float, order: int) -> int:
    """Put a row into a heap of so many; return where it stands, for its other columns.

    It is the newest, so it stays below all those of its time.
    """
    place = count
    while place > 0:
        above = (place - 1) >> 1
        if rows[above].time <= time:
            break
        rows[place] = rows[above]
        place = above
    rows[place].time, rows[place].order = time, order
    return place


@kernel
def replace_first(rows: Rows, count: int, time: float, order: int) -> int:
    """Put a row into a heap of so many in the place of the first; return where it stands."""
    place = 0
    while True:
        below = 2 * place + 1
        if below >= count:
            break
        if below + 1 < count and _is_earlier(rows, below + 1, rows[below].time, rows[below].order):
            below += 1
        if not _is_earlier(rows, below, time, order):
            break
        rows[place] = rows[below]
        place = below
    rows[place].time, rows[place].order = time, order
    return place


@kernel
def pop(rows: Rows, count: int) -> None:
    """Take the first row out of a heap of so many: the last one takes its place."""
    last = count - 1
    if last > 0:
        rows[replace_first(rows, last, rows[last].time, rows[last].order)] = rows[last]


@kernel
def _is_earlier(rows: Rows, place: int, time: float, order: int) -> bool:
    row = rows[place]
    return row.time < time or (row.time == time and row.order < order)
