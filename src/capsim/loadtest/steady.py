"""When all users of a load test were there: the ramp-up, the levels of users, and the tail."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from capsim.loadtest.recording import FloatArray, History

_SHORTEST_S = 10.0  # a level that is left sooner is part of a ramp
_SHORTEST_SHARE = 0.05  # of the test, likewise
_TOLERANCE = 0.02  # of a level: users that come and go are no step
_MOST_LEVELS = 10  # more of them are a slow ramp
_MAIN = 0.8  # of the time at all levels, from which on one of them is the test
_REACHED = 0.9  # of the usual throughput, where the users are not known
_SMOOTHING = 30  # parts of a test over which its throughput is taken


@dataclass(frozen=True, kw_only=True)
class Level:
    """A part of a test with a constant number of users; none: they are not known."""

    users: float | None
    begin: int  # index into the history
    end: int  # index of the last row in it

    def length_s(self, time_s: FloatArray) -> float:
        """Return how long it was kept, in seconds."""
        return float(time_s[self.end] - time_s[self.begin])


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How the load went over time.

    Attributes:
        levels: The parts with a constant number of users, one after another.
        steady: The level that the test was about; none: there is none, or there are several.
        ramp_s: Until it was reached, in seconds from the first row; none: unknown.
        keeps_changing: Whether the number of users never settled.
        by_throughput: Whether the users are unknown and the throughput was looked at.
    """

    levels: tuple[Level, ...]
    steady: Level | None
    ramp_s: float | None
    keeps_changing: bool = False
    by_throughput: bool = False


def shape_of(history: History) -> Shape:
    """Return the shape of a load test from its history."""
    users = history.users
    if not np.isfinite(users).any():
        return _by_throughput(history)
    levels = _levels(history.time_s, np.nan_to_num(users, nan=0.0))
    if not levels or len(levels) > _MOST_LEVELS:
        return Shape(levels=(), steady=None, ramp_s=None, keeps_changing=True)
    lengths = [level.length_s(history.time_s) for level in levels]
    longest = int(np.argmax(lengths))
    if lengths[longest] < _MAIN * sum(lengths):
        return Shape(levels=levels, steady=None, ramp_s=None)
    steady = levels[longest]
    return Shape(levels=levels, steady=steady, ramp_s=float(history.time_s[steady.begin]))


def _levels(time_s: FloatArray, users: FloatArray) -> tuple[Level, ...]:
    span_s = float(time_s[-1] - time_s[0])
    shortest_s = min(max(_SHORTEST_S, _SHORTEST_SHARE * span_s), span_s / 2)
    found: list[Level] = []
    for begin, end in _runs(users):
        level = float(np.median(users[begin : end + 1]))
        reached = begin + int(np.argmax(users[begin : end + 1] >= level))
        kept = Level(users=level, begin=reached, end=end)
        if level > 0 and kept.length_s(time_s) >= shortest_s:
            found.append(kept)
    return _joined(found, time_s, shortest_s)


def _runs(users: FloatArray) -> list[tuple[int, int]]:
    """Return the first and last row of each part in which the users stay where they began."""
    runs, begin = [], 0
    for row in range(1, len(users) + 1):
        if row == len(users) or abs(users[row] - users[begin]) > _slack(users[begin]):
            runs.append((begin, row - 1))
            begin = row
    return runs


def _slack(users: float) -> float:
    return max(1.0, _TOLERANCE * users)


def _joined(levels: list[Level], time_s: FloatArray, shortest_s: float) -> tuple[Level, ...]:
    """Join what a short interruption parted."""
    found: list[Level] = []
    for level in levels:
        before = found[-1] if found else None
        if before is None or before.users is None or level.users is None:
            found.append(level)
            continue
        gap_s = time_s[level.begin] - time_s[before.end]
        same = abs(level.users - before.users) <= _slack(before.users)
        if same and gap_s <= shortest_s:
            found[-1] = Level(users=before.users, begin=before.begin, end=level.end)
        else:
            found.append(level)
    return tuple(found)


def _by_throughput(history: History) -> Shape:
    """Return the part between the first and the last time that the usual throughput was met."""
    time_s, requests = history.time_s, history.requests
    edges = np.linspace(time_s[0], time_s[-1], _SMOOTHING + 1)
    rows = np.unique(np.searchsorted(time_s, edges))
    rates = np.array(
        [
            (requests[end] - requests[begin]) / max(time_s[end] - time_s[begin], 1e-9)
            for begin, end in pairwise(rows)
        ]
    )
    usual = np.median(rates[len(rates) // 4 : len(rates) - len(rates) // 4]) if len(rates) else 0.0
    there = np.flatnonzero(rates >= _REACHED * usual)
    if usual <= 0 or not len(there):
        return Shape(levels=(), steady=None, ramp_s=None, by_throughput=True)
    # The first part that meets it may have met it halfway only.
    begin = int(rows[min(there[0] + (there[0] > 0), len(rows) - 2)])
    end = int(rows[there[-1] + 1])
    if end <= begin:
        return Shape(levels=(), steady=None, ramp_s=None, by_throughput=True)
    steady = Level(users=None, begin=begin, end=end)
    ramp_s = float(time_s[begin])
    return Shape(levels=(steady,), steady=steady, ramp_s=ramp_s, by_throughput=True)
