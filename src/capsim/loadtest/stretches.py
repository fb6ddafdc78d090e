"""Parts of a load test by themselves, from the differences of what a history has cumulated."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from capsim.loadtest.consistent import consistent, rounded
from capsim.loadtest.figures import SHARES
from capsim.loadtest.observations import Window
from capsim.loadtest.recorded import Stretch
from capsim.loadtest.recording import History
from capsim.loadtest.rounding import Tool
from capsim.loadtest.steady import Level, Shape

_MOST_PARTS = 8  # of the steady part
_PART_S = 10.0  # a part is at least so long
_SHORTEST_S = 1.0  # of a ramp or a tail that is a stretch of its own
_WINDOWS = (1 / 3, 2 / 3)  # of the test, where figures so far are kept


def stretch(history: History, begin: int, end: int) -> Stretch | None:
    """Return requests, failures, throughput and mean between two rows; none: nothing was sent.

    Args:
        history: cumulated figures.
        begin: index of a row.
        end: index of a later row.
    """
    sent = history.requests[end] - history.requests[begin]
    length_s = history.time_s[end] - history.time_s[begin]
    if not sent >= 1 or not length_s > 0:
        return None
    failures = history.failures[end] - history.failures[begin]
    users = history.users[begin + 1 : end + 1]
    mean_ms = _mean_ms(history, begin, end)
    values: dict[str, float | None] = {
        "from_s": float(history.time_s[begin]),
        "until_s": float(history.time_s[end]),
        "users": rounded(float(users.mean())) if np.isfinite(users).all() else None,
        "requests": int(sent),
        "failures": int(failures) if 0 <= failures <= sent else None,
        "rps": rounded(float(sent / length_s)),
        "mean_ms": None if mean_ms is None else rounded(mean_ms),
    }
    return Stretch.model_validate({k: v for k, v in values.items() if v is not None})


def _mean_ms(history: History, begin: int, end: int) -> float | None:
    """Return the mean between two rows, from the sums of response times that means stand for."""
    before = history.requests[begin]
    sum_before = history.mean_s[begin] * before if before > 0 else 0.0
    sum_after = history.mean_s[end] * history.requests[end]
    mean = float((sum_after - sum_before) / (history.requests[end] - before) * 1000)
    return mean if np.isfinite(mean) and mean >= 0 else None


def steady_stretch(history: History, shape: Shape) -> Stretch | None:
    """Return the figures of the part with the full number of users; none: there is no such part."""
    if shape.steady is None:
        return None
    return stretch(history, shape.steady.begin, shape.steady.end)


def stretches(history: History, shape: Shape) -> tuple[Stretch, ...]:
    """Return the test in parts: ramp, equal parts of the steady one, tail; or one per level."""
    last = len(history.time_s) - 1
    if shape.steady is not None:
        inner = _equal_parts(history, shape.steady)
        ramp, tail = _outer(history, 0, inner[0]), _outer(history, inner[-1], last)
        parts = list(pairwise(sorted({*ramp, *inner, *tail})))
    elif len(shape.levels) > 1:
        parts = [(level.begin, level.end) for level in shape.levels]
    else:
        parts = list(pairwise(_equal_parts(history, Level(users=None, begin=0, end=last))))
    found = [stretch(history, begin, end) for begin, end in parts]
    return tuple(part for part in found if part is not None)


def _outer(history: History, begin: int, end: int) -> list[int]:
    """Return the outer rows of a ramp or tail, if it is long enough."""
    long_enough = history.time_s[end] - history.time_s[begin] >= _SHORTEST_S
    return [begin, end] if long_enough else []


def _equal_parts(history: History, level: Level) -> list[int]:
    begin_s, end_s = history.time_s[level.begin], history.time_s[level.end]
    number = int(np.clip((end_s - begin_s) // _PART_S, 1, _MOST_PARTS))
    rows = np.searchsorted(history.time_s, np.linspace(begin_s, end_s, number + 1))
    return [int(row) for row in np.unique(np.clip(rows, level.begin, level.end))]


def windows(history: History, source: object, tool: Tool) -> tuple[Window, ...]:
    """Return figures of the beginning of a test, where the tool kept percentiles so far.

    Raises:
        InputError: figures contradict each other.
    """
    if not history.so_far_s:
        return ()
    found = (
        _window(
            history, int(np.searchsorted(history.time_s, share * history.time_s[-1])), source, tool
        )
        for share in _WINDOWS
    )
    return tuple(window for window in found if window is not None)


def _window(history: History, row: int, source: object, tool: Tool) -> Window | None:
    values: dict[str, float | None] = {
        "requests": _count(history.requests[row]),
        "failures": _count(history.failures[row]),
        "mean_ms": _ms(history.mean_s[row]),
    }
    for name in SHARES:
        column = history.so_far_s.get(name.removesuffix("_ms"))
        values[name] = None if column is None else _ms(column[row])
    until_s = float(history.time_s[row])
    figures = consistent(values, source, f"first {until_s:g} s", tool)
    if figures is None or figures.p50_ms is None or until_s <= 0:
        return None
    return Window(until_s=until_s, **figures.model_dump(exclude_none=True))


def _ms(value_s: float) -> float | None:
    return float(value_s) * 1000 if np.isfinite(value_s) else None


def _count(value: float) -> int | None:
    return int(value) if np.isfinite(value) else None


def levels_in_words(levels: Sequence[Level]) -> str:
    """Return the levels as people write them: `10, 50, 100`."""
    return ", ".join(f"{level.users:g}" for level in levels if level.users is not None)
