"""What a comparison of remedies says: a row for each system, and their order."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capsim.experiments.alternatives import Misfit
from capsim.experiments.assumed import Assumed
from capsim.experiments.caveats import Caveat, caveats, met_soundly
from capsim.experiments.extrapolation import Doubt
from capsim.experiments.paired import Paired
from capsim.experiments.regret import Regret
from capsim.experiments.resources import Resources
from capsim.experiments.shared_doubts import shared_doubts
from capsim.metrics.intervals import Interval, interval
from capsim.model.remedy import TODAY

if TYPE_CHECKING:
    import pandas as pd

GAIN = "in_time_rps"  # what remedies are ranked by
_DIGITS = 6  # of regrets: what differs beyond them is rounding
_ENOUGH = 0.95  # of the requests in time: the target is one on p95


@dataclass(frozen=True, kw_only=True)
class WhatIfRow(Paired):
    """A system with a remedy, beside today's."""

    name: str
    title: str
    notes: tuple[str, ...]
    assumed: tuple[Assumed, ...]
    regret: Regret
    costs: tuple[Resources, ...]  # one per draw
    next_limits: dict[str, float]
    doubts: tuple[Doubt, ...]  # what the load tests cannot vouch for

    @property
    def meets_target(self) -> float:
        """Share of the draws in which 95 % of the requests are answered in time.

        One that is shed, refused or given up is not: that is what sets this apart from a p95 of
        all answers, which fast failures make better.
        """
        return float(np.mean(self._is_met))

    @property
    def meets_soundly(self) -> float:
        """The same without the draws that leave work behind, or in which most requests fail."""
        return met_soundly(self.outcomes, self._is_met)

    @property
    def caveats(self) -> dict[Caveat, float]:
        """What makes the row less than it looks, and in which share of the draws."""
        return caveats(self.outcomes, self._is_met)

    @property
    def cost(self) -> dict[str, Interval]:
        """Instances, processes, connections and replicas."""
        names = vars(self.costs[0])
        return {name: interval([vars(cost)[name] for cost in self.costs]) for name in names}

    @property
    def by_expected(self) -> tuple[float, float, float]:
        """What rows are ranked by: of equal gains, the cheaper stands first."""
        return self._expected, self._worst, self._spent

    @property
    def by_worst(self) -> tuple[float, float, float]:
        """The same for those who look at the worst draw first."""
        return self._worst, self._expected, self._spent

    @property
    def _is_met(self) -> NDArray[np.bool_]:
        met: NDArray[np.bool_] = self.values("in_time_ratio") >= _ENOUGH
        return met

    @property
    def _expected(self) -> float:
        return round(self.regret.expected, _DIGITS)

    @property
    def _worst(self) -> float:
        return round(self.regret.worst, _DIGITS)

    @property
    def _spent(self) -> float:
        cost = self.cost
        return sum(cost[name].median for name in ("processes", "connections", "replicas"))


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Remedies compared at one load."""

    model: str
    scenario: str
    users: int  # closed ones
    target_s: float
    calibrated: bool
    rows: tuple[WhatIfRow, ...]  # the least expected regret first, today among them
    misfits: tuple[Misfit, ...]

    @property
    def today(self) -> WhatIfRow:
        """The system as it is."""
        return self.row(TODAY)

    def row(self, name: str) -> WhatIfRow:
        """Return the row of a remedy."""
        return next(row for row in self.rows if row.name == name)

    @cached_property
    def worst_places(self) -> dict[str, int]:
        """The place of each row, from 1, by the regret in the worst draw."""
        ranked = sorted(self.rows, key=lambda row: row.by_worst)
        return {row.name: place for place, row in enumerate(ranked, start=1)}

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the load tests cannot vouch for: each doubt once, with the rows that it is of."""
        return tuple(shared_doubts({row.name: row.doubts for row in self.rows}))

    @property
    def frame(self) -> "pd.DataFrame":
        """A tidy table: remedy, metric, median, lo, hi, and the difference from today."""
        import pandas as pd

        return pd.DataFrame(
            [{"what_if": row.name, **figures} for row in self.rows for figures in row.figures()]
        )
