"""The way to PostgreSQL: a pool that waits, or connections that are refused past a limit."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.model.laws import ZERO
from capsim.model.model import Model
from capsim.model.stack import PerRequest, Persistent, Pool
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.drift import speeds
from capsim.plan.lowering.server import LoweredServer
from capsim.plan.ops import NO_COLUMN, Status
from capsim.plan.plan import UNLIMITED, Resource, Station

CONNECTION, CPU = "database connection", "database CPU"


@dataclass(frozen=True, kw_only=True)
class LoweredDatabase:
    """What a request needs to know of the database."""

    connect: Callable[[], None]  # adds the steps up to a usable connection
    cpu: int  # the station that serves queries


def lower_database(
    builder: PlanBuilder, model: Model, server: LoweredServer, scenario: Scenario
) -> LoweredDatabase:
    """Add the database's cores and the connections to it."""
    database = model.database
    cpu = builder.station(
        Station(
            name=CPU,
            cores=database.cores,
            contention=database.contention,
            coherency=database.coherency,
            speeds=speeds(scenario, "database"),
        )
    )
    match database.access:
        case Pool():
            connect = _pool(builder, model, database.access, server)
        case Persistent():
            connect = _persistent(builder, model, server)
        case PerRequest():
            connect = _per_request(builder, model)
    return LoweredDatabase(connect=connect, cpu=cpu)


def _pool(
    builder: PlanBuilder, model: Model, pool: Pool, server: LoweredServer
) -> Callable[[], None]:
    """Wait, up to a limit, for one of the pool's connections; they are open already.

    A pool cannot open more connections than the database admits, however large it is set. Where
    each process has its own pool, the processes share what is admitted evenly.
    """
    per_process = pool.scope == "process"
    replicas = server.processes if per_process else 1
    admitted = model.database.usable_connections
    size = pool.size if admitted is None else min(pool.size, max(1, admitted // replicas))
    # A sync worker's process handles one request at a time, so its pool is never waited for.
    split = per_process and server.per_route
    connection = builder.resource(
        Resource(
            name=CONNECTION,
            capacity=size if split else size * replicas,
            wait_limit_s=pool.wait_timeout_s,
        ),
        replicas if split else 1,
    )

    def connect() -> None:
        builder.acquire(connection, per_route=1 if split else 0, expired=Status.POOL_TIMEOUT)

    return connect


def _persistent(builder: PlanBuilder, model: Model, server: LoweredServer) -> Callable[[], None]:
    """A connection of its own for every server thread, set up at the thread's first query."""
    connection = builder.resource(_refusing(model))
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

    return connect


def _per_request(builder: PlanBuilder, model: Model) -> Callable[[], None]:
    """A new connection for every request, refused at once past the limit."""
    connection = builder.resource(_refusing(model))
    setup = _setup_column(builder, model)

    def connect() -> None:
        builder.acquire(connection, refused=Status.CONNECTION_REFUSED)
        if setup != NO_COLUMN:
            builder.delay(setup)

    return connect


def _refusing(model: Model) -> Resource:
    admitted = model.database.usable_connections
    capacity = UNLIMITED if admitted is None else admitted
    return Resource(name=CONNECTION, capacity=capacity, queue_limit=0)


def _setup_column(builder: PlanBuilder, model: Model) -> int:
    law = model.database.connection_setup_s
    return NO_COLUMN if law == ZERO else builder.column("connection set-up", law)
