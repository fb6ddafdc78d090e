"""What reported percentiles say of the mean and the spread, as bounds that need no distribution.

A share q of the requests lies at or below its percentile (the definition); putting each share at
one end of its interval bounds every moment (Markov 1884; see Karlin and Studden 1966, "Tchebycheff
Systems", chapter 2).
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from capsim.loadtest.figures import SHARES, Figures
from capsim.loadtest.rounding import Tool, rounding_step_s


@dataclass(frozen=True, kw_only=True)
class Quantile:
    """A reported percentile, and what it may have been before the tool rounded it."""

    share: float
    value_s: float
    low_s: float
    high_s: float


def quantiles(figures: Figures, tool: Tool) -> list[Quantile]:
    """Return the reported percentiles, ascending; the maximum is the last one, if it is known."""
    found = []
    for name, share in SHARES.items():
        value_ms = getattr(figures, name)
        if value_ms is not None:
            value = value_ms / 1000
            half = rounding_step_s(tool, value) / 2
            found.append(
                Quantile(share=share, value_s=value, low_s=value - half, high_s=value + half)
            )
    if figures.max_ms is not None:
        slowest = figures.max_ms / 1000
        found.append(Quantile(share=1.0, value_s=slowest, low_s=slowest, high_s=slowest))
    return found


def mean_bounds_s(figures: Figures, tool: Tool) -> tuple[float, float]:
    """Return the least and the largest mean that the percentiles allow, in seconds.

    Without a maximum the largest is infinite. A percentile of n requests is one of them, so each
    share is uncertain by 1/n (and tools count ranks differently by one).
    """
    reported = quantiles(figures, tool)
    slack = 2 / figures.requests if figures.requests else 0.0
    fastest = (figures.min_ms or 0.0) / 1000
    shares = [0.0, *(min(one.share + slack, 1.0) for one in reported), 1.0]
    lows = [fastest, *(max(one.low_s, 0.0) for one in reported)]
    least = sum(
        (upper - lower) * low for (lower, upper), low in zip(pairwise(shares), lows, strict=True)
    )
    return least, _upper_moment(figures, tool, 1)


def second_moment(figures: Figures, tool: Tool) -> float:
    """Return the largest mean square that the percentiles allow, in seconds squared.

    Infinite without a maximum.
    """
    return _upper_moment(figures, tool, 2)


def slowest_s(figures: Figures) -> float:
    """Return the slowest request in seconds; infinite: unknown."""
    return math.inf if figures.max_ms is None else figures.max_ms / 1000


def _upper_moment(figures: Figures, tool: Tool, power: int) -> float:
    reported = quantiles(figures, tool)
    if figures.max_ms is None:
        return math.inf
    slack = 2 / figures.requests if figures.requests else 0.0
    shares = [0.0, *(max(one.share - slack, 0.0) for one in reported[:-1]), 1.0]
    return sum(
        (upper - lower) * one.high_s**power
        for (lower, upper), one in zip(pairwise(shares), reported, strict=True)
    )
