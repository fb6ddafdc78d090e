"""What the capacities of all draws say together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capsim.experiments.bottleneck import behind_shares, shares
from capsim.experiments.draw_capacity import DrawCapacity
from capsim.experiments.hysteresis import Return
from capsim.experiments.levels_met import Level
from capsim.experiments.loads import Load
from capsim.experiments.order_statistics import fewest_draws, quantile_bounds
from capsim.experiments.search import Ending, Scale
from capsim.experiments.targets import Targets
from capsim.metrics.intervals import Interval, interval, weighted_quantile

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING = 1e-9  # of a product that should be whole


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """The largest level of load that meets the targets, over all draws of the parameters."""

    model: str
    load: Load
    targets: Targets
    confidence: float
    calibrated: bool
    scale: Scale  # levels that might be tried
    draws: tuple[DrawCapacity, ...]
    levels: tuple[Level, ...]  # those asked for
    confirmed: Level | None  # all draws at the capacity at the confidence asked; none: no level
    extrapolations: tuple[str, ...]

    @property
    def values(self) -> list[float]:
        """Capacity of each draw: 0 where no level meets the targets, infinite where all do."""
        return [draw.value for draw in self.draws]

    @property
    def capacity(self) -> Interval:
        """Median and 90 % interval over the draws."""
        return interval(self.values)

    @property
    def at_confidence(self) -> float:
        """The level up to which the targets hold with the confidence asked."""
        return at_confidence(self.draws, self.confidence)

    @property
    def sampling(self) -> tuple[float, float]:
        """90 % interval of that level for want of more draws; NaN: so few cannot tell."""
        return quantile_bounds(self.values, 1 - self.confidence)

    @property
    def draws_needed(self) -> int:
        """Draws that the confidence asked needs at least; see `fewest_draws`."""
        return fewest_draws(1 - self.confidence)

    @property
    def endings(self) -> dict[Ending, int]:
        """How many searches ended in each way."""
        found = [draw.ending for draw in self.draws]
        return {ending: found.count(ending) for ending in Ending}

    @property
    def at_lowest(self) -> dict[str, float]:
        """Medians of what has a target, at the lowest load tried, over draws that miss it there."""
        missed = [t for d in self.draws if d.ending == Ending.LESS for t in d.tried[:1]]
        return {
            name: weighted_quantile([t.metrics.get(name, math.nan) for t in missed], 0.5)
            for name in self.targets.metrics
            if missed
        }

    @property
    def thin(self) -> tuple[str, ...]:
        """Metrics with a target that rest on too few requests at the capacity of some draw."""
        found = {name for draw in self.draws for name in draw.thin}
        return tuple(name for name in self.targets.metrics if name in found)

    @property
    def missed_below(self) -> dict[int, tuple[float, ...]]:
        """Levels that miss the targets below the capacity found, by draw; others have none."""
        return {n: d.missed_below for n, d in enumerate(self.draws) if d.missed_below}

    @property
    def met_above(self) -> dict[int, tuple[float, ...]]:
        """Levels that meet the targets again above the capacity found, by draw."""
        return {n: d.met_above for n, d in enumerate(self.draws) if d.met_above}

    @property
    def idle_below(self) -> dict[int, tuple[float, ...]]:
        """Levels too low for the throughput that is asked for, by draw."""
        return {n: d.idle_below for n, d in enumerate(self.draws) if d.idle_below}

    @property
    def is_monotone(self) -> bool:
        """Whether every level tried below a draw's capacity meets the targets, and none above."""
        return not self.missed_below and not self.met_above

    @property
    def returns(self) -> dict[Return, int]:
        """How many draws did what after a burst; nothing where no burst was tried."""
        found = [draw.after_burst for draw in self.draws if draw.after_burst is not None]
        return {each: found.count(each) for each in Return} if found else {}

    @property
    def limiting(self) -> dict[str, float]:
        """In which share of the draws each resource limits at the capacity."""
        return shares([draw.limit for draw in self.draws if draw.limit])

    @property
    def tried_from(self) -> float:
        """The lowest load that was tried in any draw."""
        return min(level for draw in self.draws for level in draw.levels)

    @property
    def tried_to(self) -> float:
        """The highest load that was tried in any draw."""
        return max(level for draw in self.draws for level in draw.levels)

    @property
    def tried_above(self) -> bool:
        """Whether any draw was tried beyond its capacity."""
        return any(level > draw.level for draw in self.draws for level in draw.levels)

    @property
    def limiting_beyond(self) -> dict[str, float]:
        """The same just above the capacity."""
        return shares([draw.limit_beyond for draw in self.draws if draw.limit_beyond])

    @property
    def limiting_behind(self) -> dict[str, float]:
        """In which share of the draws what limits the work behind the requests, at the capacity."""
        return behind_shares(self.confirmed.outcomes) if self.confirmed else {}

    @property
    def next_limits(self) -> dict[str, float]:
        """And what would limit if that were gone."""
        return shares([draw.next_limit for draw in self.draws if draw.next_limit])

    @property
    def frame(self) -> "pd.DataFrame":
        """A row per draw: how its search ended, and what it found."""
        import pandas as pd

        return pd.DataFrame([row(number, draw) for number, draw in enumerate(self.draws)])


def at_confidence(draws: Sequence[DrawCapacity], confidence: float) -> float:
    """Return the level up to which targets hold with a confidence.

    The share of the draws that still meets the targets at a level is the share whose capacity is
    not below it: (n - k + 1) / n at the k-th lowest of n capacities. So the largest level that
    leaves a share c is number floor(n (1 - c)) + 1 of them: few users for much confidence.
    """
    ordered = sorted(draw.value for draw in draws)
    return ordered[math.floor(len(ordered) * (1 - confidence) + _ROUNDING)]


def row(number: int, draw: DrawCapacity) -> Mapping[str, object]:
    """Return what was found of a draw, as a row of a table."""
    return {
        "draw": number,
        "capacity": draw.level if draw.ending == Ending.FOUND else math.nan,
        "ending": draw.ending.value,
        "highest_met": draw.level or math.nan,
        "lowest_missed": draw.beyond if math.isfinite(draw.beyond) else math.nan,
        "limiting": draw.limit,
        "limiting_beyond": draw.limit_beyond,
        "next": draw.next_limit,
        "monotone": not draw.missed_below and not draw.met_above,
        "after_burst": draw.after_burst.value if draw.after_burst else None,
        "left_behind": bool(draw.behind),
        "levels_tried": len(draw.tried),
    }
