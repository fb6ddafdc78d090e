"""The way to PostgreSQL: a pool that waits, or connections that are refused past a limit."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.model.database import PerRequest, Persistent, Pool
from capsim.model.laws import ZERO
from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.server import LoweredServer
from capsim.plan.ops import NO_COLUMN, Status
from capsim.plan.plan import UNLIMITED, Resource

CONNECTION = "database connection"


@dataclass(frozen=True, kw_only=True)
class Connections:
    """How a request gets one."""

    connect: Callable[[], None]  # adds the steps up to a usable connection
    resources: tuple[int, ...]


def lower_connections(builder: PlanBuilder, model: Model, server: LoweredServer) -> Connections:
    """Add the connections that requests use."""
    match model.database.access:
        case Pool():
            return _pool(builder, model, model.database.access, server)
        case Persistent():
            return _persistent(builder, model, server)
        case PerRequest():
            return _per_request(builder, model)


def admitted(model: Model) -> int | None:
    """Return how many connections requests can have at once; none where there is no limit.

    PgBouncer admits its clients, whatever PostgreSQL does. Celery's workers keep theirs.
    """
    if model.database.pgbouncer is not None:
        return model.database.pgbouncer.max_client_conn
    return left_by_celery(model)


def left_by_celery(model: Model) -> int | None:
    """Return how many connections PostgreSQL has for the web tier; none where there is no limit."""
    usable = model.database.usable_connections
    if usable is None:
        return None
    return max(1, usable - (model.celery.workers if model.celery else 0))


def _pool(builder: PlanBuilder, model: Model, pool: Pool, server: LoweredServer) -> Connections:
    """Wait, up to a limit, for one of the pool's connections; they are open already.

    A pool cannot open more connections than the database admits, however large it is set. Where
    each process has its own pool, the processes share what is admitted evenly.
    """
    per_process = pool.scope == "process"
    replicas = server.process_count if per_process else 1
    most = admitted(model)
    size = pool.size if most is None else min(pool.size, max(1, most // replicas))
    # A sync worker's process handles one request at a time, so its pool is never waited for.
    split = per_process and server.pool_per_route
    connection = builder.resource(
        Resource(
            name=CONNECTION,
            capacity=size if split else size * replicas,
            wait_limit_s=pool.wait_timeout_s,
            queue_limit=UNLIMITED if pool.max_waiting is None else pool.max_waiting,
        ),
        replicas if split else 1,
    )

    def connect() -> None:
        builder.acquire(
            connection,
            per_route=1 if split else 0,
            refused=Status.POOL_FULL,
            expired=Status.POOL_TIMEOUT,
        )

    every = range(connection, connection + (replicas if split else 1))
    return Connections(connect=connect, resources=tuple(every))


def _persistent(builder: PlanBuilder, model: Model, server: LoweredServer) -> Connections:
    """A connection of its own for every server thread, set up at the thread's first query."""
    connection = builder.resource(_refusing(model, owned=True))
    setup = _setup_column(builder, model)

    def connect() -> None:
        held = builder.hold(
            connection,
            status=Status.CONNECTION_REFUSED,
            owner=server.owner,
            owner_resource=server.owner_resource,
            per_route=server.per_route,
        )
        if setup != NO_COLUMN:
            builder.delay(setup)
        builder.land(held)

    return Connections(connect=connect, resources=(connection,))


def _per_request(builder: PlanBuilder, model: Model) -> Connections:
    """A new connection for every request, refused at once past the limit."""
    connection = builder.resource(_refusing(model, owned=False))
    setup = _setup_column(builder, model)

    def connect() -> None:
        builder.acquire(connection, refused=Status.CONNECTION_REFUSED)
        if setup != NO_COLUMN:
            builder.delay(setup)

    return Connections(connect=connect, resources=(connection,))


def _refusing(model: Model, *, owned: bool) -> Resource:
    most = admitted(model)
    capacity = UNLIMITED if most is None else most
    return Resource(name=CONNECTION, capacity=capacity, queue_limit=0, owned=owned)


def _setup_column(builder: PlanBuilder, model: Model) -> int:
    law = model.database.connection_setup_s
    return NO_COLUMN if law == ZERO else builder.column("connection set-up", law)
