"""The statistics that Locust keeps of a load test, computed from all of its requests at once.

The rules are those of Locust 2 (locust/stats.py: `log`, `current_rps`, `median_response_time`,
`calculate_response_time_percentile` and `get_current_response_time_percentile`). Time zero is the
start of the test; a request counts from the moment at which it ended.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

LEVELS = (0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0)

_RATE_FROM, _RATE_UNTIL = 12, 2  # seconds before the last request: the window of current rates
_WINDOW = 10  # seconds, of current percentiles
_NEAREST = 8  # seconds by which the begin of that window may be missed
_NONE = -1
_COARSER_FROM_MS = np.array([100.0, 1000.0, 10_000.0])
_STEPS_MS = np.array([1.0, 10.0, 100.0, 1000.0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Logged:
    """The requests behind one row of Locust's statistics, in the order of their ends.

    Attributes:
        method: Of the row; empty: the total.
        name: Of the row.
        end_s: When each request ended, ascending, shape (requests,).
        response_ms: Response times in milliseconds, shape (requests,).
        failed: Which of them failed, shape (requests,).
    """

    method: str
    name: str
    end_s: FloatArray
    response_ms: FloatArray
    failed: BoolArray

    def at(self, times_s: FloatArray) -> IntArray:
        """Return how many requests had ended at some times, shape (times,)."""
        return np.searchsorted(self.end_s, times_s, side="right").astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Totals:
    """Figures of all requests up to some times; every array has the shape (times, ...).

    Attributes:
        requests: Number of requests.
        failures: Of these, how many failed.
        median_ms: Median of the rounded times, no further out than the fastest and the slowest.
        mean_ms: Mean response time.
        min_ms: Of the fastest, 0 where there is none.
        max_ms: Of the slowest, 0 where there is none.
        percentiles_ms: Of the rounded times at `LEVELS`, shape (times, levels).
    """

    requests: IntArray
    failures: IntArray
    median_ms: FloatArray
    mean_ms: FloatArray
    min_ms: FloatArray
    max_ms: FloatArray
    percentiles_ms: IntArray


def rounded_ms(response_ms: FloatArray) -> IntArray:
    """Return response times as Locust keeps them: with two significant digits (whole below 100)."""
    steps = _STEPS_MS[np.searchsorted(_COARSER_FROM_MS, response_ms, side="right")]
    found: IntArray = (np.rint(response_ms / steps) * steps).astype(np.int64)
    return found


def totals(logged: Logged, times_s: FloatArray) -> Totals:
    """Return the figures of all requests that had ended at each of some times (ascending)."""
    requests = logged.at(times_s)
    values, counts = _counted(logged, requests)
    zero = np.zeros(1)
    so_far = np.maximum(requests, 1)
    mean = np.concatenate([zero, np.cumsum(logged.response_ms)])[requests] / so_far
    fastest = np.concatenate([zero, np.minimum.accumulate(logged.response_ms)])[requests]
    slowest = np.concatenate([zero, np.maximum.accumulate(logged.response_ms)])[requests]
    return Totals(
        requests=requests,
        failures=np.concatenate([[0], np.cumsum(logged.failed)])[requests],
        median_ms=np.clip(_medians(values, counts), fastest, slowest),
        mean_ms=mean,
        min_ms=fastest,
        max_ms=slowest,
        percentiles_ms=_percentiles(values, counts),
    )


def current_rates(
    logged: Logged, everything: Logged, times_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return requests and failures per second of the last seconds, as Locust averages them.

    The window is the ten whole seconds that end two seconds before the one of the last request.

    Args:
        logged: whose rates.
        everything: all requests of the test, the last of which places the window.
        times_s: at which to look, ascending.
    """
    ended = everything.at(times_s)
    last = np.floor(np.concatenate([[0.0], everything.end_s])[ended]).astype(np.int64)
    begin, until = np.maximum(last - _RATE_FROM, 0), np.maximum(last - _RATE_UNTIL, 0)
    lengths = np.maximum(until - begin, 1)

    def rate(ends_s: FloatArray) -> FloatArray:
        # A second holds what ended from its beginning on and before its end.
        inside = np.searchsorted(ends_s, until) - np.searchsorted(ends_s, begin)
        return np.where(ended > 0, inside / lengths, 0.0)

    return rate(logged.end_s), rate(logged.end_s[logged.failed])


def current_percentiles_ms(logged: Logged, times_s: FloatArray) -> IntArray:
    """Return percentiles of about the last ten seconds, 0 where Locust knows none.

    Locust keeps what it knew at the end of a second when the first request of a later one ends, and
    of what it kept takes that nearest to ten seconds ago.

    Returns:
        Milliseconds, shape (times, levels).
    """
    requests = logged.at(times_s)
    seconds = np.unique(np.floor(logged.end_s)).astype(np.int64)
    before = np.array([_kept(logged, seconds, t) for t in times_s.tolist()], dtype=np.int64)
    values, counts = _counted(logged, requests)
    _, earlier = _counted(logged, np.maximum(before, 0))
    found = _percentiles(values, counts - earlier)
    return np.where((before == _NONE)[:, np.newaxis], 0, found)


def _kept(logged: Logged, seconds: IntArray, time_s: float) -> int:
    """Return how many requests Locust had kept as those of ten seconds ago; none: -1.

    `seconds` are those in which any request ended, ascending.
    """
    ended = int(logged.at(np.array([time_s]))[0])
    if ended == 0:
        return _NONE
    last = np.floor(logged.end_s[ended - 1])
    # A row begins with its first request, the total with the test.
    kept = {int(seconds[0]) if logged.method else 0: 0}
    kept |= {second - 1: second for second in seconds[(seconds <= last)][1:].tolist()}
    wanted = int(time_s) - _WINDOW
    nearest = [wanted, *(wanted + side * i for i in range(1, _NEAREST + 1) for side in (-1, 1))]
    begin = next((kept[second] for second in nearest if second in kept), None)
    return _NONE if begin is None else int(np.searchsorted(logged.end_s, begin))


def _counted(logged: Logged, requests: IntArray) -> tuple[IntArray, IntArray]:
    """Return the rounded values, and how often each came among the first so many requests."""
    values, place = np.unique(rounded_ms(logged.response_ms), return_inverse=True)
    row = np.searchsorted(requests, np.arange(len(place)), side="right")  # first that has it
    new = np.zeros((len(requests) + 1, len(values)), dtype=np.int64)
    np.add.at(new, (row, place), 1)
    return values, np.cumsum(new[:-1], axis=0)


def _percentiles(values: IntArray, counts: IntArray) -> IntArray:
    """Return the largest value below which no more than a share of the requests lies."""
    number = counts.sum(axis=1, keepdims=True)
    below = np.cumsum(counts, axis=1) - counts
    found = np.zeros((len(counts), len(LEVELS)), dtype=np.int64)
    for column, level in enumerate(LEVELS):
        fits = (counts > 0) & (below <= np.floor(number * level))
        found[:, column] = np.where(fits, values, 0).max(axis=1, initial=0)
    return found


def _medians(values: IntArray, counts: IntArray) -> FloatArray:
    """Return the lower middle value, 0 where there is none."""
    number = counts.sum(axis=1, keepdims=True)
    reached = np.cumsum(counts, axis=1) > (number - 1) // 2
    if not len(values):
        return np.zeros(len(counts))
    found = values[reached.argmax(axis=1)]
    return np.where(number[:, 0] > 0, found, 0).astype(np.float64)
