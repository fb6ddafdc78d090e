"""How many servers each resource has: at most so many requests use it at once."""

import math

from capsim.experiments.needs import (
    APP,
    BOUNCER,
    CONNECTION,
    DATABASE,
    DELAY,
    REPLICAS,
    SERVER,
    lock,
)
from capsim.model.database import Persistent, Pool
from capsim.model.model import Model
from capsim.model.server import (
    DevelopmentServer,
    GeventGunicorn,
    Gunicorn,
    SyncGunicorn,
    ThreadedGunicorn,
)
from capsim.plan.lowering.connections import admitted, left_by_celery
from capsim.plan.lowering.front import ADMITTED
from capsim.plan.lowering.gunicorn import ACCEPTED, THREAD, WORKER


def of_stations(model: Model) -> dict[str, float]:
    """Return the cores that serve requests.

    Those that serve tasks, or replay on replicas what was committed, are not among them: no
    request waits for that.
    """
    replicas = model.database.replicas
    return {
        APP: _instances(model) * _processes_at_work(model),
        DATABASE: model.database.cores,
        REPLICAS: replicas.count * replicas.cores if replicas else 0,
        BOUNCER: 1,
        DELAY: math.inf,
    }


def of_slots(model: Model) -> dict[str, float]:
    """Return the slots that requests hold for part of their time."""
    rows = {lock(name): spec.rows for name, spec in model.database.locks.items()}
    return {CONNECTION: _connections(model), SERVER: _server_connections(model), **rows}


def of_whole_requests(model: Model) -> dict[str, float]:
    """Return the slots that requests hold from the first to the last."""
    name, count = _places(model)
    shedding = {ADMITTED: float(model.shedding.limit)} if model.shedding else {}
    return {**shedding, name: _instances(model) * count}


def most_at_database(model: Model) -> float:
    """Return how many requests can be at the database at once."""
    slots = (_connections(model), _server_connections(model))
    return min(*slots, *of_whole_requests(model).values())


def _instances(model: Model) -> int:
    return model.balancer.instances if model.balancer else 1


def _processes(model: Model) -> int:
    return 1 if isinstance(model.server, DevelopmentServer) else model.server.workers


def _processes_at_work(model: Model) -> int:
    """Return how many processes of an instance use a CPU at once: one core each, for the GIL."""
    match model.server:
        case DevelopmentServer():
            return 1
        case Gunicorn():
            return min(model.server.workers, model.machine.cores)


def _places(model: Model) -> tuple[str, float]:
    """Return what an instance has for the requests that it works on, and how many of it."""
    server = model.server
    match server:
        case SyncGunicorn():
            return WORKER, server.workers
        case ThreadedGunicorn():
            return THREAD, server.workers * min(server.threads, server.worker_connections)
        case GeventGunicorn():
            return ACCEPTED, server.workers * server.worker_connections
        case DevelopmentServer():
            return THREAD, math.inf


def _connections(model: Model) -> float:
    """Return how many requests can hold a connection at once, where they hand it on."""
    access, most = model.database.access, admitted(model)
    match access:
        case Pool():
            pools = _instances(model) * _processes(model) if access.scope == "process" else 1
            return pools * (
                access.size if most is None else min(access.size, max(1, most // pools))
            )
        case Persistent():  # kept by its thread, never handed on
            return math.inf
        case _:
            return math.inf if most is None else most


def _server_connections(model: Model) -> float:
    """Return how many connections PgBouncer can open: no more than PostgreSQL admits."""
    bouncer, usable = model.database.pgbouncer, left_by_celery(model)
    if bouncer is None:
        return math.inf
    return bouncer.pool_size if usable is None else min(bouncer.pool_size, usable)
