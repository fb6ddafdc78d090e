"""Percentiles of response times, and whether there are enough requests to name one."""

import numpy as np
from numpy.typing import NDArray

LEVELS = {"p50_s": 0.50, "p90_s": 0.90, "p95_s": 0.95, "p99_s": 0.99}
ALL_LEVELS = LEVELS | {
    "p66_s": 0.66,
    "p75_s": 0.75,
    "p80_s": 0.80,
    "p98_s": 0.98,
    "p999_s": 0.999,
}
# Fewer requests than this above a percentile, and it is flagged: the binomial 90 % interval of
# its rank is then wider than the percentile's own distance from the largest value.
FEWEST_ABOVE = 5


def percentile(sorted_s: NDArray[np.float64], level: float) -> float:
    """Return a percentile by nearest rank, as load generators do: a value that was measured.

    Args:
        sorted_s: (n,) response times in ascending order, seconds.
        level: between 0 and 1.

    Returns:
        The value, or NaN where there is none.
    """
    if not len(sorted_s):
        return float("nan")
    return float(sorted_s[rank(len(sorted_s), level) - 1])


def rank(count: int, level: float) -> int:
    """Return the nearest rank of a percentile among `count` values, from 1 on."""
    return min(max(int(np.ceil(level * count)), 1), count)


def is_thin(count: int, level: float) -> bool:
    """Return whether too few of `count` requests lie above a percentile to trust it."""
    return round(count * (1 - level), 9) < FEWEST_ABOVE
