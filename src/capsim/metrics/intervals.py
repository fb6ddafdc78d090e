"""Intervals: weighted quantiles of draws, and paired differences between systems."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.90  # of every interval that capsim shows


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Median and 90 % interval of a quantity; NaN where it is undefined."""

    median: float
    lo: float
    hi: float

    def contains(self, value: float) -> bool:
        """Return whether a value lies inside."""
        return self.lo <= value <= self.hi


def weighted_quantile(values: ArrayLike, level: float, weights: ArrayLike | None = None) -> float:
    """Return the smallest value at or below which a share `level` of the weight lies.

    With equal weights and an even number of values the median is their lower middle, so that the
    result is always one of the values. NaN values are left out; without any, the result is NaN.
    """
    array = np.asarray(values, dtype=float)
    weight = np.ones_like(array) if weights is None else np.asarray(weights, dtype=float)
    known = ~np.isnan(array) & (weight > 0)
    array, weight = array[known], weight[known]
    if not len(array):
        return float("nan")
    order = np.argsort(array, kind="stable")
    shares = np.cumsum(weight[order]) / weight.sum()
    position = int(np.searchsorted(shares, level - 1e-12))
    return float(array[order][min(position, len(array) - 1)])


def interval(values: ArrayLike, weights: ArrayLike | None = None) -> Interval:
    """Return the median and the central 90 % interval of weighted values."""
    tail = (1 - LEVEL) / 2
    return Interval(
        median=weighted_quantile(values, 0.5, weights),
        lo=weighted_quantile(values, tail, weights),
        hi=weighted_quantile(values, 1 - tail, weights),
    )


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation; NaN where one of the two does not vary."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:  # noqa: PLR2004 (no sense below)
        return float("nan")
    return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks, ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return ranks
