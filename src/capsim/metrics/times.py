"""Response times: every one of them, or a histogram of them whose memory does not grow."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capsim.metrics.percentiles import percentile, rank

Floats = NDArray[np.float64]

# Bins are 0.1 % wide, and a percentile is said to be the middle of its bin: it is off by half of
# that and by rounding, which is less than what is said.
_BIN = math.log(1.001)
HISTOGRAM_ERROR = 0.001


class Times(Protocol):
    """Some response times, in seconds; figures of none at all are NaN."""

    @property
    def error(self) -> float:
        """The largest relative error of a percentile; 0: it is a time that was measured."""

    @property
    def mean_s(self) -> float:
        """Their mean."""

    @property
    def max_s(self) -> float:
        """The longest one."""

    def percentile(self, level: float) -> float:
        """Return a percentile by nearest rank."""


@dataclass(frozen=True)
class EveryTime:
    """All of them, in ascending order."""

    sorted_s: Floats
    error: float = 0.0

    @property
    def mean_s(self) -> float:
        """Their mean."""
        return float(self.sorted_s.mean()) if len(self.sorted_s) else float("nan")

    @property
    def max_s(self) -> float:
        """The longest one."""
        return float(self.sorted_s[-1]) if len(self.sorted_s) else float("nan")

    def percentile(self, level: float) -> float:
        """Return a percentile by nearest rank."""
        return percentile(self.sorted_s, level)


class Histogram:
    """How many there are in each of many bins, which are equally wide on a logarithmic scale.

    Of any finite times there are at most a million and a half bins; of response times, some
    thousand. Times of zero have a bin of their own. Mean and maximum are those of the times
    themselves.
    """

    error = HISTOGRAM_ERROR

    def __init__(self) -> None:
        """Begin without any time."""
        self._first = 0  # bin that the first count is of
        self._counts = np.zeros(0, np.int64)
        self._zeros = 0
        self._count = 0
        self._max_s = 0.0
        self._sum_s = 0.0
        self._rest_s = 0.0  # that the sum has lost to rounding (Neumaier's summation)

    def add(self, times_s: Floats) -> None:
        """Count more times."""
        if not len(times_s):
            return
        self._count += len(times_s)
        self._max_s = max(self._max_s, float(times_s.max()))
        self._add_sum(float(times_s.sum()))
        positive = times_s[times_s > 0.0]
        self._zeros += len(times_s) - len(positive)
        if len(positive):
            bins = np.floor(np.log(positive) / _BIN).astype(np.int64)
            self._reach(int(bins.min()), int(bins.max()))
            self._counts += np.bincount(bins - self._first, minlength=len(self._counts))

    @property
    def mean_s(self) -> float:
        """Their mean."""
        return (self._sum_s + self._rest_s) / self._count if self._count else float("nan")

    @property
    def max_s(self) -> float:
        """The longest one."""
        return self._max_s if self._count else float("nan")

    def percentile(self, level: float) -> float:
        """Return the middle of the bin that a percentile by nearest rank lies in."""
        if not self._count:
            return float("nan")
        behind_zeros = rank(self._count, level) - self._zeros
        if behind_zeros <= 0:
            return 0.0
        number = self._first + int(np.searchsorted(np.cumsum(self._counts), behind_zeros))
        return min(math.exp((number + 0.5) * _BIN), self._max_s)

    def _add_sum(self, more_s: float) -> None:
        total_s = self._sum_s + more_s
        large, small = max(self._sum_s, more_s), min(self._sum_s, more_s)
        self._rest_s += (large - total_s) + small
        self._sum_s = total_s

    def _reach(self, first: int, last: int) -> None:
        """Have bins from a number to another one."""
        if not len(self._counts):
            self._first = first
        before = max(0, self._first - first)
        behind = max(0, last + 1 - self._first - len(self._counts))
        if before or behind:
            self._counts = np.pad(self._counts, (before, behind))
            self._first -= before
