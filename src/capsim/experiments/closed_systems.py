"""Closed systems as bounds and mean value analysis see them: demands, users, and what is slow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capsim.experiments.demands import Demand, Demands, demands
from capsim.experiments.needs import APP, DATABASE
from capsim.experiments.slowdowns import slowest
from capsim.model.model import Model
from capsim.plan.lowering.workload import class_cycle

SINGLE_QUEUE = "single queue"
_USERS = "users"  # the class of those that do not differ


@dataclass(frozen=True, kw_only=True)
class ClosedSystem:
    """One system under closed users: a draw of a model, a load test's reading, or a network.

    Attributes:
        demands: mean demands of its requests.
        weights: of the user classes, those who never ask included.
        asking: the classes that ask, in the order of `demands.classes`.
        serial_s: mean time of a request of each of these classes if the work of all requests were
            done one after another, at its slowest; none: it is not known how slow that is.
        is_network: nothing but stations: no request ever waits for a slot, or for one station
            while another one has room for it.
    """

    demands: Demands
    weights: Mapping[str, float]
    asking: tuple[str, ...]
    serial_s: tuple[float, ...] | None
    is_network: bool

    @property
    def knee(self) -> float:
        """Users N* at which the optimistic asymptotes of the throughput cross.

        N* = (R0 + Z) min(c / D) (Denning and Buzen 1978, "saturation point"), where the least is
        over slots, too. Infinite where nothing limits.
        """
        cycle_s = self.demands.think_s + self.demands.alone_s
        return self.demands.capacity_rps * cycle_s / self.demands.active_share

    def splits(self, users: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Return how many of so many users are in each class that asks, as in a simulation."""
        if len(self.weights) == 1:
            return tuple((number,) for number in users)
        cycle = np.array(class_cycle(self.weights, max(users)))
        so_far = np.array([np.cumsum(cycle == name) for name in self.asking])
        return tuple(tuple(so_far[:, number - 1].tolist()) for number in users)


def of_model(model: Model, scenario: str) -> ClosedSystem:
    """Return a model's requests under the closed users of a scenario.

    Raises:
        InputError: the scenario is unknown, has no closed users, or nothing in it takes time.
    """
    known = demands(model, scenario)
    spec = model.scenario(scenario)
    factors = slowest(model, spec)
    asking = tuple(name for name, user in spec.user_classes.items() if user.tasks)
    serial_s = None
    if factors is not None:
        by_station = {APP: factors.app, DATABASE: factors.database}
        serial_s = tuple(
            math.fsum(d.by_class[i] * by_station.get(d.resource, 1.0) for d in known.stations)
            for i in range(len(asking))
        )
    return ClosedSystem(
        demands=known,
        weights={name: user.weight for name, user in spec.user_classes.items()},
        asking=asking,
        serial_s=serial_s,
        is_network=False,
    )


@dataclass(frozen=True, kw_only=True)
class Station:
    """A station of a network that somebody described: a mean demand for each class of users."""

    name: str
    demands_s: tuple[float, ...]
    servers: float = 1  # infinite: a delay


def of_network(
    stations: Sequence[Station], *, think_s: Sequence[float], users: Sequence[int]
) -> ClosedSystem:
    """Return a network of stations.

    Args:
        stations: at least one; each has a demand for each class.
        think_s: mean think time of each class.
        users: of each class, at least 1: other numbers are split in proportion.
    """
    alone = [math.fsum(s.demands_s[i] for s in stations) for i in range(len(users))]
    cycles = [think + time for think, time in zip(think_s, alone, strict=True)]
    rates = [number / cycle for number, cycle in zip(users, cycles, strict=True)]
    shares = [rate / sum(rates) for rate in rates]
    return ClosedSystem(
        demands=Demands(
            stations=tuple(
                Demand(
                    resource=station.name,
                    seconds=_mean(shares, station.demands_s),
                    servers=station.servers,
                    by_class=station.demands_s,
                )
                for station in stations
            ),
            slots=(),
            background=None,
            think_s=_mean(shares, think_s),
            active_share=1.0,
            classes=tuple(zip(shares, think_s, strict=True)),
        ),
        weights={f"{_USERS} {i}": float(n) for i, n in enumerate(users, start=1)},
        asking=tuple(f"{_USERS} {i}" for i in range(1, len(users) + 1)),
        serial_s=tuple(alone),
        is_network=True,
    )


def of_single_queue(demand_s: float, think_s: float) -> ClosedSystem:
    """Return the system that a load test's figures describe if all waiting is in one queue."""
    station = Station(name=SINGLE_QUEUE, demands_s=(demand_s,))
    return of_network([station], think_s=[think_s], users=[1])


def _mean(shares: Sequence[float], values: Sequence[float]) -> float:
    return math.fsum(share * value for share, value in zip(shares, values, strict=True))
