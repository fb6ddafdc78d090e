"""The load tests: which stack, which users, which requests. All durations are in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from random import Random

NEVER_S = 1000.0  # a limit that no test reaches


@dataclass(frozen=True)
class Law:
    """A law of durations; `uniform` lies between `low` and `high`, the others have a mean."""

    law: Literal["constant", "exponential", "uniform"]
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def draw(self, chance: Random) -> float:
        """Draw one duration."""
        if self.law == "exponential":
            return chance.expovariate(1 / self.mean)
        return chance.uniform(self.low, self.high) if self.law == "uniform" else self.mean

    def facts(self) -> dict[str, str | float]:
        """Return the law as it is written in a model file."""
        if self.law == "uniform":
            return {"law": self.law, "low": self.low, "high": self.high}
        return {"law": self.law, "value" if self.law == "constant" else "mean": self.mean}


def constant(value: float) -> Law:
    """Return the law of a duration that never varies."""
    return Law("constant", mean=value)


def exponential(mean: float) -> Law:
    """Return an exponential law."""
    return Law("exponential", mean=mean)


def uniform(low: float, high: float) -> Law:
    """Return a uniform law."""
    return Law("uniform", low=low, high=high)


@dataclass(frozen=True)
class Task:
    """One kind of request: time in a query, time in the application, or time holding a row."""

    query_s: Law | None = None
    wait_s: Law | None = None
    hold_s: Law | None = None
    weight: float = 1.0

    def address(self, chance: Random) -> str:
        """Draw the durations of one request and put them into its address."""
        if self.hold_s is not None:
            return f"/hot?hold={self.hold_s.draw(chance):.6f}"
        parts = (("query", self.query_s), ("wait", self.wait_s))
        asked = [f"{name}={law.draw(chance):.6f}" for name, law in parts if law is not None]
        return "/work?" + "&".join(asked)


@dataclass(frozen=True)
class Server:
    """gunicorn's settings; what is not set here is gunicorn's default."""

    kind: Literal["sync", "gthread"]
    workers: int = 1
    threads: int = 1
    timeout_s: int = 60
    backlog: int = 2048
    max_requests: int = 0


@dataclass(frozen=True)
class LoadTest:
    """One load test; a user's first request comes without thinking."""

    users: int
    think_s: Law
    server: Server
    tasks: dict[str, Task]
    duration_s: float = 40.0
    pool_size: int = 4
    pool_timeout_s: float = NEVER_S
    lock_timeout_s: float = 0.0  # 0: none, as in PostgreSQL
    statement_timeout_s: float = 0.0
    client_timeout_s: float = NEVER_S
    spawn_rate: int = 0  # users who start together once a second; 0: all at once
    notes: str = field(default="", kw_only=True)


def gthread(workers: int, threads: int) -> Server:
    """Return gunicorn with threads."""
    return Server("gthread", workers, threads)


def query(law: Law) -> dict[str, Task]:
    """Return requests that need one query."""
    return {"query": Task(query_s=law)}


def wait(law: Law) -> dict[str, Task]:
    """Return requests that wait in the application and need no database."""
    return {"wait": Task(wait_s=law)}


def hold(value_s: float) -> dict[str, Task]:
    """Return requests that update the hot row and keep it for a while."""
    return {"hot": Task(hold_s=constant(value_s))}


THINK = exponential(1.0)
SHORT = exponential(0.1)
TENTH = constant(0.1)

POOL_TESTS = {
    "pool_light": LoadTest(20, THINK, gthread(1, 16), query(SHORT)),
    "pool_knee": LoadTest(40, THINK, gthread(1, 16), query(SHORT)),
    "pool_saturated": LoadTest(60, THINK, gthread(1, 16), query(SHORT)),
    "pool_two_workers": LoadTest(
        44, uniform(0.5, 1.5), gthread(2, 8), query(TENTH), pool_size=2, notes="users stick"
    ),
    "pool_two_workers_ramp": LoadTest(
        44, uniform(0.5, 1.5), gthread(2, 8), query(TENTH), pool_size=2, spawn_rate=4
    ),
    "pool_held_to_the_end": LoadTest(
        24,
        THINK,
        gthread(1, 10),
        {"both": Task(query_s=constant(0.05), wait_s=constant(0.05))},
        pool_size=2,
        notes="the wait in the application comes after the query, with the connection held",
    ),
    "pool_timeout_fires": LoadTest(
        60, uniform(0.5, 1.5), gthread(1, 40), query(TENTH), pool_size=2, pool_timeout_s=0.5
    ),
    "pool_timeout_silent": LoadTest(
        80, THINK, gthread(1, 8), query(TENTH), pool_timeout_s=0.5, notes="threads cap the queue"
    ),
}
LOCK_TESTS = {
    "lock_light": LoadTest(18, THINK, gthread(1, 30), hold(0.04), pool_size=20),
    "lock_pool_4": LoadTest(40, THINK, gthread(1, 30), hold(0.04), pool_size=4),
    "lock_pool_20": LoadTest(40, THINK, gthread(1, 30), hold(0.04), pool_size=20),
    "lock_timeout_below_hold": LoadTest(
        20, THINK, gthread(1, 30), hold(0.1), pool_size=20, lock_timeout_s=0.05
    ),
    "lock_timeout_above_hold": LoadTest(
        40, THINK, gthread(1, 30), hold(0.04), pool_size=20, lock_timeout_s=0.2
    ),
    "statement_timeout": LoadTest(
        40, THINK, gthread(1, 30), hold(0.04), pool_size=20, statement_timeout_s=0.5
    ),
}
WORKER_TESTS = {
    "sync_light": LoadTest(25, THINK, Server("sync", 4), wait(SHORT)),
    "sync_saturated": LoadTest(60, THINK, Server("sync", 4), wait(SHORT)),
    "gthread_saturated": LoadTest(60, THINK, gthread(2, 2), wait(SHORT)),
    "sync_killed": LoadTest(
        20,
        THINK,
        Server("sync", 4, timeout_s=3),
        {
            "wait": Task(wait_s=TENTH, weight=97),
            "stuck": Task(wait_s=constant(8.0), weight=3),
        },
        duration_s=60.0,
    ),
    "sync_backlog": LoadTest(40, exponential(0.5), Server("sync", 2, backlog=5), wait(TENTH)),
    "sync_client_timeout": LoadTest(
        60, THINK, Server("sync", 2), wait(TENTH), client_timeout_s=1.0
    ),
    "gthread_client_timeout": LoadTest(
        56, THINK, gthread(1, 4), wait(constant(0.2)), client_timeout_s=2.0
    ),
    "sync_recycled": LoadTest(30, THINK, Server("sync", 2, max_requests=50), wait(constant(0.05))),
}
ALL_TESTS = POOL_TESTS | LOCK_TESTS | WORKER_TESTS
IDLE_DURATION = constant(0.05)
IDLE_TASKS = {
    "query": Task(query_s=IDLE_DURATION),
    "wait": Task(wait_s=IDLE_DURATION),
    "both": Task(query_s=constant(0.025), wait_s=constant(0.025)),
    "hot": Task(hold_s=IDLE_DURATION),
}
IDLE_REQUESTS = 50
