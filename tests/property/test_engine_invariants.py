"""What every run of every model obeys, on models drawn at random."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capsim.engine import Trace, simulate_plan
from capsim.model.model import Model
from capsim.plan.draws import DrawTable, Row
from capsim.plan.lowering import lower
from capsim.plan.lowering.celery import WORKER
from capsim.plan.ops import Jitter, Status, status_name
from capsim.plan.plan import INFINITE, UNLIMITED, Plan, Retries, Source

RUNS = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=True,
)
CLOSE = 1e-6  # of sums over a run: the integrals are differences of sums of many clock readings
OWN_ANSWERS = {403, 500, 503, 504}  # of the application, of load shedding, of a balancer


def lifetimes(trace: Trace) -> np.ndarray:
    """Seconds that each attempt spent in the system, up to the horizon."""
    return np.where(np.isnan(trace.end), trace.horizon_s, trace.end) - trace.start


def clients_leave(plan: Plan) -> bool:
    """Whether clients may give up, and the server work on for nobody."""
    return any(source.client_timeout_s < INFINITE for source in plan.sources)


def workers_die(plan: Plan) -> bool:
    """Whether processes may be killed, and the database finish their statements for nobody."""
    limited = any(resource.hold_limit_s < INFINITE for resource in plan.resources)
    return limited or bool(plan.gauges) or any(outage.kill for outage in plan.outages)


def close(one: float, other: float) -> bool:
    """Whether two sums agree but for rounding."""
    return abs(one - other) <= CLOSE * max(1.0, abs(one), abs(other))


def attempts_of(trace: Trace) -> Iterator[np.ndarray]:
    """The rows of each request: its attempts, in order."""
    order = np.lexsort((trace.attempt, trace.index, trace.user, trace.source))
    keys = np.stack([trace.source, trace.user, trace.index])[:, order]
    new = np.flatnonzero((np.diff(keys) != 0).any(axis=0)) + 1
    return (rows for rows in np.split(order, new) if len(rows))


def row_of(draws: DrawTable, user: int, index: int) -> Row:
    """The draws of a user's request."""
    block, number = divmod(index, draws.requests_of(user))
    return draws.rows(user, block)[number]


def pause_s(policy: Retries, draws: DrawTable, trace: Trace, number: int) -> float:
    """How long a client waits after an attempt, if it asks again."""
    user, index, attempt = trace.user[number], trace.index[number], int(trace.attempt[number])
    row = draws.row_again(user, index, attempt) if attempt else row_of(draws, user, index)
    mean_s, luck = min(policy.cap_s, policy.base_s * 2.0**attempt), row[policy.luck_column]
    shares = {Jitter.NONE: 1.0, Jitter.FULL: luck, Jitter.EQUAL: (1.0 + luck) / 2}
    return mean_s * shares[policy.jitter]


# What a run obeys.


def every_attempt_ends_once(_model: Model, _plan: Plan, trace: Trace) -> None:
    """Whatever was sent is answered, failed or in flight; those in flight come last."""
    flying = trace.status == Status.IN_FLIGHT
    assert trace.issued == len(trace)
    assert np.array_equal(np.isnan(trace.end), flying)
    assert set(trace.status.tolist()) <= set(Status) | OWN_ANSWERS
    if flying.any():
        assert flying[np.argmax(flying) :].all()


def every_request_has_one_final_attempt(_model: Model, plan: Plan, trace: Trace) -> None:
    """Attempts are numbered, and all but the last one failed for a reason to ask again.

    The last one is final, in flight, or its client still pauses when the run ends.
    """
    for rows in attempts_of(trace):
        source = plan.sources[trace.source[rows[0]]]
        assert trace.attempt[rows].tolist() == list(range(len(rows)))
        assert (trace.asked[rows] == trace.start[rows[0]]).all()
        assert (trace.request_class[rows] == trace.request_class[rows[0]]).all()
        final = trace.final[rows]
        assert not final[:-1].any()
        policy = source.retries
        if policy is None:
            assert final.tolist() == [True]
            continue
        assert len(rows) <= policy.most + 1
        assert set(trace.status[rows[~final]].tolist()) <= policy.statuses
        if not final[-1]:
            pause = pause_s(policy, DrawTable(plan, source), trace, rows[-1])
            assert trace.end[rows[-1]] + pause >= trace.horizon_s


def budgets_limit_retries(_model: Model, plan: Plan, trace: Trace) -> None:
    """A source with a budget sends no more retries than that has tokens for."""
    for number, source in enumerate(plan.sources):
        if source.retries is None or source.retries.burst == INFINITE:
            continue
        own = trace.source == number
        firsts, retries = (trace.attempt[own] == 0).sum(), (trace.attempt[own] > 0).sum()
        assert retries <= source.retries.burst + source.retries.ratio * firsts + CLOSE


def tasks_end_once(model: Model, _plan: Plan, trace: Trace) -> None:
    """What requests leave behind is done, has failed, or is unfinished; none is lost or doubled."""
    tasks = trace.tasks
    unfinished = tasks.status == Status.IN_FLIGHT
    assert np.array_equal(np.isnan(tasks.end), unfinished)
    assert (np.diff(tasks.end[~unfinished]) >= 0).all()
    ends = np.where(unfinished, trace.horizon_s, tasks.end)
    assert (ends >= tasks.start).all()
    assert (ends <= trace.horizon_s).all()
    if "task mail" in trace.class_names:
        mail = tasks.request_class == trace.class_names.index("task mail")
        names = np.array(trace.resource_names)
        inside = (trace.in_use + trace.queued)[-1, names == WORKER].sum()
        assert close(float((ends - tasks.start)[mail].sum()), float(inside))
    begun = {}
    for key in zip(*(c.tolist() for c in (tasks.source, tasks.user, tasks.index)), strict=True):
        begun[key] = begun.get(key, 0) + 1
    for rows in attempts_of(trace):
        first = rows[0]
        name = trace.class_names[trace.request_class[first]]
        request = model.requests[name]
        most = int(request.task is not None)
        if model.database.replicas and request.uses_database and request.read_share < 1:
            most += model.database.replicas.count
        count = begun.get((trace.source[first], trace.user[first], trace.index[first]), 0)
        assert count <= most * len(rows)
        if request.task is not None:
            assert count >= (trace.status[rows] == Status.OK).sum()


def times_are_in_order(_model: Model, _plan: Plan, trace: Trace) -> None:
    """No negative time, ends in order, waits within the request, nothing beyond the horizon."""
    ends = trace.end[np.isfinite(trace.end)]
    assert (np.diff(ends) >= 0).all()
    assert (trace.start >= 0).all()
    assert (trace.start <= trace.horizon_s).all()
    assert (ends <= trace.horizon_s).all()
    assert (lifetimes(trace) >= 0).all()
    assert (trace.waits >= 0).all()
    assert (trace.waits.sum(axis=1) <= lifetimes(trace) + 1e-9).all()


def littles_law_holds_exactly(_model: Model, _plan: Plan, trace: Trace) -> None:
    """The integral of the number in the system is the sum of the times in it."""
    ends = trace.end[np.isfinite(trace.end)]
    moments = np.concatenate([trace.start, ends, [trace.horizon_s]])
    steps = np.concatenate([np.ones(len(trace)), -np.ones(len(ends)), [0.0]])
    order = np.lexsort((steps, moments))
    present = np.cumsum(steps[order])
    integral = float(present[:-1] @ np.diff(moments[order]))
    assert close(integral, float(lifetimes(trace).sum()))
    if len(trace):
        assert present[-1] == (trace.status == Status.IN_FLIGHT).sum()


def queues_hold_what_requests_waited(_model: Model, plan: Plan, trace: Trace) -> None:
    """The sampled queues contain exactly the recorded waits; zombies can only add to them."""
    names = np.array(trace.resource_names)
    for column, name in enumerate(trace.wait_names):
        sampled = float(trace.queued[-1, names == name].sum())
        recorded = float(trace.waits[:, column].sum())
        assert sampled >= recorded - CLOSE * max(1.0, recorded)
        if name == WORKER:
            assert recorded == 0.0  # only tasks wait for one
        elif not clients_leave(plan):
            assert close(sampled, recorded)


def the_server_holds_every_request(model: Model, _plan: Plan, trace: Trace) -> None:
    """Behind gunicorn, whoever is in the system is in its backlog or holds one of its slots."""
    doors = {
        "gunicorn-sync": "worker",
        "gunicorn-gthread": "accepted connection",
        "gunicorn-gevent": "accepted connection",
    }
    name = doors.get(model.server.kind)
    names = np.array(trace.resource_names)
    if name is None or model.network.overflow == "retransmit" or "listen backlog" in names:
        return  # without a server in the way, or outside of it for a while
    inside = float((trace.queued + trace.in_use)[-1, names == name].sum())
    total = float(lifetimes(trace).sum())
    assert inside >= total - CLOSE * max(1.0, total)
    extra = (Status.CLIENT_TIMEOUT, Status.WORKER_TIMEOUT, Status.SERVER_LOST, 504)
    boots = getattr(model.server, "max_requests", 0)
    if not boots and not np.isin(trace.status, extra).any():  # zombies and boots occupy it too
        assert close(inside, total)


def no_capacity_is_exceeded(_model: Model, plan: Plan, trace: Trace) -> None:
    """Between any two samples no resource and no station did more than it can."""
    passed = np.diff(trace.sampled_s)[:, np.newaxis]
    assert trace.sampled_s[0] == 0.0
    assert trace.sampled_s[-1] == trace.horizon_s
    slots = np.array([min(r.capacity, UNLIMITED) for r in plan.resources], dtype=float)
    held, busy = np.diff(trace.in_use, axis=0), np.diff(trace.busy, axis=0)
    for integral in (held, busy, np.diff(trace.queued, axis=0), np.diff(trace.present, axis=0)):
        assert (integral >= -CLOSE).all()
    assert (held <= slots * passed + CLOSE).all()
    cores = np.array([s.cores for s in plan.stations])
    assert (busy <= cores * passed + CLOSE).all()
    assert (np.diff(trace.present, axis=0) >= busy - CLOSE).all()
    for number, shared in enumerate(plan.group_cores):
        members = [i for i, s in enumerate(plan.stations) if s.group == number]
        assert (busy[:, members].sum(axis=1) <= shared * passed[:, 0] + CLOSE).all()


def no_more_is_wasted_than_used(_model: Model, plan: Plan, trace: Trace) -> None:
    """Work for clients that have gone is part of all work, and there is none while they wait."""
    for wasted, used in (
        (np.diff(trace.wasted_slots, axis=0), np.diff(trace.in_use, axis=0)),
        (np.diff(trace.wasted_cores, axis=0), np.diff(trace.busy, axis=0)),
    ):
        assert (wasted >= -CLOSE).all()
        assert (wasted <= used + CLOSE).all()
        if not clients_leave(plan) and not workers_die(plan):
            assert not wasted.any()


def users_do_one_thing_at_a_time(_model: Model, plan: Plan, trace: Trace) -> None:
    """Between a user's attempts lies the pause, and between its requests the think time."""
    for number, source in enumerate(plan.sources):
        draws = DrawTable(plan, source)
        own = [rows for rows in attempts_of(trace) if trace.source[rows[0]] == number]
        for rows in own:
            for last, following in pairwise(rows):
                assert source.retries is not None
                pause = pause_s(source.retries, draws, trace, last)
                assert abs(trace.start[following] - (trace.end[last] + pause)) <= 1e-9
        if not source.open:
            _think_between_requests(source, draws, trace, own)


def _think_between_requests(
    source: Source, draws: DrawTable, trace: Trace, own: list[np.ndarray]
) -> None:
    by_user: dict[int, list[np.ndarray]] = {}
    for rows in own:
        by_user.setdefault(int(trace.user[rows[0]]), []).append(rows)
    for user, requests in by_user.items():
        assert [trace.index[rows[0]] for rows in requests] == list(range(len(requests)))
        assert trace.start[requests[0][0]] == source.starts[user]
        for rows, following in pairwise(requests):
            asked, answered = trace.start[rows[0]], trace.end[rows[-1]]
            think = row_of(draws, user, trace.index[rows[0]])[source.think_column]
            due = max(answered, asked + think) if source.pacing else answered + think
            assert abs(trace.start[following[0]] - due) <= 1e-9
        assert (trace.start[np.concatenate(requests)] <= source.stops[user]).all()


def clients_wait_no_longer_than_they_say(_model: Model, plan: Plan, trace: Trace) -> None:
    """No attempt outlives its client's patience, and who gives up does so exactly then."""
    patience = np.array([source.client_timeout_s for source in plan.sources])[trace.source]
    statuses = np.array([source.timeout_status for source in plan.sources])[trace.source]
    taken = lifetimes(trace)
    assert (taken <= patience + 1e-9).all()
    gave_up = np.isin(trace.status, (Status.CLIENT_TIMEOUT, 504))
    assert (trace.status[gave_up] == statuses[gave_up]).all()
    np.testing.assert_allclose(taken[gave_up], patience[gave_up], rtol=1e-9)


RULES = [
    every_attempt_ends_once,
    every_request_has_one_final_attempt,
    budgets_limit_retries,
    tasks_end_once,
    times_are_in_order,
    littles_law_holds_exactly,
    queues_hold_what_requests_waited,
    the_server_holds_every_request,
    no_capacity_is_exceeded,
    no_more_is_wasted_than_used,
    users_do_one_thing_at_a_time,
    clients_wait_no_longer_than_they_say,
]


def obeys_the_rules(model: Model) -> set[int]:
    """Run a model, hold it to every rule, and return how its requests and tasks ended."""
    plan = lower(model, model.scenario(), seed=1)
    trace = simulate_plan(plan)
    for rule in RULES:
        rule(model, plan, trace)
    return {*trace.status.tolist(), *trace.tasks.status.tolist()}


def test_every_run_obeys_the_rules(models: st.SearchStrategy[Model]) -> None:
    """Each of the rules above holds in each run."""

    @RUNS
    @given(model=models)
    def obey(model: Model) -> None:
        obeys_the_rules(model)

    obey()


# A busy model, and what is laid over it to make its requests or tasks end in each way.
BUSY: dict[str, Any] = {
    "name": "busy",
    "default_scenario": "test",
    "server": {"kind": "gunicorn-sync", "workers": 4},
    "requests": {
        "work": {
            "app_cpu_s": {"law": "exponential", "mean": 0.02},
            "queries": 3,
            "query_s": {"law": "exponential", "mean": 0.1},
        }
    },
    "scenarios": {
        "test": {
            "duration_s": 20,
            "users": 10,
            "user_classes": {"u": {"think_s": 0.5, "tasks": {"work": 1}}},
        }
    },
}
THREADS = {"kind": "gunicorn-gthread", "workers": 1, "threads": 10}
ONE_LOCK = {"requests": {"work": {"lock": {"name": "row"}}}}


def of_test(**spec: object) -> dict[str, Any]:
    """A change of the load test."""
    return {"scenarios": {"test": spec}}


def of_pool(**spec: object) -> dict[str, Any]:
    """A change of the way to the database, for threads."""
    return {"server": THREADS, "database": {"access": {"kind": "pool", "size": 1, **spec}}}


WAYS_TO_END: dict[int, dict[str, Any]] = {
    Status.OK: {},
    Status.IN_FLIGHT: {},
    Status.BACKLOG_FULL: {"server": {"backlog": 0}, "network": {"overflow": "refuse"}},
    Status.POOL_TIMEOUT: of_pool(wait_timeout_s=0.2),
    Status.POOL_FULL: of_pool(max_waiting=1),
    Status.CONNECTION_REFUSED: {
        "database": {"access": {"kind": "per-request"}, "max_connections": 5}
    },
    Status.WORKER_TIMEOUT: {"server": {"timeout_s": 0.2}},
    Status.CLIENT_TIMEOUT: of_test(client={"timeout_s": 0.5, "retries": {"attempts": 2}}),
    Status.QUEUE_TIMEOUT: {
        "database": {"pgbouncer": {"pool_size": 1, "query_wait_timeout_s": 0.3}}
    },
    Status.LOCK_TIMEOUT: {"database": {"locks": {"row": {}}, "lock_timeout_s": 0.2}, **ONE_LOCK},
    Status.STATEMENT_TIMEOUT: {
        "database": {"locks": {"row": {}}, "statement_timeout_s": 0.3},
        **ONE_LOCK,
    },
    Status.SERVER_LOST: {"memory": {"limit_mb": 100, "per_request_mb": 30}},
    Status.UNREACHABLE: of_test(faults=[{"kind": "instance-lost", "at_s": 5, "duration_s": 5}]),
    Status.DATABASE_LOST: of_test(
        faults=[{"kind": "database-restart", "at_s": 5, "duration_s": 1}]
    ),
    Status.TASK_TIMEOUT: {
        "celery": {"workers": 1, "tasks": {"mail": {"delay_s": 0.3, "time_limit_s": 0.2}}},
        "requests": {"work": {"task": "mail"}},
    },
    403: {"requests": {"work": {"rejected": 0.3}}},
    500: {
        "requests": {"work": {"rejected": 0.3, "rejected_status": 500}},
        **of_test(client={"retries": {"attempts": 2, "after": ["error"]}}),
    },
    503: {"shedding": {"limit": 3}},
    504: {"balancer": {"timeout_s": 0.4}},
}


def test_there_is_a_model_for_every_way_to_end() -> None:
    """A status that is added needs a model here that brings it about."""
    assert set(WAYS_TO_END) == set(Status) | OWN_ANSWERS


@pytest.mark.parametrize("status", WAYS_TO_END, ids=status_name)
def test_every_way_to_end_obeys_the_rules(
    merged: Callable[..., dict[str, Any]], status: int
) -> None:
    """Each way to end comes about, and the rules hold then too."""
    assert status in obeys_the_rules(Model.model_validate(merged(BUSY, WAYS_TO_END[status])))
