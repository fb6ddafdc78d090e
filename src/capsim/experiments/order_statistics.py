"""What a finite number of draws leaves open of a quantile, and of a share."""

import math
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from statistics import NormalDist

from capsim.metrics.intervals import LEVEL, Interval

_TAIL = (1 - LEVEL) / 2


def quantile_bounds(values: Sequence[float], share: float) -> tuple[float, float]:
    """Return a 90 % confidence interval of a quantile, from the order statistics alone.

    Of n draws, the number below the quantile is binomial whatever their distribution, so the
    quantile lies between two of the ordered values with a known probability (David & Nagaraja,
    "Order Statistics", 3rd edition, 2003, section 7.1).

    Args:
        values: independent draws.
        share: of the distribution below the quantile, between 0 and 1.

    Returns:
        Both ends; NaN for one that so few draws cannot tell.
    """
    ordered = sorted(values)
    low, high = _numbers(len(ordered), share)
    return (ordered[low - 1] if low else math.nan, ordered[high - 1] if high else math.nan)


@cache
def _numbers(count: int, share: float) -> tuple[int, int]:
    """Return above which of the values, numbered from 1, and below which, a quantile lies.

    0: so few cannot tell.
    """
    # How many of the values lie below the quantile is at most 0, 1, ... with these probabilities.
    at_most = tuple(accumulate(_binomial(k, count, share) for k in range(count + 1)))
    low = max((k for k in range(1, count + 1) if at_most[k - 1] <= _TAIL), default=0)
    high = min((k for k in range(1, count + 1) if 1 - at_most[k - 1] <= _TAIL), default=0)
    return low, high


def _binomial(hits: int, count: int, share: float) -> float:
    """Return the probability of `hits` among `count`; by logarithms, as factorials overflow."""
    ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
    return math.exp(ways + hits * math.log(share) + (count - hits) * math.log1p(-share))


def share_bounds(hits: int, count: int) -> Interval:
    """Return a share with its 90 % interval (Wilson, JASA 22, 1927)."""
    z = NormalDist().inv_cdf(1 - _TAIL)
    share = hits / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return Interval(
        median=share,
        lo=centre - half if hits else 0.0,
        hi=centre + half if hits < count else 1.0,
    )


def fewest_draws(share: float) -> int:
    """Return how many draws a quantile needs for one of them to be expected below it."""
    return math.ceil(1 / share - 1e-9)
