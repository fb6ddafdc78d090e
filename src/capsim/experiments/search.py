"""The largest level of load at which targets are met, found with few evaluations.

The function is a simulation under common random numbers: the same level always gives the same
answer, and near levels nearly the same. The root is bracketed by doubling or halving, then closed
in on by interpolation between the margins at the bracket's ends, in the logarithm of the level.
Each interpolated point is moved towards the farther end, so that the root comes to lie between two
near points, and bisection steps in wherever a step has not halved the bracket: at most twice as
many steps as bisection alone. It is the idea of Oliveira and Takahashi, "An enhancement of the
bisection method average performance preserving minmax optimality" (ITP), ACM TOMS 47(1), 2020.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

WIDTH = 0.02  # relative: closer than this a capacity is not asked for
_OVERSHOOT = 0.4  # of the width: how far an interpolated point is moved
_DOUBLE = 2.0
_ASCENT = 6  # doublings of a level that gives too little throughput, before it is given up


class Verdict(Protocol):
    """What is known of a level."""

    @property
    def is_met(self) -> bool:
        """Whether the targets are met."""

    @property
    def lacks_load(self) -> bool:
        """Whether a higher level may bring what is missed."""

    @property
    def margin(self) -> float:
        """By how much the targets are met, negative: missed; NaN: unknown."""


class Ending(StrEnum):
    """How a search ended."""

    FOUND = "found"
    MORE = "more"  # met at the highest level tried
    LESS = "less"  # missed down to the lowest level
    NEVER = "never"  # what is missed at low levels was not met before other bounds were broken


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The levels of load that may be tried."""

    lowest: float
    highest: float
    whole: bool  # whether levels are whole numbers

    def level(self, value: float) -> float:
        """Return the level nearest to a value."""
        rounded = float(round(value)) if self.whole else float(f"{value:.4g}")
        return min(max(rounded, self.lowest), self.highest)

    def apart(self, low: float, high: float, width: float) -> bool:
        """Return whether two levels are so far apart that one between them should be tried."""
        if self.whole and high - low <= 1:
            return False
        return high / low > 1 + width


@dataclass(frozen=True, kw_only=True)
class Found:
    """The end of a search."""

    ending: Ending
    level: float  # the largest level found that meets the targets; 0: none
    beyond: float  # the smallest one above it that does not; infinite: none was tried


@dataclass(kw_only=True)
class Search:
    """One search; `judge` is asked for each level once."""

    judge: Callable[[float], Verdict]
    scale: Scale
    width: float = WIDTH
    known: dict[float, Verdict] = field(default_factory=dict)

    def at(self, level: float) -> Verdict:
        """Return what is known of a level, after asking for it if need be."""
        if level not in self.known:
            self.known[level] = self.judge(level)
        return self.known[level]

    def largest(self, start: float, step: float = _DOUBLE) -> Found:
        """Return the largest level that meets the targets, searched from a start on.

        Args:
            start: where it is supposed.
            step: ratio of the first step away from there; each further one is its double in the
                logarithm, up to a factor of two.
        """
        level = self.scale.level(start)
        if self.at(level).is_met:
            return self._up(level, step)
        if self.at(level).lacks_load:
            return self._out_of_idleness(level)
        return self._down(level, step)

    def _up(self, met: float, step: float) -> Found:
        """Search from a level that meets the targets on."""
        while met < self.scale.highest:
            level = self._next(met, step)
            if not self.at(level).is_met:
                return self._between(met, level)
            met, step = level, min(step**2, _DOUBLE)
        return Found(ending=Ending.MORE, level=met, beyond=math.inf)

    def _down(self, missed: float, step: float) -> Found:
        """Search below a level that is too much."""
        while missed > self.scale.lowest:
            level = self._next(missed, 1 / step)
            if self.at(level).is_met:
                return self._between(level, missed)
            if self.at(level).lacks_load:
                return self._window(level, missed)
            missed, step = level, min(step**2, _DOUBLE)
        return Found(ending=Ending.LESS, level=0.0, beyond=missed)

    def _out_of_idleness(self, start: float) -> Found:
        """Search above a level with too little throughput, then below: it may have collapsed."""
        level = start
        for _ in range(_ASCENT):
            before, level = level, self._next(level, _DOUBLE)
            if level == before:
                break
            if self.at(level).is_met:
                return self._up(level, _DOUBLE)
            if not self.at(level).lacks_load:
                return self._window(before, level)
        level = start
        while level > self.scale.lowest:
            before, level = level, self._next(level, 1 / _DOUBLE)
            if self.at(level).is_met:
                return self._between(level, before)
        return Found(ending=Ending.NEVER, level=0.0, beyond=level)

    def _window(self, little: float, much: float) -> Found:
        """Search between a level with too little throughput and one that is too much."""
        while self.scale.apart(little, much, self.width):
            level = self._middle(little, much)
            if self.at(level).is_met:
                return self._between(level, much)
            if self.at(level).lacks_load:
                little = level
            else:
                much = level
        return Found(ending=Ending.NEVER, level=0.0, beyond=much)

    def _between(self, met: float, missed: float) -> Found:
        """Close in on the root between two levels."""
        halved = True
        while self.scale.apart(met, missed, self.width):
            span = missed / met
            level = self._interpolated(met, missed) if halved else self._middle(met, missed)
            if self.at(level).is_met:
                met = level
            else:
                missed = level
            halved = missed / met <= math.sqrt(span)
        return Found(ending=Ending.FOUND, level=met, beyond=missed)

    def _interpolated(self, met: float, missed: float) -> float:
        above, below = self.at(met).margin, self.at(missed).margin
        if not (math.isfinite(above) and math.isfinite(below)) or above <= below:
            return self._middle(met, missed)
        share = above / (above - below)
        moved = _OVERSHOOT * math.log1p(self.width) / math.log(missed / met)
        share += moved if share < 0.5 else -moved  # noqa: PLR2004 (the middle)
        return self._inside(met * (missed / met) ** share, met, missed)

    def _middle(self, low: float, high: float) -> float:
        return self._inside(math.sqrt(low * high), low, high)

    def _inside(self, value: float, low: float, high: float) -> float:
        """Return the level nearest to a value that is neither of two ends."""
        level = self.scale.level(value)
        if self.scale.whole:
            return min(max(level, low + 1), high - 1)
        return level if low < level < high else math.sqrt(low * high)

    def _next(self, level: float, factor: float) -> float:
        """Return a level away from another one by a factor, and by 1 user at least."""
        moved = self.scale.level(level * factor)
        if moved == level and self.scale.whole:
            moved = self.scale.level(level + math.copysign(1, factor - 1))
        return moved
