"""PgBouncer: few server connections that many client connections take in turns."""

from dataclasses import dataclass

from capsim.model.database import PgBouncer
from capsim.model.laws import Constant
from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.connections import left_by_celery
from capsim.plan.ops import NO_COLUMN, Status
from capsim.plan.plan import INFINITE, Resource, Station

SERVER, CPU = "PgBouncer server connection", "PgBouncer CPU"
_JANITOR_S = 1 / 3  # src/janitor.c: full_maint_period, how often waits are looked at


@dataclass(frozen=True, kw_only=True)
class LoweredBouncer:
    """The server connections, and the one thread that passes everything on."""

    builder: PlanBuilder
    server: int
    cpu: int
    message_cpu: int
    session: bool  # a client keeps its server connection until it disconnects
    atomic: bool  # a transaction spans the queries of a request

    def begin_request(self) -> None:
        """Wait for a server connection, where one serves all queries of a request."""
        if self.session or self.atomic:
            self._begin()

    def begin_statement(self) -> None:
        """Wait for a server connection, where each statement is a transaction; pass it on."""
        if not (self.session or self.atomic):
            self._begin()
        if self.message_cpu != NO_COLUMN:
            self.builder.serve(self.cpu, self.message_cpu)

    def end_statement(self) -> None:
        """Give the server connection back after a statement, where that ends a transaction."""
        if not (self.session or self.atomic):
            self.builder.release(self.server)

    def end_request(self) -> None:
        """Give the server connection back at the COMMIT or ROLLBACK of a request's transaction."""
        if not self.session:
            self.builder.release(self.server)

    def _begin(self) -> None:
        self.builder.acquire(self.server, expired=Status.QUEUE_TIMEOUT)


def lower_bouncer(builder: PlanBuilder, model: Model) -> LoweredBouncer | None:
    """Add PgBouncer, where there is one."""
    bouncer = model.database.pgbouncer
    if bouncer is None:
        return None
    server = builder.resource(
        Resource(
            name=SERVER,
            capacity=_servers(bouncer, model),
            outlives=True,
            wait_limit_s=bouncer.query_wait_timeout_s,
            check_s=_JANITOR_S,
        )
    )
    message_cpu, cpu = NO_COLUMN, -1
    if bouncer.message_cpu_s:
        message_cpu = builder.column("PgBouncer message", Constant(value=bouncer.message_cpu_s))
        # One thread that passes on what comes, in order.
        cpu = builder.station(Station(name=CPU, quantum_s=INFINITE))
    return LoweredBouncer(
        builder=builder,
        server=server,
        cpu=cpu,
        message_cpu=message_cpu,
        session=bouncer.mode == "session",
        atomic=model.app.atomic_requests,
    )


def _servers(bouncer: PgBouncer, model: Model) -> int:
    """Return how many connections PgBouncer can open: no more than PostgreSQL admits."""
    usable = left_by_celery(model)
    return bouncer.pool_size if usable is None else min(bouncer.pool_size, usable)
