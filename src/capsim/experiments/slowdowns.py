"""How much slower than its bare demand the work of a model may be done at worst."""

from collections.abc import Iterator
from dataclasses import dataclass

from capsim.model.client import Client
from capsim.model.database import Pool
from capsim.model.model import Model
from capsim.model.server import Gunicorn, SyncGunicorn
from capsim.model.workload import Scenario


@dataclass(frozen=True, kw_only=True)
class Slowest:
    """Factors on the demands of the application and of the database."""

    app: float
    database: float


def slowest(model: Model, scenario: Scenario) -> Slowest | None:
    """Return how slow the work gets at worst while no request fails; none: nobody can say.

    A process that runs a single thread has the largest overhead (`app.idle_overhead`), and demand
    that drifts is largest at the end.
    """
    if any(unbounded(model, scenario)):
        return None
    drift = scenario.drift
    grown = 1.0 + drift.growth if drift is not None else 1.0
    return Slowest(
        app=(1.0 + model.app.idle_overhead) * (grown if drift and drift.station == "app" else 1.0),
        database=grown if drift and drift.station == "database" else 1.0,
    )


def unbounded(model: Model, scenario: Scenario) -> Iterator[str]:
    """Yield, in words, what may take more time of the system than the demands of its requests."""
    database = model.database
    if database.contention or database.coherency:
        yield "queries that slow each other down"
    if scenario.faults:
        yield "faults"
    if scenario.arrivals:
        yield "open arrivals beside the users"
    if model.celery is not None:
        yield "background tasks"
    if database.replicas is not None:
        yield "replication"
    if model.cache is not None:
        yield "misses of the cache"
    if model.memory is not None:
        yield "memory that may run out"
    if getattr(model.server, "max_requests", 0):
        yield "workers that are replaced"
    if scenario.client.retries is not None:
        yield "retries"


def left_out(model: Model, scenario: Scenario) -> Iterator[str]:
    """Yield, in words, what of a model is not in a network of queues with a product form."""
    if model.app.switch_interval_s and not isinstance(model.server, SyncGunicorn):
        yield "turns under the GIL"
    asks = any(model.requests[name].uses_database for name in scenario.asked_for)
    yield from _slots(model, asks=asks)
    yield from _limits(model, scenario.client, asks=asks)
    if model.app.idle_overhead:
        yield "the overhead of an idle process"
    if scenario.drift is not None:
        yield "demand that grows during the test"
    if asks and model.database.locks:
        yield "row locks"
    yield from unbounded(model, scenario)


def _slots(model: Model, *, asks: bool) -> Iterator[str]:
    """Yield what requests wait for while they hold something, or although others are free.

    `asks`: whether any of them asks the database.
    """
    server = model.server
    if isinstance(server, Gunicorn):
        yield "waiting for a free worker" if isinstance(server, SyncGunicorn) else "thread limits"
        if server.workers > 1 and not isinstance(server, SyncGunicorn):
            yield "users that stay with one worker process"
    if asks and isinstance(model.database.access, Pool):
        yield "the connection pool (held with the thread)"
    if asks and model.database.pgbouncer is not None:
        yield "PgBouncer's pool"


def _limits(model: Model, client: Client, *, asks: bool) -> Iterator[str]:
    """Yield what makes requests end without an answer, or with an early one."""
    database, server = model.database, model.server
    pooled = isinstance(database.access, Pool)
    kills = isinstance(server, SyncGunicorn) and server.timeout_s
    of_database = (database.statement_timeout_s, database.lock_timeout_s, pooled or None)
    limits = (client.timeout_s, *(of_database if asks else ()))
    if kills or any(limit is not None for limit in limits):
        yield "timeouts"
    if asks and not pooled and database.pgbouncer is None and database.max_connections is not None:
        yield "connections that PostgreSQL refuses past max_connections"
    if model.shedding is not None:
        yield "requests that are shed"
