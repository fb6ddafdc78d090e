"""Bounds and exact mean values of closed systems over the number of users."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.experiments.closed_systems import ClosedSystem
from capsim.experiments.mean_values import mean_values
from capsim.metrics.intervals import Interval, interval
from capsim.theory import asymptotic_bounds, balanced_job_bounds

FloatArray = npt.NDArray[np.float64]

# In the order from below to above.
RPS = ("rps_at_least", "rps_balanced_least", "rps_mva", "rps_balanced_most", "rps_at_most")
MEAN = (
    "mean_s_at_least",
    "mean_s_balanced_least",
    "mean_s_mva",
    "mean_s_balanced_most",
    "mean_s_at_most",
)
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Envelope:
    """What holds of several systems at several numbers of users.

    Attributes:
        users: ascending, shape (levels,).
        values: by the names in `RPS` and `MEAN`, shape (systems, levels); NaN where no such value
            is known. Rates are per second, times in seconds.
        contradicted: where MVA was left out because it contradicts a bound in one of the systems
            at least, shape (levels,): something limits there that no network of queues has.
    """

    users: npt.NDArray[np.int64]
    values: Mapping[str, FloatArray]
    contradicted: npt.NDArray[np.bool_]

    def intervals(self, metric: str) -> list[Interval]:
        """Return a metric over the systems at each number of users."""
        return [interval(column) for column in self.values[metric].T]

    @property
    def contradicted_from(self) -> int | None:
        """The fewest users at which MVA was left out for a bound that it contradicts."""
        places = np.flatnonzero(self.contradicted)
        return int(self.users[places[0]]) if len(places) else None

    @property
    def unsolved_from(self) -> int | None:
        """The fewest users at which MVA would take too long."""
        unknown = np.isnan(self.values["rps_mva"]).all(axis=0) & ~self.contradicted
        places = np.flatnonzero(unknown & np.isfinite(self.values["rps_at_most"]).any(axis=0))
        return int(self.users[places[0]]) if len(places) else None

    def has(self, metric: str) -> bool:
        """Whether a metric is known anywhere."""
        return bool(np.isfinite(self.values[metric]).any())


def envelope(systems: Sequence[ClosedSystem], users: Sequence[int]) -> Envelope:
    """Return bounds and, where they are exact for a network of queues, mean values.

    Args:
        systems: at least one, all with the same classes of users.
        users: numbers of them, ascending, each at least 1.
    """
    levels = np.array(users, dtype=np.int64)
    splits = _splits(systems, users)
    rows = [_bounds(*pair) for pair in zip(systems, splits, strict=True)]
    values = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    rps, mean_s = mean_values(systems, splits)
    contradicted = np.any(rps > values["rps_at_most"] * (1 + _ROUNDING), axis=0)
    values["rps_mva"] = np.where(contradicted, math.nan, rps)
    values["mean_s_mva"] = np.where(contradicted, math.nan, mean_s)
    return Envelope(users=levels, values=values, contradicted=np.asarray(contradicted))


def _splits(
    systems: Sequence[ClosedSystem], users: Sequence[int]
) -> list[tuple[tuple[int, ...], ...]]:
    """Return how the users of each system split; systems with equal weights share the work."""
    found: dict[tuple[tuple[str, float], ...], tuple[tuple[int, ...], ...]] = {}
    for system in systems:
        key = tuple(system.weights.items())
        if key not in found:
            found[key] = system.splits(users)
    return [found[tuple(system.weights.items())] for system in systems]


def _bounds(system: ClosedSystem, split: Sequence[tuple[int, ...]]) -> dict[str, FloatArray]:
    """Return all bounds; they are unknown where nobody is there who asks."""
    counts = np.array(split, dtype=np.float64).T
    nobody = counts.sum(axis=0) == 0
    asking = np.where(nobody, 1.0, counts)
    rps, mean_s = system.demands.bounds_of_split(asking)
    found = {"rps_at_most": rps, "mean_s_at_least": mean_s}
    found |= _at_least(system, asking) | _balanced(system, asking.sum(axis=0))
    return {name: np.where(nobody, math.nan, column) for name, column in found.items()}


def _balanced(system: ClosedSystem, users: FloatArray) -> dict[str, FloatArray]:
    """Return the balanced job bounds, NaN where they do not hold."""
    queues, delay_s = _single_servers(system)
    if not queues:
        names = [name for name in (*RPS, *MEAN) if "balanced" in name]
        return dict.fromkeys(names, np.full(len(users), math.nan))
    think_s = system.demands.think_s
    found = balanced_job_bounds(demands=queues, population=users, think_time=think_s + delay_s)
    return {
        "rps_balanced_least": found.lower_throughput,
        "rps_balanced_most": found.upper_throughput,
        "mean_s_balanced_least": found.lower_response_time + delay_s,
        "mean_s_balanced_most": found.upper_response_time + delay_s,
    }


def _single_servers(system: ClosedSystem) -> tuple[list[float], float]:
    """Return the demands of a network of single servers, and its delays; none: it is no such one.

    To the servers, who is delayed and who thinks is the same.
    """
    stations = system.demands.stations
    fits = all(station.servers in {1, math.inf} for station in stations)
    if not system.is_network or not fits or len(system.demands.classes) > 1:
        return [], 0.0
    delay_s = math.fsum(s.seconds for s in stations if math.isinf(s.servers))
    return [s.seconds for s in stations if s.servers == 1], delay_s


def _at_least(system: ClosedSystem, counts: FloatArray) -> dict[str, FloatArray]:
    """Return the pessimistic bounds.

    Where requests wait for slots, too, the work of all of them is done one after another at worst:
    while any is there, somebody is being served. With n of them, each second brings at least a
    second of work to its end, so at most X serial_s of the time is busy, and the mean number n is
    at most N times that.
    """
    known, users = system.demands, counts.sum(axis=0)
    if system.is_network and len(known.classes) == 1:
        found = asymptotic_bounds(
            demands=[station.seconds for station in known.stations],
            servers=[station.servers for station in known.stations],
            population=users,
            think_time=known.think_s,
        )
        return {"rps_at_least": found.lower_throughput, "mean_s_at_most": found.upper_response_time}
    if system.serial_s is None:
        unknown = np.full(len(users), math.nan)
        return {"rps_at_least": unknown, "mean_s_at_most": unknown}
    there = counts > 0
    serial_s = np.where(there, np.array(system.serial_s)[:, np.newaxis], 0.0)
    thinks = np.array([[think] for _, think in known.classes])
    alone = np.sum([station.by_class for station in known.stations], axis=0)[:, np.newaxis]
    rps = _fewest(np.where(there, users * serial_s + thinks, 0.0), counts / (thinks + alone), users)
    return {"rps_at_least": rps, "mean_s_at_most": users * serial_s.max(axis=0)}


def _fewest(values: FloatArray, rates: FloatArray, wanted: FloatArray) -> FloatArray:
    """Return the fewest requests per second that are worth what is wanted.

    The sum over the classes of X_r (N serial_s + Z) is at least N; each X_r is at most what its
    users ask for while nobody waits. So the worth most go first (a fractional knapsack).

    Args:
        values: of a request of each class, shape (classes, points).
        rates: requests per second of each class at most, shape (classes, points).
        wanted: shape (points,).
    """
    order = np.argsort(-values, axis=0, kind="stable")
    worth, most = np.take_along_axis(values, order, 0), np.take_along_axis(rates, order, 0)
    before = np.cumsum(worth * most, axis=0) - worth * most
    with np.errstate(divide="ignore", invalid="ignore"):
        taken = np.where(worth > 0, np.clip((wanted - before) / worth, 0.0, most), 0.0)
    found: FloatArray = taken.sum(axis=0)
    return found
