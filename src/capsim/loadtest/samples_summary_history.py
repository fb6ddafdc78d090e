"""From single requests to a load test over time, second by second."""

import math
from collections.abc import Sequence

import numpy as np

from capsim.loadtest.recording import History
from capsim.loadtest.samples import FloatArray, Samples
from capsim.metrics.percentiles import is_thin, percentile

_MOST_POINTS = 100_000  # more than a day of seconds; longer tests are told in longer steps
_WINDOW_S = 10.0  # of the running percentiles, as Locust has it (locust/stats.py)
_ALMOST = 1e-6  # of a step: the last request ends in the last one
# The top of a test counts as flat if it is held this share of the time.
_FLAT_SHARE = 0.1


def history_of(samples: Samples, parts: Sequence[Samples]) -> History | None:
    """Return a test over time; none: it has less than two steps.

    A request counts when it ends. Users are those that the tool reported, of all files together.

    Args:
        samples: all requests.
        parts: the same by file.
    """
    begin_s = float(samples.start_s.min())
    ends = samples.end_s - begin_s
    length_s = float(ends.max())
    step_s = max(1.0, math.ceil(length_s / _MOST_POINTS))
    points = math.ceil(length_s / step_s - _ALMOST)
    if points <= 1:
        return None
    time_s: FloatArray = step_s * np.arange(1.0, points + 1)
    time_s[-1] = min(time_s[-1], round(length_s, 6))  # the last step ends with the test
    order = np.argsort(ends)
    ends = ends[order]
    sorted_s = samples.response_time_s[order]
    until = np.searchsorted(ends, time_s, side="right")
    until[-1] = len(ends)
    running = _percentiles(ends, sorted_s, until, time_s - max(_WINDOW_S, step_s))
    return History(
        time_s=time_s,
        users=_users(parts, begin_s, time_s, step_s),
        requests=until.astype(np.float64),
        failures=_so_far(samples.failed[order].astype(np.float64), until),
        mean_s=_ratio(_so_far(sorted_s, until), until.astype(np.float64)),
        p50_s=running["p50_s"],
        p95_s=running["p95_s"],
    )


def users_at_the_top(history: History | None, parts: Sequence[Samples]) -> int | None:
    """Return the users at the flat top; none: unknown, or the top was never held.

    Args:
        history: the users over time; none: the test was too short for it.
        parts: the requests by file.
    """
    if history is None:
        found = [np.unique(part.users) for part in parts if part.users is not None]
        flat = bool(found) and all(len(values) == 1 for values in found)
        return int(sum(values[0] for values in found)) or None if flat else None
    known = history.users[np.isfinite(history.users)]
    top = known.max(initial=0.0)
    if top < 1 or (known == top).sum() < _FLAT_SHARE * len(history.users):
        return None
    return int(top)


def _so_far(values: FloatArray, until: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FloatArray:
    sums: FloatArray = np.concatenate([[0.0], np.cumsum(values)])
    return sums[until]


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    found: FloatArray = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return found


def _percentiles(
    ends: FloatArray,
    response_s: FloatArray,
    until: np.ndarray[tuple[int], np.dtype[np.int64]],
    after_s: FloatArray,
) -> dict[str, FloatArray]:
    """Return median and 95th percentile of the window before each point, where it has enough."""
    levels = {"p50_s": 0.5, "p95_s": 0.95}
    found = {name: np.full(len(until), np.nan) for name in levels}
    since = np.searchsorted(ends, after_s, side="right")
    for point, (first, last) in enumerate(zip(since.tolist(), until.tolist(), strict=True)):
        if is_thin(last - first, 0.5):
            continue
        window = np.sort(response_s[first:last])
        for name, level in levels.items():
            if not is_thin(last - first, level):
                found[name][point] = percentile(window, level)
    return found


def _users(
    parts: Sequence[Samples], begin_s: float, time_s: FloatArray, step_s: float
) -> FloatArray:
    """Return the users of all files, NaN where no file reports any.

    Of several reports within a step the largest counts: tools report the users at an end, and at
    the end of a test they have begun to leave.
    """
    total = np.full(len(time_s), np.nan)
    for part in parts:
        if part.users is None or len(part) == 0:
            continue
        step = np.ceil((part.end_s - begin_s) / step_s - _ALMOST).astype(np.int64) - 1
        step = np.clip(step, 0, len(time_s) - 1)
        users = np.full(len(time_s), -1.0)
        np.maximum.at(users, step, part.users.astype(np.float64))
        reported = np.flatnonzero(users >= 0)
        # Between two reports of a file the last one holds.
        latest = np.maximum.accumulate(np.where(users >= 0, np.arange(len(users)), -1))
        filled = np.where(latest >= 0, users[latest], np.nan)
        filled[reported[-1] + 1 :] = np.nan
        total = np.where(np.isnan(total), filled, total + np.nan_to_num(filled))
    return total
