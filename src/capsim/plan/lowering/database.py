"""The database: its cores, and what a query, a transaction and a lock are to it."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.model.laws import ZERO
from capsim.model.model import Model
from capsim.model.workload import LockUse, RequestClass, Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.connections import Connections, lower_connections
from capsim.plan.lowering.locks import LoweredLock, lower_locks
from capsim.plan.lowering.pgbouncer import LoweredBouncer, lower_bouncer
from capsim.plan.lowering.replicas import LoweredReplicas, lower_replicas
from capsim.plan.lowering.server import LoweredServer
from capsim.plan.lowering.speeds import speeds
from capsim.plan.ops import NO_COLUMN, Status
from capsim.plan.plan import Station

CPU = "database CPU"


@dataclass(frozen=True, kw_only=True)
class LoweredDatabase:
    """What requests and tasks need to know of the database."""

    cpu: int  # the station that serves queries
    connections: Connections
    bouncer: LoweredBouncer | None
    replicas: LoweredReplicas | None
    locks: dict[str, LoweredLock]
    statement_timeout_s: float | None


def lower_database(
    builder: PlanBuilder, model: Model, server: LoweredServer, scenario: Scenario
) -> LoweredDatabase:
    """Add the database's cores, the connections to it, its locks and its replicas."""
    database = model.database
    cpu = builder.station(
        Station(
            name=CPU,
            cores=database.cores,
            contention=database.contention,
            coherency=database.coherency,
            outlives=True,  # PostgreSQL sees that its client has gone when it writes to it
            speeds=speeds(scenario, "database"),
        )
    )
    return LoweredDatabase(
        cpu=cpu,
        connections=lower_connections(builder, model, server),
        bouncer=lower_bouncer(builder, model),
        replicas=lower_replicas(builder, database.replicas),
        locks=lower_locks(builder, database),
        statement_timeout_s=database.statement_timeout_s,
    )


class Transaction:
    """The steps of one request class between its first query and its COMMIT."""

    def __init__(
        self, builder: PlanBuilder, name: str, request: RequestClass, database: LoweredDatabase
    ) -> None:
        """Draw what the queries of a class need."""
        self._builder = builder
        self._database = database
        self._lock = None if request.lock is None else database.locks[request.lock.name]
        self._use = request.lock
        self.count = builder.column(f"{name}: number of queries", request.queries)
        self._time = builder.column(f"{name}: query", request.query_s, count=self.count)
        wait = request.query_wait_s
        self._wait = NO_COLUMN
        if wait != ZERO:
            self._wait = builder.column(f"{name}: query wait", wait, count=self.count)
        self._hold = NO_COLUMN
        if request.lock is not None and request.lock.hold_s != ZERO:
            self._hold = builder.column(f"{name}: lock hold", request.lock.hold_s)
        self._reads = request.read_share if database.replicas else 0.0
        self._writes = request.read_share < 1
        self._read = None
        if self._reads:
            self._read = builder.column(f"{name}: read or write", None, count=self.count)

    def run(self, between: Callable[[], None]) -> None:
        """Add all statements, with `between` after each but the last, and the COMMIT."""
        if self._database.bouncer:
            self._database.bouncer.begin_request()
        if self._use is None:
            self._statements(between)
        else:
            self._locking(self._use, between)
        self.end()
        if self._database.replicas and self._writes:
            self._database.replicas.replay()

    def end(self) -> None:
        """Give back what a transaction holds, at its COMMIT or ROLLBACK."""
        if self._lock:
            self._lock.release()
        if self._database.bouncer:
            self._database.bouncer.end_request()

    def _statements(self, between: Callable[[], None], *, most: int = 0) -> None:
        """Add a loop over statements that ends at the last, or after `most` of them."""
        builder = self._builder
        enter = builder.jump()
        again = builder.here
        between()
        builder.land(enter)
        self._statement()
        builder.repeat(self.count, again, most=most)

    def _locking(self, use: LockUse, between: Callable[[], None]) -> None:
        """Add the statements before the lock, the one that takes it, and those under it."""
        builder = self._builder
        if use.after_queries:
            self._statements(between, most=use.after_queries)
            between()
        self._statement(self._lock)
        if self._hold != NO_COLUMN:
            builder.delay(self._hold, outlives=True)
        check = builder.jump()
        again = builder.here
        between()
        self._statement()
        builder.land(check)
        builder.repeat(self.count, again)

    def _statement(self, lock: LoweredLock | None = None) -> None:
        """Add one statement: its wait for a lock counts against its time limit, a pool's not."""
        builder, database = self._builder, self._database
        if database.bouncer:
            database.bouncer.begin_statement()
        if database.statement_timeout_s is not None:
            builder.deadline(database.statement_timeout_s, Status.STATEMENT_TIMEOUT)
        if lock:
            lock.acquire()
        if self._wait != NO_COLUMN:
            builder.delay(self._wait, repeated=True, outlives=True)
        self._execute()
        if database.statement_timeout_s is not None:
            builder.clear()
        if database.bouncer:
            database.bouncer.end_statement()

    def _execute(self) -> None:
        builder, database = self._builder, self._database
        if self._read is None or database.replicas is None:
            builder.serve(database.cpu, self._time, repeated=True)
            return
        read = builder.branch(self._reads, self._read, repeated=True)
        builder.serve(database.cpu, self._time, repeated=True)
        done = builder.jump()
        builder.land(read)
        database.replicas.read(self._time)
        builder.land(done)
