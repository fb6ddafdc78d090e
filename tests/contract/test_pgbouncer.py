"""Pools of connections: the application's own, and PgBouncer between it and PostgreSQL."""

from typing import Any

import numpy as np
import pytest

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from capsim.plan.ops import Status
from small_load_tests import arriving

SYNC = {"kind": "gunicorn-sync", "workers": 64, "timeout_s": 0}
PER_REQUEST = {"kind": "per-request"}
ONE_SERVER = {"mode": "transaction", "pool_size": 1}


def run(
    request: dict[str, Any],
    scenario: dict[str, Any],
    *,
    app: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
    **database: Any,
) -> Run:
    """Simulate requests on workers and cores to spare."""
    return simulate(
        Model.model_validate(
            {
                "name": "pools",
                "default_scenario": "test",
                "machine": {"cores": 64},
                "server": server or SYNC,
                "app": app or {},
                "database": {"cores": 64, **database},
                "requests": {"page": request},
                "scenarios": {"test": scenario},
            }
        )
    )


def at(*times_s: float) -> dict[str, Any]:
    """One arrival at each of the times, and then half a minute more."""
    calls = arriving("page", *times_s)
    return {"duration_s": times_s[-1] + 30.0, "arrivals": {"calls": calls}}


def crowd(users: int, duration_s: float = 60.0, think_s: object = 1000.0) -> dict[str, Any]:
    """Users who all ask at once, and again after thinking."""
    everyone = {"think_s": think_s, "tasks": {"page": 1}}
    return {"duration_s": duration_s, "users": users, "user_classes": {"everyone": everyone}}


def answers(result: Run) -> list[tuple[float, int]]:
    """Response time and status of each request, in order of start, then of time."""
    trace = result.trace
    rows = zip(trace.start, trace.end - trace.start, trace.status, strict=True)
    return [(pytest.approx(time), status) for _, time, status in sorted(rows)]


def in_use(result: Run, name: str) -> float:
    """Slot-seconds of a resource."""
    return float(result.trace.in_use[-1, result.trace.resource_names.index(name)])


# The application's own pool.


def test_a_pool_refuses_beyond_max_waiting() -> None:
    """One is served, two wait, and the others are told at once that the line is full."""
    pool = {"kind": "pool", "size": 1, "scope": "system", "max_waiting": 2}
    result = run({"queries": 1, "query_s": 1.0}, crowd(5), access=pool)
    assert answers(result) == [
        (0.0, Status.POOL_FULL),
        (0.0, Status.POOL_FULL),
        (1.0, Status.OK),
        (2.0, Status.OK),
        (3.0, Status.OK),
    ]


def test_pool_timeouts_cost_threads_and_no_connections() -> None:
    """Two connections held for 0.5 s: 4 good answers per second, whoever gives up meanwhile.

    Who gives up comes back sooner, so that more is answered in all, and nothing more is good.
    """

    def pooled(wait_timeout_s: float) -> Run:
        pool = {"kind": "pool", "size": 2, "scope": "system", "wait_timeout_s": wait_timeout_s}
        return run({"queries": 1, "query_s": 0.5}, crowd(40, 210, think_s=1.0), access=pool)

    patient, hasty = pooled(1000.0), pooled(1.0)
    before, after = patient.summary(begin_s=10), hasty.summary(begin_s=10)
    assert before.failure_ratio == 0.0
    assert set(after.failures) == {"pool_timeout"}
    assert [before.goodput_rps, after.goodput_rps] == pytest.approx([4.0] * 2, abs=2 / 200)
    assert after.rps > 4 * before.rps
    for result in (patient, hasty):
        connections = in_use(result, "database connection")
        assert connections == pytest.approx(2 * 210, rel=1e-3)
        # A thread is held for the wait too: N = X (R + Z), and the thread is R.
        summary = result.summary()
        thinking = summary.rps * 1.0
        assert in_use(result, "worker") / 210 == pytest.approx(40 - thinking, rel=0.02)


# PgBouncer.


@pytest.mark.parametrize(
    ("mode", "atomic", "first_s", "second_s", "server_s"),
    [
        ("session", True, 2.3, 4.0, 2 * 2.2),
        ("transaction", True, 2.3, 3.9, 2 * 2.1),
        ("transaction", False, 3.2, 3.7, 2 * 2.0),
    ],
    ids=["session", "transaction", "autocommit"],
)
def test_a_server_connection_is_held_as_the_mode_says(
    mode: str, *, atomic: bool, first_s: float, second_s: float, server_s: float
) -> None:
    """For the session, from the first query to COMMIT, or for each statement alone.

    0.1 s of CPU before the first query of 1 s and after each; the second request comes 0.5 s later.
    """
    result = run(
        {"app_cpu_s": 0.3, "queries": 2, "query_s": 1.0},
        at(1.0, 1.5),
        app={"atomic_requests": atomic},
        access=PER_REQUEST,
        pgbouncer={"mode": mode, "pool_size": 1},
    )
    assert answers(result) == [(first_s, Status.OK), (second_s, Status.OK)]
    assert in_use(result, "PgBouncer server connection") == pytest.approx(server_s)
    # The application's side of the connection lasts from before the wait to the answer.
    assert in_use(result, "database connection") == pytest.approx(first_s + second_s - 2 * 0.1)


def test_a_server_connection_is_free_before_the_error_page() -> None:
    """After a ROLLBACK the next transaction begins while the error is rendered."""
    result = run(
        {"queries": 1, "query_s": 2.0},
        at(1.0, 1.2),
        app={"error_cpu_s": 0.5},
        access=PER_REQUEST,
        pgbouncer=ONE_SERVER,
        statement_timeout_s=1.0,
    )
    # Of the second one's 2.3 s, 0.8 s are a wait for PgBouncer, which the limit leaves out.
    assert answers(result) == [(1.5, Status.STATEMENT_TIMEOUT), (2.3, Status.STATEMENT_TIMEOUT)]
    assert in_use(result, "PgBouncer server connection") == pytest.approx(2.0)


@pytest.mark.parametrize("access", [PER_REQUEST, {"kind": "persistent"}])
def test_clients_beyond_max_client_conn_are_refused(access: dict[str, Any]) -> None:
    """Of five at once three are let in, and share one server; the others are refused at once."""
    result = run(
        {"queries": 1, "query_s": 1.0},
        crowd(5),
        access=access,
        pgbouncer={**ONE_SERVER, "max_client_conn": 3},
    )
    refused = 2 * [(0.0, Status.CONNECTION_REFUSED)]
    assert answers(result) == [*refused, (1.0, Status.OK), (2.0, Status.OK), (3.0, Status.OK)]


def test_clients_wait_where_postgresql_would_refuse() -> None:
    """With two connections to spare, PostgreSQL refuses three of five; PgBouncer queues them."""
    common = {"access": PER_REQUEST, "max_connections": 5}
    alone = run({"queries": 1, "query_s": 1.0}, crowd(5), **common)
    pooled = run(
        {"queries": 1, "query_s": 1.0},
        crowd(5),
        pgbouncer={**ONE_SERVER, "pool_size": 20},
        **common,
    )
    assert answers(alone) == 3 * [(0.0, Status.CONNECTION_REFUSED)] + 2 * [(1.0, Status.OK)]
    assert answers(pooled) == [(n, Status.OK) for n in (1.0, 1.0, 2.0, 2.0, 3.0)]


@pytest.mark.parametrize(("asked_at_s", "told_at_s"), [(1.1, 7 / 3), (1.3, 7 / 3), (1.4, 8 / 3)])
def test_query_wait_timeout_is_looked_at_three_times_a_second(
    asked_at_s: float, told_at_s: float
) -> None:
    """A wait of 1 s is over at the next look of the janitor after it."""
    result = run(
        {"queries": 1, "query_s": 10.0},
        at(1.0, asked_at_s),
        access=PER_REQUEST,
        pgbouncer={**ONE_SERVER, "query_wait_timeout_s": 1.0},
    )
    assert answers(result) == [(10.0, Status.OK), (told_at_s - asked_at_s, Status.QUEUE_TIMEOUT)]


@pytest.mark.parametrize(("message_cpu_s", "most"), [(0.01, 50.0), (0.004, 125.0)])
def test_one_core_passes_all_messages_on(message_cpu_s: float, most: float) -> None:
    """Two queries per request at a core that takes this long for each: a limit of its own."""
    result = run(
        {"queries": 2, "query_s": 0.001},
        crowd(60, 30, think_s={"law": "exponential", "mean": 0.1}),
        access=PER_REQUEST,
        pgbouncer={"mode": "transaction", "pool_size": 60, "message_cpu_s": message_cpu_s},
    )
    usage = {use.name: use for use in result.usages(begin_s=10)}
    assert result.summary(begin_s=10).rps == pytest.approx(most, rel=0.01)
    assert usage["PgBouncer CPU"].utilisation == pytest.approx(1.0, abs=1e-3)


def test_few_server_connections_do_the_work_of_many() -> None:
    """Throughput stays while the connections at PostgreSQL fall from one per thread to five."""
    request = {"delay_s": 0.05, "queries": 2, "query_s": {"law": "exponential", "mean": 0.005}}
    scenario = crowd(40, 60, think_s={"law": "exponential", "mean": 0.2})
    threads = {"kind": "gunicorn-gthread", "workers": 1, "threads": 40}
    common = {"server": threads, "access": {"kind": "persistent"}}
    alone = run(request, scenario, **common)
    pooled = run(request, scenario, pgbouncer={"mode": "transaction", "pool_size": 5}, **common)
    column = alone.trace.resource_names.index("database connection")
    assert np.diff(alone.trace.in_use[:, column])[-1] == pytest.approx(40.0)
    servers = {use.name: use for use in pooled.usages()}["PgBouncer server connection"]
    assert servers.capacity == 5
    assert 0.2 < servers.utilisation < 0.5
    assert pooled.summary(begin_s=5).rps == pytest.approx(alone.summary(begin_s=5).rps, rel=0.02)
    assert alone.summary().failure_ratio == pooled.summary().failure_ratio == 0.0
