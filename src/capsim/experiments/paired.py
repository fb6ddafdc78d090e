"""A system beside today's, draw by draw under the same luck."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.experiments.bottleneck import limiting_shares
from capsim.experiments.trials import Outcome
from capsim.metrics.intervals import Interval, interval


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Outcomes of a system, and of today's at the same draws with the same luck."""

    outcomes: tuple[Outcome, ...]  # one per draw
    today: tuple[Outcome, ...]

    @property
    def metrics(self) -> dict[str, Interval]:
        """Median and 90 % interval of every metric."""
        return {name: interval(self.values(name)) for name in self.outcomes[0].metrics}

    @property
    def differences(self) -> dict[str, Interval]:
        """Difference of every metric from today's: its median and 90 % interval over the draws."""
        before = Paired(outcomes=self.today, today=self.today)
        names = self.outcomes[0].metrics
        return {name: interval(self.values(name) - before.values(name)) for name in names}

    @property
    def limits(self) -> dict[str, float]:
        """In which share of the draws each resource limits."""
        return limiting_shares(self.outcomes)

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return a metric of every draw."""
        return np.array([outcome.metrics[metric] for outcome in self.outcomes])
