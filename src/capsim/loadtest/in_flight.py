"""What the starts and ends of requests tell of their order, gaps and number at the same time."""

from dataclasses import dataclass

import numpy as np

from capsim.loadtest.samples import FloatArray, Samples

# A clock that is coarse against the requests makes some overlap that did not: at most as many as
# arrive within its resolution. Above this share of the mean in flight, the peak is not told.
_PEAK_ERROR = 0.05
# With this many requests per step of the clock, equal rows by chance are rare; and so they are with
# response times finer than this.
_CHANCE = 0.01
_FLOAT_S = 1e-6  # four times the resolution of a float that counts seconds since 1970
_FINE_S = 1e-4
_SEEN = 10_000  # requests whose response times show how fine they are


@dataclass(frozen=True, kw_only=True)
class Order:
    """How far the rows of a file are from being in the order of time.

    Attributes:
        out_of_order: Rows that lie before the row above them.
        largest_step_s: The largest step backwards, in seconds; 0: none.
    """

    out_of_order: int
    largest_step_s: float


def order_of_rows(samples: Samples) -> Order:
    """Return the order of the rows by their starts or their ends, whichever the tool kept to.

    Most tools write a row when the answer is there: then the starts are out of order by nature.
    """
    # Both the start and the response time are rounded to the clock's step, or cut; and ends that
    # are sums of floats can differ in the last place.
    slack_s = 2 * samples.time_step_s + _FLOAT_S
    found = [_order(samples.start_s, slack_s), _order(samples.end_s, slack_s)]
    return min(found, key=lambda order: (order.out_of_order, order.largest_step_s))


def _order(times_s: FloatArray, slack_s: float) -> Order:
    steps = np.diff(times_s)
    backwards = steps < -slack_s
    largest = float(-steps.min()) if backwards.any() else 0.0
    return Order(out_of_order=int(backwards.sum()), largest_step_s=largest)


def longest_gap_s(samples: Samples) -> float:
    """Return the longest time in which no request started or ended, in seconds.

    A coarse clock makes gaps of its own, of its step at most: that is taken off.
    """
    events = np.concatenate([samples.start_s, samples.end_s])
    events.sort()
    gap_s = float(np.diff(events).max(initial=0.0))
    return max(0.0, gap_s - samples.time_step_s)


def mean_in_flight(samples: Samples) -> float | None:
    """Return the mean number of requests at the same time; none: no time passed.

    The time that all requests took together, over the length of the test.
    """
    length_s = span_s(samples)
    return float(samples.response_time_s.sum()) / length_s if length_s > 0 else None


def span_s(samples: Samples) -> float:
    """Return the time from the first start to the last end, in seconds."""
    if len(samples) == 0:
        return 0.0
    return float(samples.end_s.max() - samples.start_s.min())


def peak_in_flight(samples: Samples) -> int | None:
    """Return the largest number of requests at the same time; none: the clock is too coarse.

    A request that ends when another one starts is not counted with it.
    """
    length_s, mean = span_s(samples), mean_in_flight(samples)
    if mean is None:
        return None
    blurred = len(samples) / length_s * samples.time_step_s
    if blurred > max(1.0, _PEAK_ERROR * mean):
        return None
    starts, ends = np.sort(samples.start_s), np.sort(samples.end_s)
    gone = np.searchsorted(ends, starts, side="right")
    # A request of no length has gone before it came, and counts as one all the same.
    present = np.arange(1, len(starts) + 1) - gone
    return max(1, int(present.max()))


def duplicates(samples: Samples) -> int | None:
    """Return how many rows repeat another one; none: a coarse clock makes equals by chance.

    Where the sender of each request is known, rows are equal only with equal senders.
    """
    if len(samples) == 0:
        return 0
    length_s = span_s(samples)
    per_step = len(samples) / length_s * samples.time_step_s if length_s > 0 else 0.0
    if samples.worker is None and per_step > _CHANCE and _is_coarse(samples.response_time_s):
        return None
    keys = _mixed(samples.start_s.view(np.uint64), samples.response_time_s.view(np.uint64))
    keys = _mixed(keys, samples.endpoint.astype(np.uint64))
    keys = _mixed(keys, samples.status.astype(np.uint64))
    if samples.worker is not None:
        keys = _mixed(keys, samples.worker.astype(np.uint64))
        # One sender can do several requests of no length within one step of the clock.
        keys = keys[samples.response_time_s > samples.time_step_s]
    keys.sort()
    return int((keys[1:] == keys[:-1]).sum())


def _is_coarse(times_s: FloatArray) -> bool:
    """Return whether all times are whole steps of a tenth of a millisecond."""
    steps = times_s[:_SEEN] / _FINE_S
    return bool(np.all(np.abs(steps - np.rint(steps)) < 1e-3))  # noqa: PLR2004 (of a step)


def _mixed(
    first: np.ndarray[tuple[int], np.dtype[np.uint64]],
    second: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return one number of two; that two of ten million pairs clash has a chance of 3 in 1e6.

    The multipliers and shifts are those of splitmix64 (Steele, Lea and Flood, 2014).
    """
    mixed = first * np.uint64(0x9E3779B97F4A7C15) + second
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    return mixed
