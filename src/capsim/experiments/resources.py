"""What a system costs: the instances, processes and connections that it may use."""

import math
from dataclasses import dataclass

from capsim.model.database import Pool
from capsim.model.model import Model
from capsim.model.server import (
    DevelopmentServer,
    GeventGunicorn,
    Gunicorn,
    Server,
    SyncGunicorn,
    ThreadedGunicorn,
)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Numbers that somebody has to provide."""

    instances: int  # of the application
    processes: int  # of the application, with PgBouncer and Celery's workers
    connections: float  # of PostgreSQL (the primary), at most; infinite: as many as come
    replicas: int


def resources(model: Model, users: int) -> Resources:
    """Return what a system needs at most.

    Args:
        model: the system.
        users: closed users, each of whom has one request at a time; 0: there are only arrivals.
    """
    instances = model.balancer.instances if model.balancer else 1
    serving = instances * _workers(model.server)
    celery = model.celery.workers if model.celery else 0
    bouncer = 1 if model.database.pgbouncer else 0
    return Resources(
        instances=instances,
        processes=serving + celery + bouncer,
        connections=_connections(model, serving, celery, users or math.inf),
        replicas=model.database.replicas.count if model.database.replicas else 0,
    )


def _workers(server: Server) -> int:
    return server.workers if isinstance(server, Gunicorn) else 1


def _connections(model: Model, serving: int, celery: int, users: float) -> float:
    """Return the connections that PostgreSQL may see; Celery's workers have theirs first."""
    database, access = model.database, model.database.access
    if isinstance(access, Pool):
        wanted: float = access.size * (serving if access.scope == "process" else 1)
    else:
        wanted = min(users, serving * _at_once(model.server, users))
    if database.pgbouncer is not None:
        wanted = min(wanted, database.pgbouncer.pool_size)
    if database.usable_connections is not None:
        wanted = min(wanted, database.usable_connections - celery)
    return wanted + celery


def _at_once(server: Server, users: float) -> float:
    """Return how many requests one process works on at once."""
    match server:
        case SyncGunicorn():
            return 1
        case ThreadedGunicorn():
            return server.threads
        case GeventGunicorn():
            return server.worker_connections
        case DevelopmentServer():
            return users
