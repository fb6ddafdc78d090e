"""The stack: machine, application server, application and database, with their real settings."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from capsim.model.laws import ZERO, Law
from capsim.model.spec import Count, NonNegative, Positive, PositiveCount, Spec

_SHORTEST_SWITCH_INTERVAL_S = 1e-6  # sys.setswitchinterval keeps whole microseconds


class Machine(Spec):
    """The machine that runs the application's processes."""

    cores: PositiveCount = 4


class SyncGunicorn(Spec):
    """gunicorn with sync workers: one request per worker, killed when it takes too long.

    Defaults are gunicorn's own (settings documentation, version 23).
    """

    kind: Literal["gunicorn-sync"]
    workers: PositiveCount = 1
    timeout_s: NonNegative = 30.0  # 0: never kill, as gunicorn reads it
    boot_time_s: NonNegative = 0.5
    backlog: Count = 2048


class ThreadedGunicorn(Spec):
    """gunicorn with gthread workers: threads behind one unlimited queue per worker process.

    The heartbeat lives in the main thread, so `timeout` never kills a slow request here. A user
    stays with the worker that accepted its connection until it idles longer than `keepalive_s`.
    Defaults are gunicorn's own (settings documentation, version 23).
    """

    kind: Literal["gunicorn-gthread"]
    workers: PositiveCount = 1
    threads: PositiveCount = 1
    worker_connections: PositiveCount = 1000
    keepalive_s: NonNegative = 2.0
    backlog: Count = 2048


class DevelopmentServer(Spec):
    """Django's `runserver`: one process and a new thread for every client connection, no limit."""

    kind: Literal["development"]


Server = Annotated[SyncGunicorn | ThreadedGunicorn | DevelopmentServer, Field(discriminator="kind")]


class App(Spec):
    """The application's code, beyond what each request class needs."""

    error_cpu_s: Law = ZERO  # CPU demand of answering 500: a traceback, a debug page
    switch_interval_s: NonNegative = 0.005  # sys.getswitchinterval(); 0: processor sharing
    idle_overhead: NonNegative = 0.0  # demand is (1 + this/n) times as large with n running

    @model_validator(mode="after")
    def _interval_that_python_takes(self) -> Self:
        if 0 < self.switch_interval_s < _SHORTEST_SWITCH_INTERVAL_S:
            msg = f"switch_interval_s = {self.switch_interval_s}: Python counts in microseconds"
            raise ValueError(msg)
        return self


class Pool(Spec):
    """A connection pool: waits for a free connection, then gives up (PoolTimeout, a 500)."""

    kind: Literal["pool"]
    size: PositiveCount
    wait_timeout_s: Positive = 30.0  # psycopg_pool's default
    scope: Literal["process", "system"] = "process"


class Persistent(Spec):
    """A connection per server thread, opened at its first query and kept (CONN_MAX_AGE > 0)."""

    kind: Literal["persistent"]


class PerRequest(Spec):
    """A new connection for every request (CONN_MAX_AGE = 0)."""

    kind: Literal["per-request"]


Access = Annotated[Pool | Persistent | PerRequest, Field(discriminator="kind")]


class Database(Spec):
    """PostgreSQL and the way to it; `max_connections` refuses at once, it does not wait."""

    cores: PositiveCount = 4
    contention: NonNegative = 0.0  # alpha of 1 + alpha (n-1) + beta n (n-1), Gunther 1993
    coherency: NonNegative = 0.0  # beta of the same
    max_connections: PositiveCount | None = None  # none: never the limit
    reserved_connections: Count = 3  # superuser_reserved_connections, PostgreSQL's default
    connection_setup_s: Law = ZERO
    access: Access = Pool(kind="pool", size=10)

    @model_validator(mode="after")
    def _some_connections_left(self) -> Self:
        if self.max_connections is not None and self.max_connections <= self.reserved_connections:
            msg = "max_connections must exceed reserved_connections; no client could connect"
            raise ValueError(msg)
        return self

    @property
    def usable_connections(self) -> int | None:
        """Connections open to the application; none where there is no limit."""
        if self.max_connections is None:
            return None
        return self.max_connections - self.reserved_connections
