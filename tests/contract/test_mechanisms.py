"""Each mechanism of the stack does what the real one does, shown on runs small enough to follow."""

from typing import Any

import numpy as np
import pytest

from capsim.engine import Trace, simulate_plan
from capsim.errors import RunError
from capsim.metrics.run import Run, simulate
from capsim.model.laws import Constant
from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering import lower
from capsim.plan.ops import Owner, Status
from capsim.plan.plan import Resource, Station

SYNC = {"kind": "gunicorn-sync", "workers": 1}
THREADS = {"kind": "gunicorn-gthread", "workers": 1, "threads": 4}
POOL = {"kind": "pool", "size": 1, "wait_timeout_s": 1.0}


def run(  # noqa: PLR0913 (the parts of a model)
    server: dict[str, Any],
    request: dict[str, Any],
    scenario: dict[str, Any],
    *,
    database: dict[str, Any] | None = None,
    app: dict[str, Any] | None = None,
    network: dict[str, Any] | None = None,
    cores: int = 16,
    think_s: object = 1.0,
) -> Run:
    """Simulate a model with one request class, `work`, and one user class, `user`."""
    users = {} if "arrivals" in scenario else {"user": {"think_s": think_s, "tasks": {"work": 1}}}
    model = Model.model_validate(
        {
            "name": "small",
            "default_scenario": "test",
            "network": network or {},
            "machine": {"cores": cores},
            "server": server,
            "app": app or {},
            "database": {"cores": 64, **(database or {})},
            "requests": {"work": request},
            "scenarios": {"test": {"user_classes": users, **scenario}},
        }
    )
    return simulate(model)


def at(*times_s: float) -> dict[str, Any]:
    """Open arrivals at given times: one stage ends with each, at a constant rate of its own."""
    gaps = np.diff([0.0, *times_s])
    stages = [{"duration_s": gap, "rate": 1 / gap} for gap in gaps.tolist()]
    stages.append({"duration_s": 1.0, "rate": 0.5})  # an arrival at the very end would not count
    return {
        "arrivals": {"calls": {"stages": stages, "interarrival": "constant", "tasks": {"work": 1}}}
    }


def in_order(trace: Trace) -> np.ndarray:
    """The numbers of the requests by start, then by user."""
    return np.lexsort((trace.user, trace.start))


def times(run: Run) -> list[float]:
    """Response times in order of start."""
    trace = run.trace
    return [round(t, 9) for t in (trace.end - trace.start)[in_order(trace)].tolist()]


def outcomes(run: Run) -> list[int]:
    """Statuses in order of start."""
    return [int(s) for s in run.trace.status[in_order(run.trace)]]


def column(run: Run, name: str, which: str = "in_use") -> np.ndarray:
    """The sampled integral of a resource or station."""
    trace = run.trace
    names = trace.resource_names if which in {"in_use", "queued"} else trace.station_names
    return np.array(getattr(trace, which)[:, names.index(name)])


# gunicorn sync: a request that takes too long loses its worker.


@pytest.mark.parametrize(
    ("request_", "database"),
    [
        ({"delay_s": 60}, {}),
        ({"app_cpu_s": 60}, {}),
        ({"queries": 1, "query_s": 60}, {}),
        (
            {"queries": 1, "query_s": 1},
            {"access": {"kind": "per-request"}, "connection_setup_s": 60},
        ),
        (
            {"queries": 1, "query_s": 1},
            {"access": {"kind": "persistent"}, "connection_setup_s": 60},
        ),
    ],
    ids=["delay", "CPU", "query", "set-up", "persistent set-up"],
)
def test_a_slow_request_is_killed_at_the_timeout(
    request_: dict[str, Any], database: dict[str, Any]
) -> None:
    """Wherever the request is, its client sees a reset at exactly `timeout_s`."""
    server = {**SYNC, "timeout_s": 5, "boot_time_s": 0.5}
    result = run(server, request_, {"users": 1, "duration_s": 20}, database=database)
    assert outcomes(result) == [Status.WORKER_TIMEOUT] * 3 + [Status.IN_FLIGHT]
    assert times(result)[:3] == [5.0, 5.0, 5.0]
    # A new request every 5 s of work and 1 s of thinking: the killed ones leave nothing behind.
    assert np.sort(result.trace.start).tolist() == pytest.approx([0.0, 6.0, 12.0, 18.0])


def test_a_kill_reaches_a_request_that_waits() -> None:
    """Who is killed in a queue leaves it: the slot goes to the next one that is alive."""
    builder = PlanBuilder()
    worker = builder.resource(
        Resource(name="worker", capacity=2, hold_limit_s=5.0, restart_s=1.0, identified=True)
    )
    connection = builder.resource(Resource(name="connection", capacity=1))
    hours = builder.column("hours", Constant(value=20.0))
    work = builder.column("work", Constant(value=2.0))
    batch = builder.request_class("batch")
    builder.acquire(connection)
    builder.delay(hours)
    builder.end()
    request = builder.request_class("request")
    builder.acquire(worker)
    builder.acquire(connection)
    builder.delay(work)
    builder.end()
    builder.arrivals("batch", classes=[(batch, 1.0)], times=np.array([0.0]))
    arrivals = np.array([1.0, 2.0, 3.0, 18.0, 22.5])
    builder.arrivals("requests", classes=[(request, 1.0)], times=arrivals)
    trace = simulate_plan(builder.build(horizon_s=30.0, seed=1))
    own = trace.source == 1
    order = np.argsort(trace.index[own])
    killed = Status.WORKER_TIMEOUT
    assert trace.status[own][order].tolist() == [killed, killed, killed, Status.OK, Status.OK]
    # The third waits until a worker is back at 6 + 1, then for the connection until 12.
    assert trace.end[own][order].tolist() == pytest.approx([6.0, 7.0, 12.0, 22.0, 24.5])
    assert trace.waits[own][order, 0].tolist() == pytest.approx([0.0, 0.0, 4.0, 0.0, 0.0])
    assert trace.waits[own][order, 1].tolist() == pytest.approx([5.0, 5.0, 5.0, 2.0, 0.0])
    # Three holds of 5 s, 4 s of the fourth, 2 s of the last; nobody holds a worker that boots.
    assert trace.in_use[-1].tolist() == pytest.approx([21.0, 24.0])


def test_a_kill_frees_what_its_request_held() -> None:
    """The connection of a killed request goes to the next at the instant of the kill."""
    builder = PlanBuilder()
    worker = builder.resource(Resource(name="worker", capacity=2, hold_limit_s=5.0))
    connection = builder.resource(Resource(name="connection", capacity=1))
    work = builder.column("work", Constant(value=7.0))
    request = builder.request_class("request")
    builder.acquire(worker)
    builder.acquire(connection)
    builder.delay(work)
    builder.end()
    builder.arrivals("calls", classes=[(request, 1.0)], times=np.array([0.0, 1.0]))
    trace = simulate_plan(builder.build(horizon_s=20.0, seed=1))
    assert trace.end.tolist() == pytest.approx([5.0, 6.0])
    assert trace.waits[:, 1].tolist() == pytest.approx([0.0, 4.0])
    assert trace.in_use[-1].tolist() == pytest.approx([10.0, 6.0])


def test_a_killed_worker_is_away_for_its_boot_time() -> None:
    """The next request waits for the timeout of the one before and for the boot."""
    server = {**SYNC, "timeout_s": 4, "boot_time_s": 2}
    result = run(server, {"delay_s": 60}, {"users": 2, "duration_s": 11}, think_s=100)
    assert times(result) == [4.0, 10.0]
    assert np.sort(result.trace.waits[:, 0]).tolist() == pytest.approx([0.0, 6.0])


def test_the_master_looks_at_its_workers_once_a_second() -> None:
    """A request is killed at the first whole second that is at least `timeout_s` after its start.

    The worker boots in 1.25 s from then on, so the second request gets it at 6.25 s.
    """
    server = {**SYNC, "timeout_s": 3.5, "boot_time_s": 1.25}
    scenario = {"duration_s": 16, **at(1.25, 2.0)}
    result = run(server, {"delay_s": 60}, scenario)
    assert outcomes(result) == [Status.WORKER_TIMEOUT] * 2
    assert result.trace.end.tolist() == [5.0, 10.0]


def test_a_timeout_of_zero_never_kills() -> None:
    """`timeout_s = 0` switches the killing off, as gunicorn reads it."""
    result = run({**SYNC, "timeout_s": 0}, {"delay_s": 60}, {"users": 1, "duration_s": 61})
    assert outcomes(result) == [Status.OK]


def test_the_time_in_the_backlog_does_not_kill() -> None:
    """The worker's clock starts when it accepts a request, not when the client sends it."""
    server = {**SYNC, "timeout_s": 5}
    result = run(server, {"delay_s": 4}, {"users": 4, "duration_s": 20}, think_s=100)
    assert outcomes(result) == [Status.OK] * 4
    assert times(result) == [4.0, 8.0, 12.0, 16.0]


def test_a_kill_closes_the_workers_database_connection() -> None:
    """The worker that boots anew has to set its connection up again."""
    database = {"access": {"kind": "persistent"}, "connection_setup_s": 0.5}
    common = {
        "server": {**SYNC, "timeout_s": 3, "boot_time_s": 0.0},
        "scenario": {"duration_s": 30, **at(1.0, 5.0, 10.0, 20.0)},
        "database": database,
    }
    quick = run(request={"queries": 1, "query_s": 2.0}, **common)
    assert times(quick) == [2.5, 2.0, 2.0, 2.0]
    # 0.5 + 2.6 s is too long: each fresh worker pays the set-up, and dies of it.
    slow = run(request={"queries": 1, "query_s": 2.6}, **common)
    assert outcomes(slow) == [Status.WORKER_TIMEOUT] * 4


def test_a_killed_zombie_frees_its_worker() -> None:
    """A client that gave up before the kill is counted once, and the worker comes back."""
    result = run(
        {**SYNC, "timeout_s": 5, "boot_time_s": 1},
        {"delay_s": 60},
        {"users": 1, "duration_s": 20, "client": {"timeout_s": 2}},
    )
    assert set(outcomes(result)[:-1]) == {Status.CLIENT_TIMEOUT}
    assert result.trace.issued == len(result.trace)
    # Of the 20 s, three are boots.
    assert column(result, "worker")[-1] == pytest.approx(17.0)


# The pool waits, the database refuses.


def test_the_pool_gives_up_at_its_timeout() -> None:
    """Who waits `wait_timeout_s` for a connection in vain gets an error at exactly that time."""
    result = run(
        THREADS,
        {"queries": 1, "query_s": 2.5},
        {"users": 2, "duration_s": 10},
        database={"access": POOL},
        think_s=100,
    )
    assert sorted(zip(times(result), outcomes(result), strict=True)) == [
        (1.0, Status.POOL_TIMEOUT),
        (2.5, Status.OK),
    ]


def test_a_pool_timeout_cannot_fire_when_threads_cap_its_queue() -> None:
    """With threads for one waiter at a time, requests wait long, but never for a connection."""
    result = run(
        {**THREADS, "threads": 2},
        {"queries": 1, "query_s": 0.9},
        {"users": 40, "duration_s": 100},
        database={"access": POOL},
    )
    summary = result.summary()
    assert summary.failure_ratio == 0.0
    assert summary.mean_s > 20.0
    assert result.trace.waits[:, 2].max() <= 0.9 + 1e-9


def test_each_process_has_its_own_pool() -> None:
    """Django's pool is per process: four processes with a pool of one run four queries at once."""
    common = {
        "request": {"queries": 1, "query_s": 1.0},
        "scenario": {"users": 64, "duration_s": 50},
    }
    server = {**THREADS, "workers": 4, "threads": 8}
    each = run(server, **common, database={"access": {**POOL, "wait_timeout_s": 1e6}})
    whole = run(
        server, **common, database={"access": {**POOL, "wait_timeout_s": 1e6, "scope": "system"}}
    )
    assert column(each, "database CPU", "busy")[-1] / 50 == pytest.approx(4.0, rel=0.02)
    assert column(whole, "database CPU", "busy")[-1] / 50 == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("kind", ["persistent", "per-request"])
@pytest.mark.parametrize(
    ("server", "admitted"),
    [({"kind": "development"}, 3), ({**THREADS, "threads": 8}, 3), ({**SYNC, "workers": 8}, 3)],
    ids=["development", "threads", "sync"],
)
def test_the_database_refuses_past_max_connections(
    server: dict[str, Any], admitted: int, kind: str
) -> None:
    """Eight at once, three admitted: five are refused at once, whoever owns the connection."""
    result = run(
        server,
        {"queries": 1, "query_s": 1.0},
        {"users": 8, "duration_s": 5},
        database={"access": {"kind": kind}, "max_connections": admitted + 3},
        think_s=100,
    )
    assert sorted(zip(times(result), outcomes(result), strict=True)) == [
        *[(0.0, Status.CONNECTION_REFUSED)] * (8 - admitted),
        *[(1.0, Status.OK)] * admitted,
    ]


def test_refusal_goes_on_while_others_keep_their_connections() -> None:
    """A persistent connection is held between requests, a per-request one is given back."""
    common = {
        "server": {"kind": "development"},
        "request": {"queries": 1, "query_s": 0.1},
        "scenario": {"users": 8, "duration_s": 20, "spawn_rate": 1},
    }
    persistent = run(**common, database={"access": {"kind": "persistent"}, "max_connections": 7})
    per_request = run(**common, database={"access": {"kind": "per-request"}, "max_connections": 7})
    refused = persistent.trace.status == Status.CONNECTION_REFUSED
    assert set(persistent.trace.user[refused].tolist()) == {4, 5, 6, 7}
    assert not (persistent.trace.status[persistent.trace.user >= 4] == Status.OK).any()
    assert per_request.summary().failure_ratio == 0.0


@pytest.mark.parametrize(
    ("server", "setups"),
    [({"kind": "development"}, 4), ({**THREADS, "threads": 2}, 2), ({**SYNC, "workers": 3}, 3)],
    ids=["development: one per user", "one per thread", "one per worker"],
)
def test_a_persistent_connection_is_set_up_once_per_owner(
    server: dict[str, Any], setups: int
) -> None:
    """The first request of each owner pays for the connection, no other does."""
    result = run(
        server,
        {"queries": 1, "query_s": 0.25},
        {"users": 4, "duration_s": 60},
        database={"access": {"kind": "persistent"}, "connection_setup_s": 2.0},
    )
    trace = result.trace
    ended = np.isfinite(trace.end)
    own = (trace.end - trace.start - trace.waits.sum(axis=1))[ended]
    assert int((own > 2.0).sum()) == setups
    assert own[own < 2.0] == pytest.approx(0.25)


def test_every_request_pays_for_its_own_connection() -> None:
    """With CONN_MAX_AGE = 0 the set-up is part of every request."""
    result = run(
        SYNC,
        {"queries": 1, "query_s": 0.25},
        {"users": 1, "duration_s": 10},
        database={"access": {"kind": "per-request"}, "connection_setup_s": 0.5},
    )
    assert set(times(result)[:-1]) == {0.75}


def test_a_connection_is_held_to_the_end_of_the_request() -> None:
    """The next request gets the connection when the first is answered, not after its query."""
    result = run(
        THREADS,
        {"app_cpu_s": 0.4, "queries": 2, "query_s": 0.3},
        {"duration_s": 10, **at(1.0, 2.0)},
        database={"access": {**POOL, "wait_timeout_s": 30}},
    )
    assert times(result) == [1.0, 1.0]
    # Two thirds of the CPU come after a query.
    assert column(result, "database connection")[-1] == pytest.approx(2 * (0.6 + 0.4 * 2 / 3))


def test_a_user_that_leaves_closes_its_connection_at_its_stop() -> None:
    """A stage that goes down frees the connections of users that are thinking then."""
    stages = [
        {"duration_s": 10, "users": 4, "spawn_rate": 100},
        {"duration_s": 10, "users": 1, "spawn_rate": 100},
    ]
    result = run(
        {"kind": "development"},
        {"queries": 1, "query_s": 0.5},
        {"duration_s": 20, "stages": stages},
        database={"access": {"kind": "persistent"}},
        think_s=100,
    )
    held = column(result, "database connection")
    assert held[10] - held[9] == pytest.approx(4.0)
    assert held[12] - held[11] == pytest.approx(1.0)


# The client.


def test_a_client_timeout_leaves_a_zombie_that_works_on() -> None:
    """The client is told at its timeout; the thread is busy until the work is done, for nobody."""
    result = run(
        {**THREADS, "threads": 1},
        {"delay_s": 5.0},
        {"duration_s": 12, "client": {"timeout_s": 3}, **at(1.0, 2.0)},
    )
    assert outcomes(result) == [Status.CLIENT_TIMEOUT] * 2
    assert times(result) == [3.0, 3.0]
    assert column(result, "thread")[-1] == pytest.approx(10.0)
    assert result.trace.issued == len(result.trace) == 2
    # The second waited for a thread until it gave up, and no longer as far as its client knows.
    assert result.trace.waits[in_order(result.trace), 1].tolist() == pytest.approx([0.0, 3.0])
    assert column(result, "thread", "queued")[-1] == pytest.approx(4.0)


def test_a_user_that_gave_up_goes_on_at_once() -> None:
    """After giving up a user thinks and asks again, while the server still works for nobody."""
    result = run(
        {**THREADS, "threads": 8},
        {"delay_s": 10.0},
        {"users": 1, "duration_s": 9.5, "client": {"timeout_s": 2}},
    )
    assert np.sort(result.trace.start).tolist() == pytest.approx([0.0, 3.0, 6.0, 9.0])
    assert column(result, "thread")[-1] == pytest.approx(9.5 + 6.5 + 3.5 + 0.5)


def test_slow_answers_count_as_failures_where_the_client_says_so() -> None:
    """`slower_than_s` changes the count of failures and nothing else."""
    common = {"server": SYNC, "request": {"delay_s": 1.0}}
    strict = run(
        **common, scenario={"users": 2, "duration_s": 30, "client": {"slower_than_s": 0.5}}
    )
    lenient = run(**common, scenario={"users": 2, "duration_s": 30, "client": {"slower_than_s": 5}})
    assert strict.summary().failures == {"slower_than_limit": 1.0}
    assert lenient.summary().failure_ratio == 0.0
    assert strict.trace.end.tobytes() == lenient.trace.end.tobytes()


# The error path.


def test_a_failed_request_costs_error_cpu() -> None:
    """A refused database connection makes the application render an error page."""
    result = run(
        {"kind": "development"},
        {"queries": 1, "query_s": 5.0},
        {"users": 2, "duration_s": 10},
        database={"access": {"kind": "per-request"}, "max_connections": 4},
        app={"error_cpu_s": 0.25},
        think_s=100,
    )
    assert times(result) == [5.0, 0.25]
    assert column(result, "app CPU", "busy")[-1] == pytest.approx(0.25)


def test_a_pool_timeout_costs_error_cpu_and_the_thread() -> None:
    """The error page is rendered by the thread that waited in vain."""
    result = run(
        THREADS,
        {"queries": 1, "query_s": 5.0},
        {"users": 2, "duration_s": 10},
        database={"access": POOL},
        app={"error_cpu_s": 0.5},
        think_s=100,
    )
    assert sorted(times(result)) == [1.5, 5.0]
    assert column(result, "thread")[-1] == pytest.approx(6.5)


@pytest.mark.parametrize(
    "server",
    [{**SYNC, "backlog": 1}, {**THREADS, "threads": 1, "worker_connections": 1, "backlog": 1}],
    ids=["sync", "threads"],
)
def test_a_full_backlog_runs_no_code(server: dict[str, Any]) -> None:
    """One is served, two wait, and the others are refused at no cost to the application."""
    result = run(
        server,
        {"delay_s": 1.0},
        {"users": 5, "duration_s": 10},
        app={"error_cpu_s": 0.5},
        network={"overflow": "refuse"},
        think_s=100,
    )
    assert outcomes(result) == [Status.OK] * 3 + [Status.BACKLOG_FULL] * 2
    assert times(result) == [1.0, 2.0, 3.0, 0.0, 0.0]
    assert column(result, "app CPU", "busy")[-1] == 0.0


def test_a_killed_request_runs_no_code() -> None:
    """Nobody renders an error page for a request whose worker was killed."""
    result = run(
        {**SYNC, "timeout_s": 2},
        {"delay_s": 5.0},
        {"users": 1, "duration_s": 10},
        app={"error_cpu_s": 0.5},
    )
    assert times(result)[:-1] == [2.0, 2.0, 2.0]
    assert column(result, "app CPU", "busy")[-1] == 0.0


def test_the_applications_own_errors_are_cheap() -> None:
    """A rejected request costs what it costs, without the error path, and has its own status."""
    result = run(
        SYNC,
        {"app_cpu_s": 0.1, "rejected": 0.3, "rejected_status": 429},
        {"users": 20, "duration_s": 200},
        app={"error_cpu_s": 5.0},
        think_s={"law": "exponential", "mean": 5},
    )
    summary = result.summary()
    assert summary.failures.keys() == {"http_429"}
    assert summary.failure_ratio == pytest.approx(0.3, abs=0.06)  # four standard deviations
    assert column(result, "app CPU", "busy")[-1] == pytest.approx(0.1 * summary.requests, rel=0.01)


def test_a_request_that_needs_no_query_takes_no_connection() -> None:
    """Where the number of queries can be zero, it is zero and costs nothing."""
    result = run(
        SYNC,
        {"queries": {"law": "poisson", "mean": 0.5}, "query_s": 1.0},
        {"users": 1, "duration_s": 5000},
        database={"access": {"kind": "per-request"}, "connection_setup_s": 0.25},
    )
    taken = np.array(times(result)[:-1])
    without = float((taken == 0.0).mean())
    deviation = np.sqrt(0.6065 * 0.3935 / len(taken))
    assert without == pytest.approx(np.exp(-0.5), abs=4 * deviation)
    assert sorted(set(taken.tolist()))[:3] == [0.0, 1.25, 2.25]


# Workers, keep-alive and CPUs.


def served_by(result: Run) -> list[tuple[int, int, float]]:
    """The worker process of each request, told by which resource was in use while it ran."""
    trace, plan = result.trace, result.plan
    threads = [i for i, r in enumerate(plan.resources) if r.name == "thread"]
    found = []
    for row in in_order(trace)[: (trace.status == Status.OK).sum()]:
        moment = int(trace.start[row])
        grown = trace.in_use[moment + 1, threads] - trace.in_use[moment, threads]
        found.append((int(trace.user[row]), int(np.argmax(grown)), float(grown.max())))
    return found


@pytest.mark.parametrize(("keepalive_s", "workers_seen"), [(5.0, 1), (0.5, 8)])
def test_users_stick_to_their_worker_while_kept_alive(
    keepalive_s: float, workers_seen: int
) -> None:
    """A think time below `keepalive_s` keeps the worker; above it every request draws anew."""
    result = run(
        {**THREADS, "workers": 8, "keepalive_s": keepalive_s},
        {"delay_s": 1.0},
        {"users": 1, "duration_s": 401},
    )
    workers = [worker for _, worker, _ in served_by(result)]
    assert len(workers) == 200
    assert len(set(workers)) == workers_seen
    if workers_seen > 1:
        shares = np.bincount(workers) / len(workers)
        assert np.abs(shares - 1 / 8).max() < 4 * np.sqrt(0.125 * 0.875 / 200)


def test_a_refused_user_is_not_bound_to_the_worker_that_refused() -> None:
    """Without an accepted connection there is nothing to keep alive: the next try draws anew."""
    builder = PlanBuilder()
    worker = builder.resource(Resource(name="worker", capacity=1, queue_limit=0), 2)
    choice = builder.column("choice", None)
    hours = builder.column("hours", Constant(value=50.0))
    request = builder.request_class("request")
    builder.route(2, choice, keepalive_s=100.0)
    builder.acquire(worker, per_route=1)
    builder.delay(hours)
    builder.end()
    think = Constant(value=1.0)
    builder.users("users", think=think, classes=[(request, 1.0)], starts=np.zeros(2))
    traces = [simulate_plan(builder.build(horizon_s=49.0, seed=seed)) for seed in range(10)]
    # Both workers are taken before long, whichever the first try of each user chose.
    assert [(trace.status == Status.IN_FLIGHT).sum() for trace in traces] == [2] * 10
    assert any((trace.status == Status.BACKLOG_FULL).any() for trace in traces)


@pytest.mark.parametrize(
    ("workers", "threads", "cores", "rate"),
    [(1, 4, 8, 1.0), (4, 1, 8, 4.0), (4, 1, 2, 2.0), (4, 4, 3, 3.0)],
)
def test_a_process_uses_one_core_at_most(
    workers: int, threads: int, cores: int, rate: float
) -> None:
    """The GIL caps a process at one core, the machine caps all processes together."""
    result = run(
        {**THREADS, "workers": workers, "threads": threads, "keepalive_s": 0},
        {"app_cpu_s": 0.01},
        {"users": 300, "duration_s": 20},
        cores=cores,
        think_s=0.5,
    )
    assert result.summary(begin_s=5).rps == pytest.approx(100 * rate, rel=0.02)
    usage = {use.name: use for use in result.usages(begin_s=5)}["app CPU"]
    assert usage.capacity == rate
    assert usage.utilisation == pytest.approx(1.0, abs=0.02)
    assert usage.busiest <= 1.0 + 1e-6


@pytest.mark.parametrize(
    ("switch_interval_s", "fewest", "most"), [(0.005, 0.6, 1.1), (0.0, 0.1, 0.3)]
)
def test_under_a_saturated_gil_turns_count_more_than_demands(
    switch_interval_s: float, fewest: float, most: float
) -> None:
    """A real runserver took 0.70 to 0.82 as long for a 403 of 4 ms as for a page of 45 ms.

    The model counts turns by queries and slices alone and gives 0.49 for that; with the page of
    24 ms here its ratio is held between bounds that processor sharing, at a fifth, stays far from.
    """
    result = run(
        {"kind": "development"},
        {"app_cpu_s": 0.004, "queries": 4, "query_s": 0.0003},
        {"users": 60, "duration_s": 60},
        app={"error_cpu_s": 0.024, "switch_interval_s": switch_interval_s},
        database={"max_connections": 20, "access": {"kind": "persistent"}},
        think_s=0.0,
    )
    trace = result.trace
    ended = (trace.end > 10.0) & np.isfinite(trace.end)
    response_s = trace.end - trace.start
    answered = float(response_s[ended & (trace.status == Status.OK)].mean())
    refused = float(response_s[ended & (trace.status == Status.CONNECTION_REFUSED)].mean())
    assert fewest < answered / refused < most


def test_shared_cores_are_accounted_exactly() -> None:
    """Two processes on one core: one alone runs at 1, both at a half; the sum is the work."""
    builder = PlanBuilder()
    group = builder.group(1)
    station = builder.station(Station(name="CPU", group=group), 2)
    choice = builder.column("choice", None)
    demand = builder.column("demand", Constant(value=3.0))
    request = builder.request_class("request")
    builder.route(2, choice, keepalive_s=1.0)
    builder.serve(station, demand, per_route=1)
    builder.end()
    builder.arrivals("calls", classes=[(request, 1.0)], times=np.array([0.5, 1.5, 2.5]))
    trace = simulate_plan(builder.build(horizon_s=20.0, seed=3))
    assert (trace.status == Status.OK).all()
    assert trace.busy[-1].sum() == pytest.approx(9.0)
    assert np.all(np.diff(trace.busy.sum(axis=1)) <= 1.0 + 1e-9)
    assert trace.end.max() == pytest.approx(9.5)


def test_sync_workers_share_the_machines_cores() -> None:
    """Eight sync workers on two cores do the work of two."""
    result = run(
        {**SYNC, "workers": 8},
        {"app_cpu_s": 0.01},
        {"users": 100, "duration_s": 20},
        cores=2,
        think_s=0.1,
    )
    assert result.summary(begin_s=5).rps == pytest.approx(200, rel=0.01)


def test_database_contention_slows_queries() -> None:
    """With n at once each runs at 1 / (1 + alpha (n-1) + beta n (n-1)) of its speed."""
    result = run(
        {**THREADS, "threads": 3},
        {"queries": 1, "query_s": 1.0},
        {"users": 3, "duration_s": 10},
        database={
            "access": {"kind": "per-request"},
            "contention": 0.1,
            "coherency": 0.05,
        },
        think_s=100,
    )
    assert times(result) == [pytest.approx(1 + 0.1 * 2 + 0.05 * 3 * 2)] * 3


def test_an_idle_process_is_slower_per_request() -> None:
    """Demand is (1 + overhead/n) times as large with n running."""
    app = {"idle_overhead": 0.5, "switch_interval_s": 0.0}
    common = {"request": {"app_cpu_s": 1.0}, "app": app, "think_s": 100}
    alone = run(THREADS, scenario={"users": 1, "duration_s": 10}, **common)
    four = run(THREADS, scenario={"users": 4, "duration_s": 10}, **common)
    assert times(alone) == [1.5]
    assert times(four) == [4 * (1 + 0.5 / 4)] * 4


@pytest.mark.parametrize("power", [1.0, 3.0])
def test_drift_slows_a_station_while_the_test_runs(power: float) -> None:
    """The drifting station's demand grows by `growth` to the end, the other one's not at all."""

    def drifting(station: str) -> Run:
        drift = {"station": station, "growth": 2.0, "power": power}
        return run(
            SYNC,
            {"queries": 1, "query_s": 0.1},
            {"users": 1, "duration_s": 300, "drift": drift},
            think_s=0.5,
        )

    trace = drifting("database").trace
    taken = trace.end - trace.start
    for moment_s in (5.0, 100.0, 200.0, 290.0):
        near = np.abs(trace.start - moment_s) < 2.5
        expected = 0.1 * (1 + 2.0 * (moment_s / 300) ** power)
        assert np.nanmean(taken[near]) == pytest.approx(expected, rel=0.05)
    assert set(times(drifting("app"))[:-1]) == {0.1}


# The workload.


def test_constant_pacing_counts_from_start_to_start() -> None:
    """A paced user starts every period, or at once when the answer took longer."""
    pacing = {"law": "constant_pacing", "period": 2.0}
    quick = run(SYNC, {"delay_s": 0.5}, {"users": 1, "duration_s": 9}, think_s=pacing)
    slow = run(SYNC, {"delay_s": 3.0}, {"users": 1, "duration_s": 10}, think_s=pacing)
    assert np.sort(quick.trace.start).tolist() == pytest.approx([0, 2, 4, 6, 8])
    assert np.sort(slow.trace.start).tolist() == pytest.approx([0, 3, 6, 9])


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (2, [0, 0, 1, 1, 2, 2]),
        (2.5, [0, 0, 0.8, 0.8, 1.6, 1.6]),
        (0.5, [0, 2, 4, 6, 8, 10]),
        (None, [0, 0, 0, 0, 0, 0]),
    ],
)
def test_users_come_in_batches(rate: float | None, expected: list[float]) -> None:
    """Locust spawns floor(rate) users at a time, so that the rate is met on average."""
    result = run(
        SYNC,
        {"delay_s": 0.1},
        {"users": 6, "duration_s": 12, "spawn_rate": rate},
        think_s=100,
    )
    assert np.sort(result.trace.start).tolist() == pytest.approx(expected)


def test_stages_go_up_and_down() -> None:
    """Users come and go as the stages say, and who came last goes first."""
    stages = [
        {"duration_s": 10, "users": 4, "spawn_rate": 1},
        {"duration_s": 10, "users": 1, "spawn_rate": 1},
        {"duration_s": 10, "users": 2, "spawn_rate": 1},
    ]
    result = run(
        {**THREADS, "threads": 16},
        {"delay_s": 0.001},
        {"duration_s": 30, "stages": stages},
        think_s=0.05,
    )
    trace = result.trace
    sessions = {
        user: (trace.start[trace.user == user].min(), trace.start[trace.user == user].max())
        for user in np.unique(trace.user).tolist()
    }
    first, last = np.array(list(sessions.values())).T
    assert first.tolist() == pytest.approx([0, 1, 2, 3, 20])
    assert last.tolist() == pytest.approx([30, 12, 11, 10, 30], abs=0.06)


def test_open_arrivals_keep_their_rate() -> None:
    """Poisson arrivals come at each stage's rate, whatever the system does."""
    stages = [
        {"duration_s": 100, "rate": 20},
        {"duration_s": 50, "rate": 0},
        {"duration_s": 100, "rate": 40},
    ]
    arrivals = {"calls": {"stages": stages, "tasks": {"work": 1}}}
    result = run(SYNC, {"delay_s": 10.0}, {"duration_s": 260, "arrivals": arrivals})
    counts, _ = np.histogram(result.trace.start, bins=[0, 100, 150, 250, 260])
    assert counts[0] == pytest.approx(2000, abs=4 * np.sqrt(2000))
    assert counts[1] == counts[3] == 0
    assert counts[2] == pytest.approx(4000, abs=4 * np.sqrt(4000))


def test_constant_arrivals_are_evenly_spaced() -> None:
    """`interarrival = "constant"` is a metronome."""
    arrivals = {
        "calls": {
            "stages": [{"duration_s": 10, "rate": 4}],
            "interarrival": "constant",
            "tasks": {"work": 1},
        }
    }
    result = run(SYNC, {"delay_s": 0.01}, {"duration_s": 11, "arrivals": arrivals})
    assert np.diff(np.sort(result.trace.start)) == pytest.approx(0.25)


def test_user_classes_and_tasks_follow_their_weights() -> None:
    """Users are split evenly by weight, tasks are drawn by weight, and idle users do nothing."""
    model = Model.model_validate(
        {
            "name": "mix",
            "default_scenario": "test",
            "server": {**THREADS, "threads": 100},
            "requests": {"read": {"delay_s": 0.1}, "write": {"delay_s": 0.2}},
            "scenarios": {
                "test": {
                    "duration_s": 100,
                    "users": 40,
                    "user_classes": {
                        "busy": {"weight": 3, "think_s": 1.0, "tasks": {"read": 3, "write": 1}},
                        "idle": {"weight": 1, "think_s": 1.0},
                    },
                }
            },
        }
    )
    trace = simulate(model).trace
    assert len(np.unique(trace.user)) == 30
    writes = float((trace.request_class == trace.class_names.index("write")).mean())
    assert writes == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / len(trace)))


# Slots that are told apart.


def test_owned_slots_come_back_with_their_worker() -> None:
    """A restart drops what the slot owned and nothing that other slots own."""
    builder = PlanBuilder()
    worker = builder.resource(
        Resource(name="worker", capacity=2, hold_limit_s=2.0, restart_s=1.0, identified=True)
    )
    connection = builder.resource(Resource(name="connection", capacity=2, queue_limit=0))
    setup = builder.column("set-up", Constant(value=0.5))
    work = builder.column("work", Constant(value=1.0))
    stuck = builder.column("stuck", Constant(value=9.0))
    classes = []
    for name, duration in (("quick", work), ("stuck", stuck)):
        classes.append(builder.request_class(name))
        builder.acquire(worker)
        held = builder.hold(
            connection,
            status=Status.CONNECTION_REFUSED,
            owner=Owner.SLOT,
            owner_resource=worker,
        )
        builder.delay(setup)
        builder.land(held)
        builder.delay(duration)
        builder.end()
    builder.arrivals("quick", classes=[(classes[0], 1.0)], times=np.array([0.0, 4.0, 4.1]))
    builder.arrivals("stuck", classes=[(classes[1], 1.0)], times=np.array([0.0]))
    trace = simulate_plan(builder.build(horizon_s=8.0, seed=1))
    order = np.lexsort((trace.start, trace.source))
    assert trace.status[order].tolist() == [0, 0, 0, Status.WORKER_TIMEOUT]
    # At 4.0 the least recently used worker is the one of the first request, at 4.1 the new one.
    assert (trace.end - trace.start)[order] == pytest.approx([1.5, 1.0, 1.5, 2.0])


def test_a_slot_given_back_early_is_not_killed() -> None:
    """The limit is on the hold, not on the request; a second hold has a limit of its own."""
    builder = PlanBuilder()
    worker = builder.resource(Resource(name="worker", capacity=1, hold_limit_s=2.0))
    short = builder.column("short", Constant(value=1.5))
    long = builder.column("long", Constant(value=5.0))
    request = builder.request_class("request")
    builder.acquire(worker)
    builder.delay(short)
    builder.release(worker)
    builder.acquire(worker)
    builder.delay(short)
    builder.release(worker)
    builder.delay(long)
    builder.acquire(worker)
    builder.delay(long)
    builder.end()
    builder.arrivals("calls", classes=[(request, 1.0)], times=np.array([1.0]))
    trace = simulate_plan(builder.build(horizon_s=20.0, seed=1))
    assert trace.status.tolist() == [Status.WORKER_TIMEOUT]
    assert trace.end.tolist() == pytest.approx([1.0 + 1.5 + 1.5 + 5.0 + 2.0])


def test_the_stop_of_a_run_that_stands_still_is_an_error() -> None:
    """A model in which nothing takes time is refused by name instead of running for ever."""
    with pytest.raises(RunError, match="user: requests and thinking take no time"):
        run(SYNC, {}, {"users": 1, "duration_s": 1}, think_s=0)


def test_lowering_leaves_out_what_nobody_asks_for() -> None:
    """A request class without a task costs no steps, so that unused classes change nothing."""
    base = {
        "name": "m",
        "default_scenario": "s",
        "server": SYNC,
        "requests": {"a": {"delay_s": 0.1}},
        "scenarios": {
            "s": {
                "duration_s": 5,
                "users": 1,
                "user_classes": {"u": {"think_s": 1, "tasks": {"a": 1}}},
            }
        },
    }
    more = {**base, "requests": {"b": {"delay_s": 9.0}, **base["requests"]}}
    plans = [
        lower(model, model.scenario(), seed=1) for model in map(Model.model_validate, (base, more))
    ]
    assert plans[0].steps == plans[1].steps
