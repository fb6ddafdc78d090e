"""PostgreSQL and the ways to it: pools, PgBouncer, replicas, timeouts and locks."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from capsim.model.laws import ZERO, Law
from capsim.model.spec import (
    Count,
    NonNegative,
    Numbered,
    Positive,
    PositiveCount,
    Replicated,
    Spec,
)


class Pool(Spec):
    """A connection pool: waits for a free connection, then gives up (PoolTimeout, a 500)."""

    kind: Literal["pool"]
    size: PositiveCount
    wait_timeout_s: Positive = 30.0  # psycopg_pool's default
    max_waiting: PositiveCount | None = None  # who comes beyond is refused; none: no limit
    scope: Literal["process", "system"] = "process"


class Persistent(Spec):
    """A connection per server thread, opened at its first query and kept (CONN_MAX_AGE > 0)."""

    kind: Literal["persistent"]


class PerRequest(Spec):
    """A new connection for every request (CONN_MAX_AGE = 0)."""

    kind: Literal["per-request"]


Access = Annotated[Pool | Persistent | PerRequest, Field(discriminator="kind")]


class PgBouncer(Spec):
    """PgBouncer between the application and PostgreSQL; defaults are its own (doc/config.md).

    Many client connections share few server connections: for a transaction at a time, or for as
    long as the client stays connected.
    """

    mode: Literal["session", "transaction"] = "session"
    pool_size: PositiveCount = 20  # default_pool_size
    max_client_conn: PositiveCount = 100  # clients beyond this are refused
    query_wait_timeout_s: Positive = 120.0
    message_cpu_s: NonNegative = 0.0  # of its one core, for each query and its answer


class Replicas(Spec):
    """Read replicas that replay, one after the other, what the primary has committed.

    A request that writes is replayed by every replica: after `lag_s` on its way, for `replay_s`.
    Reads on a replica see what has been replayed by then.
    """

    count: Replicated = 1
    cores: PositiveCount = 4
    lag_s: Law = ZERO
    replay_s: Law = ZERO


class RowLock(Spec):
    """Rows that transactions update one at a time, each locked until COMMIT.

    Who waits for an updated row in PostgreSQL gets it in no particular order (README.tuplock,
    src/backend/access/heap); who waits for an advisory lock, first come, first served.
    """

    rows: Numbered = 1  # each transaction needs one of them
    order: Literal["random", "fifo"] = "random"


class Database(Spec):
    """PostgreSQL and the way to it; `max_connections` refuses at once, it does not wait."""

    cores: PositiveCount = 4
    contention: NonNegative = 0.0  # alpha of 1 + alpha (n-1) + beta n (n-1), Gunther 1993
    coherency: NonNegative = 0.0  # beta of the same
    max_connections: PositiveCount | None = None  # none: never the limit
    reserved_connections: Count = 3  # superuser_reserved_connections, PostgreSQL's default
    connection_setup_s: Law = ZERO
    access: Access = Pool(kind="pool", size=10)
    pgbouncer: PgBouncer | None = None
    replicas: Replicas | None = None
    statement_timeout_s: Positive | None = None  # of a query, waiting for a lock included
    lock_timeout_s: Positive | None = None  # of each wait for one holder of a lock
    locks: dict[str, RowLock] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _some_connections_left(self) -> Self:
        if self.max_connections is not None and self.max_connections <= self.reserved_connections:
            msg = "max_connections must exceed reserved_connections; no client could connect"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _bouncer_can_share(self) -> Self:
        bouncer = self.pgbouncer
        if bouncer and bouncer.mode == "session" and isinstance(self.access, Persistent):
            msg = (
                f"pgbouncer.mode = '{bouncer.mode}': persistent connections would keep a server "
                'each for ever, and share nothing; set mode = "transaction", or access by a pool'
            )
            raise ValueError(msg)
        return self

    @property
    def usable_connections(self) -> int | None:
        """Connections open to the application; none where there is no limit."""
        if self.max_connections is None:
            return None
        return self.max_connections - self.reserved_connections
