"""What was found of one draw of the parameters: its capacity, and the loads that were tried."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from capsim.experiments.hysteresis import Return
from capsim.experiments.search import Ending


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A level that was simulated."""

    level: float
    is_met: bool
    lacks_load: bool  # whether only throughput is missed
    margin: float  # negative: missed
    metrics: Mapping[str, float]
    thin: tuple[str, ...]  # metrics that rest on too few requests
    is_look: bool  # a part of the load test, not the whole


@dataclass(frozen=True, kw_only=True)
class DrawCapacity:
    """What was found of one draw."""

    ending: Ending
    level: float  # the capacity: the largest level found that meets the targets; 0: none
    beyond: float  # the smallest level tried above it that does not; infinite: none
    tried: tuple[Tried, ...]  # in order of the level
    limit: str | None = None  # what limits at the capacity
    limit_beyond: str | None = None  # and just above it
    next_limit: str | None = None  # and if that were gone
    behind: tuple[str, ...] = ()  # work that piles up at the capacity, and is never done
    after_burst: Return | None = None  # none: not tried

    @property
    def value(self) -> float:
        """The capacity as a number: infinite where it was met at the highest level tried."""
        return math.inf if self.ending == Ending.MORE else self.level

    @property
    def levels(self) -> tuple[float, ...]:
        """Every level that was tried, those on both sides of the capacity among them."""
        ends = (end for end in (self.level, self.beyond) if 0 < end < math.inf)
        return (*(tried.level for tried in self.tried), *ends)

    @property
    def missed_below(self) -> tuple[float, ...]:
        """Levels below the capacity that miss the targets, and not for want of load."""
        return tuple(t.level for t in self._below if not (t.is_look or t.is_met or t.lacks_load))

    @property
    def idle_below(self) -> tuple[float, ...]:
        """Levels below the capacity that do not bring the throughput asked for."""
        return tuple(t.level for t in self._below if t.lacks_load)

    @property
    def met_above(self) -> tuple[float, ...]:
        """Levels above the capacity that meet the targets again."""
        above = [t for t in self.tried if t.level > self.beyond]
        return tuple(t.level for t in above if t.is_met and not t.is_look)

    @property
    def thin(self) -> tuple[str, ...]:
        """Metrics at the capacity that rest on too few requests."""
        return next((t.thin for t in self.tried if t.level == self.level), ())

    @property
    def failure_ratio(self) -> float:
        """Share of the requests that fail at the capacity; NaN: there is none."""
        at = (t.metrics.get("failure_ratio", math.nan) for t in self.tried if t.level == self.level)
        return next(at, math.nan)

    @property
    def _below(self) -> list[Tried]:
        return [t for t in self.tried if t.level < self.level]

    @classmethod
    def kept(cls, kept: Mapping[str, Any]) -> "DrawCapacity":
        """Return what a journal holds of a draw."""
        back = kept["after_burst"]
        tried = tuple(Tried(**{**each, "thin": tuple(each["thin"])}) for each in kept["tried"])
        return cls(
            **{
                **kept,
                "ending": Ending(kept["ending"]),
                "tried": tried,
                "behind": tuple(kept["behind"]),
                "after_burst": None if back is None else Return(back),
            }
        )

    def to_keep(self) -> dict[str, Any]:
        """Return the same as JSON holds it."""
        return asdict(self)
