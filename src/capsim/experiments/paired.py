"""A system beside today's, draw by draw under the same luck."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.experiments.bottleneck import behind_shares, limiting_shares
from capsim.experiments.trials import Outcome, metric_intervals
from capsim.metrics.intervals import Interval, interval


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Outcomes of a system, and of today's at the same draws with the same luck."""

    outcomes: tuple[Outcome, ...]  # one per draw
    today: tuple[Outcome, ...]

    @property
    def metrics(self) -> dict[str, Interval]:
        """Median and 90 % interval of every metric."""
        return metric_intervals(self.outcomes)

    @property
    def differences(self) -> dict[str, Interval]:
        """Difference of every metric from today's: its median and 90 % interval over the draws."""
        return {name: interval(self.gains(name)) for name in self.outcomes[0].metrics}

    @property
    def limits(self) -> dict[str, float]:
        """In which share of the draws each resource limits."""
        return limiting_shares(self.outcomes)

    @property
    def limits_behind(self) -> dict[str, float]:
        """In which share of the draws what limits the work that no request waits for."""
        return behind_shares(self.outcomes)

    def figures(self) -> Iterator[dict[str, str | float]]:
        """Yield a row per metric: its median and interval, and those of the difference."""
        differences = self.differences
        for name, found in self.metrics.items():
            change = differences[name]
            yield {
                "metric": name,
                **vars(found),
                "difference": change.median,
                "difference_lo": change.lo,
                "difference_hi": change.hi,
            }

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return a metric of every draw."""
        return np.array([outcome.metrics[metric] for outcome in self.outcomes])

    def gains(self, metric: str) -> NDArray[np.float64]:
        """Return by how much a metric of every draw lies above today's."""
        before = Paired(outcomes=self.today, today=self.today)
        above: NDArray[np.float64] = self.values(metric) - before.values(metric)
        return above
