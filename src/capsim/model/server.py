"""The machine, the application server on it, and the application's code, with their settings."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from capsim.model.laws import ZERO, Law
from capsim.model.spec import (
    Count,
    NonNegative,
    Numbered,
    PositiveCount,
    Replicated,
    Spec,
)

_SHORTEST_SWITCH_INTERVAL_S = 1e-6  # sys.setswitchinterval keeps whole microseconds


class Machine(Spec):
    """The machine that runs the application's processes."""

    cores: PositiveCount = 4


class Gunicorn(Spec):
    """What all gunicorn workers have in common; defaults are gunicorn's own.

    (Settings documentation, versions 23 to 27; the boot time is that of an import.)
    """

    workers: Replicated = 1
    backlog: Count = 2048
    boot_time_s: NonNegative = 0.5
    max_requests: Count = 0  # 0: a worker lives for ever; else it is replaced after so many
    max_requests_jitter: Count = 0  # adds a random number, up to this, for each worker


class SyncGunicorn(Gunicorn):
    """gunicorn with sync workers: one request per worker, killed when it takes too long.

    The master looks at its workers once a second, so a kill comes at the first look after
    `timeout_s`.
    """

    kind: Literal["gunicorn-sync"]
    timeout_s: NonNegative = 30.0  # 0: never kill, as gunicorn reads it


class ThreadedGunicorn(Gunicorn):
    """gunicorn with gthread workers: threads behind one unlimited queue per worker process.

    The heartbeat lives in the main thread, so `timeout` never kills a slow request here. A user
    stays with the worker that accepted its connection until it idles longer than `keepalive_s`.
    """

    kind: Literal["gunicorn-gthread"]
    threads: Numbered = 1
    worker_connections: PositiveCount = 1000
    keepalive_s: NonNegative = 2.0


class GeventGunicorn(Gunicorn):
    """gunicorn with gevent workers: a greenlet per connection, and one thread that runs them all.

    A greenlet runs until it waits for something; nobody interrupts it.
    """

    kind: Literal["gunicorn-gevent"]
    worker_connections: PositiveCount = 1000
    keepalive_s: NonNegative = 2.0


class DevelopmentServer(Spec):
    """Django's `runserver`: one process and a new thread for every client connection, no limit."""

    kind: Literal["development"]


Server = Annotated[
    SyncGunicorn | ThreadedGunicorn | GeventGunicorn | DevelopmentServer,
    Field(discriminator="kind"),
]


class App(Spec):
    """The application's code, beyond what each request class needs."""

    error_cpu_s: Law = ZERO  # CPU demand of answering 500: a traceback, a debug page
    switch_interval_s: NonNegative = 0.005  # sys.getswitchinterval(); 0: processor sharing
    idle_overhead: NonNegative = 0.0  # demand is (1 + this/n) times as large with n running
    atomic_requests: bool = False  # a transaction spans the request's queries (ATOMIC_REQUESTS)

    @model_validator(mode="after")
    def _interval_that_python_takes(self) -> Self:
        if 0 < self.switch_interval_s < _SHORTEST_SWITCH_INTERVAL_S:
            msg = f"switch_interval_s = {self.switch_interval_s}: Python counts in microseconds"
            raise ValueError(msg)
        return self
