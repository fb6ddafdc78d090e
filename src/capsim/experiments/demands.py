"""What a request needs of each resource on average: the input of the asymptotic bounds."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.errors import InputError
from capsim.experiments import servers
from capsim.experiments.background import Background, background
from capsim.experiments.bottleneck import NOTHING
from capsim.experiments.needs import DATABASE, Needs, mixed, of_request, of_user, think_s
from capsim.experiments.packing import least_response_s, packed
from capsim.model.model import Model
from capsim.theory import asymptotic_bounds

FloatArray = npt.NDArray[np.float64]

_ROUNDING = 1e-12  # of a sum over user classes


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Mean time that one request keeps one server of a resource busy."""

    resource: str  # as it is called in a simulation; `delay` is none
    seconds: float
    servers: float  # infinite: nobody ever waits there
    by_class: tuple[float, ...]  # the same of a request of each user class

    @property
    def capacity_rps(self) -> float:
        """Requests per second that the resource carries at most."""
        return self.servers / self.seconds if self.seconds > 0 else math.inf


@dataclass(frozen=True, kw_only=True)
class Demands:
    """Mean demands of the requests of closed users while none of them fails.

    A failed request needs less (it is shed, or gives up early) or more (a costly error page, or
    another attempt), so whatever is derived from these demands holds without failures. With them,
    the number of answers may lie above a bound: it is one on good answers, as long as failures
    strike requests of all kinds alike.

    A cache is taken at its best, with no entry ever expired or lost. Workers that are recycled,
    faults, limited memory and lag of replicas only make the system slower than the bounds.
    """

    stations: tuple[Demand, ...]  # work and delays: their sum is the response time of one alone
    slots: tuple[Demand, ...]  # held meanwhile: they limit, and add nothing to it
    background: Background | None  # shares the database, and adds nothing to it either
    think_s: float
    active_share: float  # of the users: the others never send a request
    classes: tuple[tuple[float, float], ...]  # of users: (share of the requests, think time)

    @property
    def alone_s(self) -> float:
        """Mean response time of a request that waits for nothing."""
        return math.fsum(demand.seconds for demand in self.stations)

    @property
    def capacities(self) -> dict[str, float]:
        """Requests per second that each resource carries at most, by its name."""
        found = {demand.resource: demand.capacity_rps for demand in (*self.stations, *self.slots)}
        if self.background is not None:
            carried = self.background.carried_rps(self._database_s, self._tasks_s, math.inf)
            found[DATABASE] = float(carried)
        return found

    @property
    def capacity_rps(self) -> float:
        """Requests per second that no number of users exceeds, in the mix of an idle system."""
        return min(self.capacities.values(), default=math.inf)

    @property
    def bottleneck(self) -> str:
        """The resource that holds this capacity down."""
        limits = {name: rps for name, rps in self.capacities.items() if rps < math.inf}
        return min(limits, key=limits.__getitem__, default=NOTHING)

    def bounds(self, users: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the throughput and the mean response time that the system cannot beat.

        These are the optimistic asymptotes of Denning and Buzen (1978), held down further where
        slots are fewer than the work of their holders could keep busy. With several user classes
        they hold for every mix that the load may lead to.

        Args:
            users: numbers of users, scalar or array, each at least 1.

        Returns:
            Requests per second at most, and mean response time in seconds at least, both in the
            shape of `users`.
        """
        active = np.maximum(1.0, np.asarray(users, dtype=np.float64) * self.active_share)
        if len(self.classes) > 1:
            throughput, response = self._of_any_mix(active.ravel())
            return throughput.reshape(active.shape), response.reshape(active.shape)
        throughput = np.minimum(self._uncrowded(active, limited=True), self._carried(active))
        return throughput, np.asarray(active / throughput - self.think_s)

    def bounds_of_split(self, counts: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the same for numbers of users that are known by class.

        Args:
            counts: users of each class that asks, shape (classes, points), at least 1 in all.

        Returns:
            Requests per second at most, and mean response time in seconds at least, both of
            shape (points,).
        """
        numbers = np.asarray(counts, dtype=np.float64)
        if len(self.classes) == 1:
            return self.bounds(numbers[0] / self.active_share)
        alone = np.sum([demand.by_class for demand in self.stations], axis=0)
        thinks = np.array([think for _, think in self.classes])
        return self._of_rates(numbers / (thinks + alone)[:, np.newaxis], numbers.sum(axis=0))

    def _uncrowded(self, active: FloatArray, *, limited: bool = False) -> FloatArray:
        """Return the throughput at which nobody waits, or nobody but for saturated stations."""
        known = [demand for demand in self.stations if demand.seconds > 0]
        found = asymptotic_bounds(
            demands=[demand.seconds for demand in known],
            servers=[demand.servers if limited else math.inf for demand in known],
            population=active,
            think_time=self.think_s,
        )
        return found.upper_throughput

    def _carried(self, active: FloatArray) -> FloatArray:
        found = np.asarray(self.capacity_rps)
        if self.background is None:
            return found
        beside = self.background.carried_rps(self._database_s, self._tasks_s, active)
        return np.asarray(np.minimum(found, beside))

    def _of_any_mix(self, active: FloatArray) -> tuple[FloatArray, FloatArray]:
        light = self._uncrowded(active)
        shares = np.array([share for share, _ in self.classes])
        return self._of_rates(shares[:, np.newaxis] * light, active)

    def _of_rates(self, rates: FloatArray, active: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the bounds where each class asks so often while nobody waits."""
        light = rates.sum(axis=0)
        limits = [d for d in (*self.stations, *self.slots) if d.servers < math.inf]

        def most(values: FloatArray) -> FloatArray:
            found: FloatArray = (values * rates).sum(axis=0)
            for demand in limits:
                seconds = np.array(demand.by_class)
                carried = packed(values, seconds, demand.servers, rates)
                if self.background is not None and demand.resource == DATABASE:
                    left = self.background.left_cores(active)
                    tasks = np.array(self.background.database_s)
                    carried = np.maximum(
                        packed(values, seconds, left, rates),
                        packed(values, seconds + tasks, demand.servers, rates),
                    )
                found = np.minimum(found, carried)
            return found

        thinks = np.array([think for _, think in self.classes])
        crowded = most(np.ones(rates.shape))
        throughput = np.where(crowded < light * (1 - _ROUNDING), crowded, light)
        return throughput, least_response_s(most, thinks, active)

    @property
    def _database_s(self) -> float:
        return sum(demand.seconds for demand in self.stations if demand.resource == DATABASE)

    @property
    def _tasks_s(self) -> float:
        """Demand of a request's tasks on the database."""
        each = self.background.database_s if self.background else ()
        return sum(s * share for s, (share, _) in zip(each, self.classes, strict=True))


def demands(model: Model, scenario: str) -> Demands:
    """Return the mean demands of the requests of a scenario's closed users.

    Several user classes are mixed in the proportions in which they ask while the system is idle.

    Raises:
        InputError: the scenario is unknown, has no closed users, or nothing in it takes time.
    """
    spec = model.scenario(scenario)
    if spec.peak_users == 0:
        raise InputError(f"scenario {scenario!r} has open arrivals only; choose one with users")
    per_class = {name: of_request(model, spec, each) for name, each in model.requests.items()}
    active = [c for c in spec.user_classes.values() if c.tasks]
    of_users = [of_user(user, per_class) for user in active]
    thinks = [think_s(user, per_class) for user in active]
    cycles = [think + needs.alone_s for think, needs in zip(thinks, of_users, strict=True)]
    if not all(cycles):
        raise InputError(f"scenario {scenario!r}: has users who neither think nor need anything")
    rates = [user.weight / cycle for user, cycle in zip(active, cycles, strict=True)]
    needs = mixed(of_users, rates)
    if not needs.alone_s:
        raise InputError(f"scenario {scenario!r}: nothing in its requests takes time")
    everybody = sum(u.weight for u in spec.user_classes.values())
    # Arrivals may crowd the workers out of the database, in whatever number they come.
    tasks = None if spec.arrivals else background(model, [each.tasks for each in of_users])
    return Demands(
        stations=_stations(model, needs, of_users),
        slots=_slots(model, needs, of_users),
        background=tasks,
        think_s=float(np.average(thinks, weights=rates)),
        active_share=sum(u.weight for u in active) / everybody,
        classes=tuple((r / sum(rates), think) for r, think in zip(rates, thinks, strict=True)),
    )


def _stations(model: Model, needs: Needs, of_users: list[Needs]) -> tuple[Demand, ...]:
    return tuple(
        Demand(
            resource=name,
            seconds=needs.work[name],
            servers=count,
            by_class=tuple(each.work[name] for each in of_users),
        )
        for name, count in servers.of_stations(model).items()
        if needs.work[name] > 0
    )


def _slots(model: Model, needs: Needs, of_users: list[Needs]) -> tuple[Demand, ...]:
    whole = servers.of_whole_requests(model)

    def held(name: str, of: Needs) -> float:
        return of.alone_s if name in whole else of.held.get(name, 0.0)

    return tuple(
        Demand(
            resource=name,
            seconds=held(name, needs),
            servers=count,
            by_class=tuple(held(name, each) for each in of_users),
        )
        for name, count in {**whole, **servers.of_slots(model)}.items()
        if held(name, needs) > 0 and count < math.inf
    )
