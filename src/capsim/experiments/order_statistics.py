"""What a finite number of draws leaves open of a quantile, and of a share."""

import math
from collections.abc import Sequence
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
    count = len(values)
    ordered = sorted(values)
    # Values numbered from 1: the quantile lies above number `low` and below number `high`.
    low = max((k for k in range(1, count + 1) if _below(k - 1, count, share) <= _TAIL), default=0)
    high = min(
        (k for k in range(1, count + 1) if 1 - _below(k - 1, count, share) <= _TAIL), default=0
    )
    return (ordered[low - 1] if low else math.nan, ordered[high - 1] if high else math.nan)


def _below(most: int, count: int, share: float) -> float:
    """Return the probability that at most `most` of `count` draws lie below the quantile."""
    terms = (math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(most + 1))
    return math.fsum(terms)


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
