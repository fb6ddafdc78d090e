"""What a request needs of each resource on average: the input of the asymptotic bounds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.errors import InputError
from capsim.model.database import PerRequest, Persistent, Pool
from capsim.model.laws import ConstantPacing
from capsim.model.model import Model
from capsim.model.server import (
    DevelopmentServer,
    GeventGunicorn,
    Gunicorn,
    SyncGunicorn,
    ThreadedGunicorn,
)
from capsim.model.workload import RequestClass, UserClass
from capsim.theory import asymptotic_bounds

FloatArray = npt.NDArray[np.float64]

APP, DATABASE, DELAY = "app CPU", "database CPU", "delay"
THREADS, CONNECTIONS = "threads", "database connections"


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Mean time that one request keeps one server of a resource busy."""

    resource: str
    seconds: float
    servers: float  # infinite: nobody ever waits there

    @property
    def capacity_rps(self) -> float:
        """Requests per second that the resource carries at most."""
        return self.servers / self.seconds if self.seconds > 0 else math.inf


@dataclass(frozen=True, kw_only=True)
class Demands:
    """Mean demands of the requests of a closed scenario while none of them fails.

    A failed request needs less (it gives up early) or more (a costly error page), so whatever
    is derived from these demands holds without failures.
    """

    stations: tuple[Demand, ...]  # work and delays: their sum is the response time of one alone
    slots: tuple[Demand, ...]  # held meanwhile: they limit, and add nothing to it
    think_s: float
    active_share: float  # of the users: the others never send a request

    @property
    def alone_s(self) -> float:
        """Mean response time of a request that waits for nothing."""
        return math.fsum(demand.seconds for demand in self.stations)

    @property
    def capacity_rps(self) -> float:
        """Requests per second that no number of users can exceed."""
        return min((d.capacity_rps for d in (*self.stations, *self.slots)), default=math.inf)

    def bounds(self, users: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the throughput and the mean response time that the system cannot beat.

        These are the optimistic asymptotes of Denning and Buzen (1978), held down further where
        slots are fewer than the work of their holders could keep busy.

        Args:
            users: numbers of users, scalar or array, each at least 1.

        Returns:
            Requests per second at most, and mean response time in seconds at least, both in the
            shape of `users`.
        """
        known = [demand for demand in self.stations if demand.seconds > 0]
        active = np.maximum(1.0, np.asarray(users, dtype=np.float64) * self.active_share)
        found = asymptotic_bounds(
            demands=[demand.seconds for demand in known],
            servers=[demand.servers for demand in known],
            population=active,
            think_time=self.think_s,
        )
        throughput = np.minimum(found.upper_throughput, self.capacity_rps)
        return throughput, np.asarray(active / throughput - self.think_s)


def demands(model: Model, scenario: str) -> Demands:
    """Return the mean demands of a scenario's requests.

    Several user classes are mixed in the proportions in which they ask while the system is idle.

    Raises:
        InputError: the scenario is unknown, has no closed users, or nothing in it takes time.
    """
    spec = model.scenario(scenario)
    if spec.peak_users == 0:
        raise InputError(f"scenario {scenario!r} has open arrivals only; choose one with users")
    per_class = {name: _of_request(model, request) for name, request in model.requests.items()}
    active = [c for c in spec.user_classes.values() if c.tasks]
    cycles = [_think_s(user, per_class) + _of_user(user, per_class).alone for user in active]
    if not all(cycles):
        raise InputError(f"scenario {scenario!r}: has users who neither think nor need anything")
    rates = [user.weight / cycle for user, cycle in zip(active, cycles, strict=True)]
    mixed = _mean([_of_user(user, per_class) for user in active], rates)
    thinks = [_think_s(user, per_class) for user in active]
    if not mixed.alone:
        raise InputError(f"scenario {scenario!r}: nothing in its requests takes time")
    return Demands(
        stations=_stations(model, mixed),
        slots=_slots(model, mixed),
        think_s=float(np.average(thinks, weights=rates)),
        active_share=sum(u.weight for u in active)
        / sum(u.weight for u in spec.user_classes.values()),
    )


@dataclass(frozen=True, kw_only=True)
class _Needs:
    """Mean seconds of one request."""

    app: float
    database: float
    delay: float
    connection: float  # held

    @property
    def alone(self) -> float:
        return self.app + self.database + self.delay


def _of_request(model: Model, request: RequestClass) -> _Needs:
    app, database = request.app_cpu_s.mean, request.queries.mean * request.query_s.mean
    connects = request.uses_database and isinstance(model.database.access, PerRequest)
    setup = model.database.connection_setup_s.mean if connects else 0.0
    # All of the CPU demand but the part before the first query runs with the connection held.
    queries = request.queries.mean
    held = setup + database + app * queries / (1 + queries) if request.uses_database else 0.0
    return _Needs(app=app, database=database, delay=request.delay_s.mean + setup, connection=held)


def _of_user(user: UserClass, per_class: Mapping[str, _Needs]) -> _Needs:
    return _mean([per_class[task] for task in user.tasks], list(user.tasks.values()))


def _mean(needs: list[_Needs], weights: list[float]) -> _Needs:
    rows = np.array([(n.app, n.database, n.delay, n.connection) for n in needs])
    app, database, delay, connection = np.average(rows, axis=0, weights=weights).tolist()
    return _Needs(app=app, database=database, delay=delay, connection=connection)


def _think_s(user: UserClass, per_class: Mapping[str, _Needs]) -> float:
    """Return the mean time between an answer and the next request of an idle system."""
    if isinstance(user.think_s, ConstantPacing):
        return max(0.0, user.think_s.mean - _of_user(user, per_class).alone)
    return user.think_s.mean


def _stations(model: Model, needs: _Needs) -> tuple[Demand, ...]:
    found = (
        Demand(resource=APP, seconds=needs.app, servers=_processes_at_work(model)),
        Demand(resource=DATABASE, seconds=needs.database, servers=model.database.cores),
        Demand(resource=DELAY, seconds=needs.delay, servers=math.inf),
    )
    return tuple(demand for demand in found if demand.seconds > 0)


def _processes_at_work(model: Model) -> int:
    """Return how many processes can use a CPU at once: one core each, for the GIL."""
    match model.server:
        case DevelopmentServer():
            return 1
        case Gunicorn():
            return min(model.server.workers, model.machine.cores)


def _slots(model: Model, needs: _Needs) -> tuple[Demand, ...]:
    found = (
        Demand(resource=THREADS, seconds=needs.alone, servers=_threads(model)),
        Demand(resource=CONNECTIONS, seconds=needs.connection, servers=_connections(model)),
    )
    return tuple(d for d in found if d.seconds > 0 and d.servers < math.inf)


def _threads(model: Model) -> float:
    match model.server:
        case SyncGunicorn():
            return model.server.workers
        case ThreadedGunicorn():
            return model.server.workers * model.server.threads
        case GeventGunicorn() | DevelopmentServer():
            return math.inf


def _connections(model: Model) -> float:
    """Return how many requests can hold a connection at once, where they hand it on."""
    server, access = model.server, model.database.access
    usable = model.database.usable_connections
    admitted = math.inf if usable is None else float(usable)
    match access:
        case Pool():
            processes = 1 if isinstance(server, DevelopmentServer) else server.workers
            return min(admitted, access.size * (processes if access.scope == "process" else 1))
        case PerRequest():
            return admitted
        case Persistent():  # kept by its thread, never handed on
            return math.inf
