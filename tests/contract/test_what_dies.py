"""What dies with what: statements, locks, connections and places when something else goes."""

from typing import Any

import pytest

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from capsim.plan.ops import Status

SYNC = {"kind": "gunicorn-sync", "workers": 8, "boot_time_s": 0.5}
LOCK = {"locks": {"row": {}}}


def run(requests: dict[str, Any], scenario: dict[str, Any], **parts: Any) -> Run:
    """Simulate a load test of a model made of these; requests come 1 s after their moments."""
    moments = scenario.pop("moments")
    one = {"duration_s": 1.5, "rate": 1}
    arrivals = {
        name: {
            "interarrival": "constant",
            "stages": [{"duration_s": at_s, "rate": 0}, one] if at_s else [one],
            "tasks": {name.split(" ")[0]: 1},
        }
        for name, at_s in moments.items()
    }
    tree = {
        "name": "small",
        "default_scenario": "test",
        "machine": {"cores": 8},
        "server": SYNC,
        "requests": requests,
        "scenarios": {"test": {"duration_s": 60.0, "arrivals": arrivals, **scenario}},
        **parts,
    }
    return simulate(Model.model_validate(tree))


def ended(result: Run) -> dict[str, tuple[float, int]]:
    """When each request ended for its client, and how."""
    names = [source.name for source in result.plan.sources]
    trace = result.trace
    return {
        names[source]: (round(end, 6), status)
        for source, end, status in zip(
            trace.source.tolist(), trace.end.tolist(), trace.status.tolist(), strict=True
        )
    }


def held_s(result: Run, name: str) -> float:
    """Slot-seconds of a resource over the run."""
    index = result.trace.resource_names.index(name)
    return float(result.trace.in_use[-1, index])


def test_a_statement_that_was_left_ends_at_its_time_limit() -> None:
    """The worker is killed at 4; PostgreSQL ends the statement, and frees the row, at 1 + 5."""
    result = run(
        {"slow": {"queries": 1, "query_s": 50.0, "lock": {"name": "row"}}},
        {"moments": {"slow": 0.0}},
        server={**SYNC, "timeout_s": 3},
        database={**LOCK, "statement_timeout_s": 5.0},
    )
    assert ended(result) == {"slow": (4.0, Status.WORKER_TIMEOUT)}
    assert held_s(result, "lock row") == pytest.approx(5.0)


@pytest.mark.parametrize(
    "request_class",
    [
        {"queries": 1, "query_wait_s": 10.0, "lock": {"name": "row"}},
        {"queries": 1, "query_s": 0.0, "lock": {"name": "row", "hold_s": 10.0}},
    ],
    ids=["in pg_sleep", "under a lock"],
)
def test_a_statement_that_sleeps_outlives_its_worker(request_class: dict[str, Any]) -> None:
    """The worker is killed at 4; the row stays locked until the statement is done at 11."""
    result = run(
        {"slow": request_class},
        {"moments": {"slow": 0.0}},
        server={**SYNC, "timeout_s": 3},
        database=LOCK,
    )
    assert ended(result) == {"slow": (4.0, Status.WORKER_TIMEOUT)}
    assert held_s(result, "lock row") == pytest.approx(10.0)


def test_a_database_that_goes_down_ends_what_was_left_there() -> None:
    """A statement without a worker and its lock end with the database, and nothing leaks."""
    result = run(
        {
            "slow": {"queries": 1, "query_s": 50.0, "lock": {"name": "row"}},
            "short": {"queries": 1, "query_s": 0.25, "lock": {"name": "row"}},
        },
        {
            "moments": {"slow": 0.0, "short": 29.0},
            "faults": [{"kind": "database-restart", "at_s": 10.0, "duration_s": 2.0}],
        },
        server={**SYNC, "timeout_s": 3},
        database={**LOCK, "access": {"kind": "persistent"}},
    )
    assert ended(result)["short"] == (30.25, Status.OK)
    assert held_s(result, "lock row") == pytest.approx(9.0 + 0.25)


@pytest.mark.parametrize("kind", ["pool", "persistent", "per-request"])
def test_a_database_that_is_down_fails_queries_whoever_connected(kind: str) -> None:
    """In a query, before one, and done with all: only who needs the database finds out."""
    access = {"kind": kind, "size": 8, "scope": "system"} if kind == "pool" else {"kind": kind}
    cpu = {"app_cpu_s": 3.0, "queries": 2, "query_s": 0.5}
    result = run(
        {
            "query": {"queries": 1, "query_s": 4.0},
            "between": cpu,  # 1 s, a query, 1 s, a query, 1 s
            "after": {"queries": 1, "query_s": 0.5, "delay_after_s": 5.0},
        },
        {
            "moments": {"query": 7.0, "between": 7.0, "after": 8.0},
            "faults": [{"kind": "database-restart", "at_s": 10.0, "duration_s": 5.0}],
        },
        database={"access": access},
    )
    assert ended(result) == {
        "query": (10.0, Status.DATABASE_LOST),
        "between": (10.5, Status.DATABASE_LOST),
        "after": (14.5, Status.OK),
    }


def test_who_waits_for_a_row_fails_with_the_database() -> None:
    """A lock is nothing without its database: its waiters get an error, and nobody gets the row."""
    result = run(
        {"work": {"queries": 1, "query_s": 5.0, "lock": {"name": "row"}}},
        {
            "moments": {"work one": 0.0, "work two": 1.0},
            "faults": [{"kind": "database-restart", "at_s": 3.0, "duration_s": 2.0}],
        },
        database=LOCK,
    )
    lost = (3.0, Status.DATABASE_LOST)
    assert ended(result) == {"work one": lost, "work two": lost}


@pytest.mark.parametrize("kind", ["gunicorn-gevent", "development"])
def test_idle_users_lose_their_connections_with_their_process(kind: str) -> None:
    """A user that thinks while its instance is lost sets its database connection up again."""
    server = {"kind": kind}
    tree = {
        "name": "small",
        "default_scenario": "test",
        "server": server,
        "database": {"access": {"kind": "persistent"}, "connection_setup_s": 0.5},
        "requests": {"work": {"queries": 1, "query_s": 0.1}},
        "scenarios": {
            "test": {
                "users": 1,
                "duration_s": 10,
                "faults": [{"kind": "instance-lost", "at_s": 3.0, "duration_s": 0.5}],
                "user_classes": {"u": {"think_s": 1.5, "tasks": {"work": 1}}},
            }
        },
    }
    trace = simulate(Model.model_validate(tree)).trace
    assert (trace.end - trace.start)[:4] == pytest.approx([0.6, 0.1, 0.6, 0.1])


def test_a_retry_asks_for_the_same_thing() -> None:
    """A cache miss stays a miss however often it is asked for: the key belongs to the request."""
    tree = {
        "name": "small",
        "default_scenario": "test",
        "server": {"kind": "development"},
        "cache": {"hit_ratio": 0.5},
        "requests": {"read": {"queries": 1, "query_s": 5.0, "cached": True}},
        "database": {"cores": 1000, "access": {"kind": "per-request"}},
        "scenarios": {
            "test": {
                "users": 200,
                "duration_s": 30,
                "client": {"timeout_s": 1.0, "retries": {"attempts": 3, "base_s": 0.0}},
                "user_classes": {"u": {"think_s": 1000.0, "tasks": {"read": 1}}},
            }
        },
    }
    summary = simulate(Model.model_validate(tree)).summary()
    assert summary.requests == 200
    assert summary.failure_ratio == pytest.approx(0.5, abs=4 * (0.25 / 200) ** 0.5)


def test_the_first_worker_that_is_back_takes_who_waits() -> None:
    """One worker recycles while the other is busy: whoever is back first takes who waits."""
    result = run(
        {"long": {"delay_s": 30.0}, "short": {"delay_s": 0.5}},
        {"moments": {"long": 0.0, "short one": 1.0, "short two": 2.0, "short three": 2.5}},
        server={
            "kind": "gunicorn-gthread",
            "workers": 2,
            "threads": 1,
            "worker_connections": 1,
            "max_requests": 2,
            "boot_time_s": 3.0,
        },
    )
    found = ended(result)
    assert found["short one"] == (2.5, Status.OK)
    # The second is the last of its worker, which boots from 3.5 to 6.5.
    assert found["short two"] == (3.5, Status.OK)
    assert found["short three"] == (7.0, Status.OK)
