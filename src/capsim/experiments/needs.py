"""What one request needs of each resource on average while it waits for nothing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capsim.model.database import PerRequest
from capsim.model.faults import Slow
from capsim.model.laws import ConstantPacing, Poisson
from capsim.model.model import Model
from capsim.model.workload import RequestClass, Scenario, UserClass
from capsim.plan.lowering import connections, database, pgbouncer, replicas, server

# Names as they are in a simulation.
APP, DATABASE, REPLICAS, BOUNCER = server.CPU, database.CPU, replicas.CPU, pgbouncer.CPU
CONNECTION, SERVER = connections.CONNECTION, pgbouncer.SERVER
DELAY = "delay"


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Means over the requests of one class, or of a mix of classes."""

    work: Mapping[str, float]  # seconds by station; they add up to the time of one alone
    held: Mapping[str, float]  # seconds for which slots are held meanwhile
    tasks: Mapping[str, float]  # number handed over, by kind

    @property
    def alone_s(self) -> float:
        """Mean response time of a request that waits for nothing."""
        return sum(self.work.values())


def of_request(model: Model, scenario: Scenario, request: RequestClass) -> Needs:
    """Return the mean needs of the requests of one class; a cache is taken at its best."""
    each = _Parts.of(model, scenario, request)
    reads = request.read_share if model.database.replicas else 0.0
    time_s, messages_s = each.queries * each.query_s, each.queries * each.message_s
    per_request = isinstance(model.database.access, PerRequest)
    setup_s = each.missing * model.database.connection_setup_s.mean if per_request else 0.0
    asks = model.cache is not None and request.cached and request.uses_database
    lookup_s = model.cache.lookup_s if model.cache is not None and asks else 0.0
    tasks = {} if request.task is None or model.celery is None else {request.task: 1.0}
    enqueue_s = model.celery.enqueue_s.mean if model.celery is not None and tasks else 0.0
    after_s = request.delay_after_s.mean
    # The connection is held to the answer, so through all CPU parts but the first.
    used_s = each.queries * (each.held_s + each.part_s) + each.missing * (
        each.locked_s + after_s + enqueue_s
    )
    waits_s = each.queries * each.wait_s + each.missing * each.locked_s
    return Needs(
        work={
            APP: each.app_s,
            DATABASE: time_s * (1 - reads),
            REPLICAS: time_s * reads,
            BOUNCER: messages_s,
            DELAY: request.delay_s.mean + after_s + waits_s + setup_s + lookup_s + enqueue_s,
        },
        held={
            CONNECTION: setup_s + used_s,
            SERVER: _with_server(model, each, used_s),
            **_under_lock(request, each),
        },
        tasks=tasks,
    )


def of_user(user: UserClass, per_class: Mapping[str, Needs]) -> Needs:
    """Return the means over what a user asks for."""
    return mixed([per_class[task] for task in user.tasks], list(user.tasks.values()))


def mixed(needs: Sequence[Needs], weights: Sequence[float]) -> Needs:
    """Return weighted means."""
    return Needs(
        work=_means([n.work for n in needs], weights),
        held=_means([n.held for n in needs], weights),
        tasks=_means([n.tasks for n in needs], weights),
    )


def think_s(user: UserClass, per_class: Mapping[str, Needs]) -> float:
    """Return the mean time between an answer and the next request of an idle system."""
    if isinstance(user.think_s, ConstantPacing):
        return max(0.0, user.think_s.mean - of_user(user, per_class).alone_s)
    return user.think_s.mean


def lock(name: str) -> str:
    """Return the resource that a row lock becomes."""
    return f"lock {name}"


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What the requests of a class consist of; a cache at its best spares some their queries."""

    app_s: float
    part_s: float  # of the application's CPU, before the first query and after each
    query_s: float
    wait_s: float  # of a query, without a core
    message_s: float  # PgBouncer's CPU for each query
    locked_s: float  # passes under a lock
    missing: float  # share of the requests that makes any query
    queries: float  # of a request on average

    @property
    def held_s(self) -> float:
        """Time of a query during which its connection is held."""
        return self.query_s + self.wait_s + self.message_s

    @classmethod
    def of(cls, model: Model, scenario: Scenario, request: RequestClass) -> "_Parts":
        asked = request.queries.mean
        missing = 1 - model.cache.hit_ratio if model.cache and request.cached else 1.0
        random = isinstance(request.queries, Poisson)
        some = -math.expm1(-asked) if random else float(request.uses_database)
        app_s = request.app_cpu_s.mean * _quickest(scenario, "app")
        bouncer = model.database.pgbouncer
        return cls(
            app_s=app_s * ((1 + missing * asked) / (1 + asked)),
            part_s=app_s / (1 + asked),
            query_s=request.query_s.mean * _quickest(scenario, "database"),
            wait_s=request.query_wait_s.mean,
            message_s=bouncer.message_cpu_s if bouncer else 0.0,
            locked_s=request.lock.hold_s.mean if request.lock else 0.0,
            missing=missing * some,
            queries=missing * asked,
        )


def _quickest(scenario: Scenario, station: str) -> float:
    """Return the factor on demand at its least; what takes longer leaves a bound true."""
    faults = [f for f in scenario.faults if isinstance(f, Slow) and f.station == station]
    return math.prod(min(1.0, fault.factor) for fault in faults)


def _with_server(model: Model, each: _Parts, session_s: float) -> float:
    """Return for how long a request holds one of PgBouncer's connections to PostgreSQL."""
    bouncer = model.database.pgbouncer
    if bouncer is None:
        return 0.0
    if bouncer.mode == "session":
        return session_s
    held_s = each.queries * each.held_s
    if not model.app.atomic_requests:
        return held_s
    # Between the queries of a transaction, so after all of them but the last, too.
    between_s = (each.queries - each.missing) * each.part_s
    return held_s + between_s + each.missing * each.locked_s


def _under_lock(request: RequestClass, each: _Parts) -> dict[str, float]:
    """Return for how long a request holds a row: from the statement that takes it to COMMIT."""
    if request.lock is None:
        return {}
    queries = each.queries - request.lock.after_queries * each.missing
    between_s = (queries - each.missing) * (each.message_s + each.part_s)
    held_s = queries * (each.query_s + each.wait_s) + between_s + each.missing * each.locked_s
    return {lock(request.lock.name): held_s}


def _means(rows: Sequence[Mapping[str, float]], weights: Sequence[float]) -> dict[str, float]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: float(np.average([row.get(name, 0.0) for row in rows], weights=weights))
        for name in names
    }
