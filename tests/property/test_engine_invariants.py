"""What every run of every model obeys, on models drawn at random."""

import dataclasses
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from capsim.engine import Trace, simulate_plan
from capsim.model.model import Model
from capsim.plan.draws import DrawTable
from capsim.plan.lowering import lower
from capsim.plan.ops import Status
from capsim.plan.plan import INFINITE, UNLIMITED, Plan

RUNS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
FEW_RUNS = settings(RUNS, max_examples=40)
HORIZON_S = 12.0
CLOSE = 1e-6  # of sums over a run: the integrals are differences of sums of many clock readings


def laws(longest_s: float) -> st.SearchStrategy[Any]:
    """Laws of a duration."""
    means = st.floats(longest_s / 100, longest_s)
    return st.one_of(
        st.just(0.0),
        means,
        st.builds(lambda m: {"law": "exponential", "mean": m}, means),
        st.builds(lambda m, cv: {"law": "lognormal", "mean": m, "cv": cv}, means, st.floats(0, 3)),
        st.builds(lambda m, cv: {"law": "gamma", "mean": m, "cv": cv}, means, st.floats(0.3, 2)),
        st.builds(
            lambda m, cv: {"law": "hyperexponential", "mean": m, "cv": cv}, means, st.floats(1.1, 3)
        ),
        st.builds(lambda a, b: {"law": "uniform", "low": min(a, b), "high": a + b}, means, means),
    )


THINKING = st.one_of(
    st.floats(0.05, 2.0),
    st.builds(
        lambda a, b: {"law": "uniform", "low": a, "high": a + b}, *[st.floats(0.05, 1.0)] * 2
    ),
    st.builds(lambda m: {"law": "exponential", "mean": m}, st.floats(0.05, 2.0)),
    st.builds(lambda p: {"law": "constant_pacing", "period": p}, st.floats(0.05, 2.0)),
)
SMALL = st.integers(1, 3)
SERVERS = st.one_of(
    st.just({"kind": "development"}),
    st.fixed_dictionaries(
        {
            "kind": st.just("gunicorn-sync"),
            "workers": SMALL,
            "timeout_s": st.sampled_from([0.0, 0.3, 1.0, 30.0]),
            "boot_time_s": st.sampled_from([0.0, 0.5]),
            "backlog": st.sampled_from([0, 1, 5, 2048]),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("gunicorn-gthread"),
            "workers": SMALL,
            "threads": SMALL,
            "worker_connections": st.sampled_from([1, 4, 1000]),
            "keepalive_s": st.sampled_from([0.0, 0.5, 2.0]),
            "backlog": st.sampled_from([0, 1, 5, 2048]),
        }
    ),
)
ACCESSES = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("pool"),
            "size": SMALL,
            "wait_timeout_s": st.sampled_from([0.05, 0.5, 30.0]),
            "scope": st.sampled_from(["process", "system"]),
        }
    ),
    st.just({"kind": "persistent"}),
    st.just({"kind": "per-request"}),
)
COUNTS = st.one_of(
    st.sampled_from([0, 1, 3]),
    st.just({"law": "geometric", "mean": 2.0}),
    st.just({"law": "poisson", "mean": 0.7}),
)


@st.composite
def request_classes(draw: st.DrawFn) -> dict[str, Any]:
    """A request class that breaks no rule."""
    queries = draw(COUNTS)
    return {
        "app_cpu_s": draw(laws(0.1)),
        "delay_s": draw(laws(0.3)),
        "queries": queries,
        "query_s": 0.0 if queries == 0 else draw(laws(0.1)),
        "rejected": draw(st.sampled_from([0.0, 0.2])),
    }


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """A short load test: users, stages, open arrivals, or both kinds."""
    tasks = st.sampled_from([{"a": 1.0}, {"b": 1.0}, {"a": 3.0, "b": 1.0}])
    spec: dict[str, Any] = {"duration_s": HORIZON_S}
    kind = draw(st.sampled_from(["users", "stages", "open", "both"]))
    if kind != "open":
        names = draw(st.sampled_from([["u"], ["u", "v"]]))
        spec["user_classes"] = {
            name: {
                "weight": draw(st.floats(0.5, 2.0)),
                "think_s": draw(THINKING),
                "tasks": draw(tasks),
            }
            for name in names
        }
    if kind in {"users", "both"}:
        spec["users"] = draw(st.integers(1, 20))
        spec["spawn_rate"] = draw(st.sampled_from([None, 0.7, 5.0]))
    if kind == "stages":
        spec["stages"] = [
            {"duration_s": 4.0, "users": n, "spawn_rate": draw(st.sampled_from([2.0, 50.0]))}
            for n in draw(st.tuples(st.integers(1, 12), st.integers(0, 12), st.integers(0, 12)))
        ]
    if kind in {"open", "both"}:
        spec["arrivals"] = {
            "calls": {
                "stages": [{"duration_s": HORIZON_S, "rate": draw(st.floats(0.5, 30.0))}],
                "interarrival": draw(st.sampled_from(["exponential", "constant"])),
                "tasks": draw(tasks),
            }
        }
    spec["client"] = {"timeout_s": draw(st.sampled_from([None, 0.1, 1.0]))}
    station = draw(st.sampled_from([None, "app", "database"]))
    if station is not None:
        spec["drift"] = {"station": station, "growth": 2.0, "power": 1.5}
    return spec


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A small model with one scenario, `test`."""
    return Model.model_validate(
        {
            "name": "random",
            "default_scenario": "test",
            "machine": {"cores": draw(SMALL)},
            "server": draw(SERVERS),
            "app": {
                "error_cpu_s": draw(laws(0.1)),
                "idle_overhead": draw(st.sampled_from([0.0, 0.5])),
            },
            "database": {
                "cores": draw(SMALL),
                "contention": draw(st.sampled_from([0.0, 0.1])),
                "coherency": draw(st.sampled_from([0.0, 0.01])),
                "max_connections": draw(st.sampled_from([None, 4, 6, 100])),
                "connection_setup_s": draw(laws(0.1)),
                "access": draw(ACCESSES),
            },
            "requests": {"a": draw(request_classes()), "b": draw(request_classes())},
            "scenarios": {"test": draw(scenarios())},
        }
    )


def plan_of(model: Model, seed: int = 1) -> Plan:
    """The plan of a model's only scenario."""
    return lower(model, model.scenario(), seed=seed)


def identical(one: Trace, other: Trace) -> bool:
    """Whether two traces agree in every bit."""
    for field in dataclasses.fields(Trace):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, np.ndarray):
            if first.tobytes() != second.tobytes() or first.dtype != second.dtype:
                return False
        elif first != second:
            return False
    return True


def lifetimes(trace: Trace) -> np.ndarray:
    """Seconds that each request spent in the system, up to the horizon."""
    return np.where(np.isnan(trace.end), trace.horizon_s, trace.end) - trace.start


@RUNS
@given(model=models())
def test_requests_are_conserved(model: Model) -> None:
    """Every request that was sent is answered, failed or in flight, exactly once."""
    trace = simulate_plan(plan_of(model))
    flying = trace.status == Status.IN_FLIGHT
    assert trace.issued == len(trace)
    assert np.array_equal(np.isnan(trace.end), flying)
    keys = np.stack([trace.source, trace.user, trace.index], axis=1)
    assert len(np.unique(keys, axis=0)) == len(trace)
    for code in np.unique(trace.status).tolist():
        event(f"status {code}")
        assert code in set(Status) | {403}
    if flying.any():
        assert flying[np.argmax(flying) :].all()


@RUNS
@given(model=models())
def test_times_are_in_order(model: Model) -> None:
    """No negative time, ends in order, waits within the request, nothing beyond the horizon."""
    trace = simulate_plan(plan_of(model))
    ends = trace.end[np.isfinite(trace.end)]
    assert (np.diff(ends) >= 0).all()
    assert (trace.start >= 0).all()
    assert (trace.start <= trace.horizon_s).all()
    assert (ends <= trace.horizon_s).all()
    assert (lifetimes(trace) >= 0).all()
    assert (trace.waits >= 0).all()
    assert (trace.waits.sum(axis=1) <= lifetimes(trace) + 1e-9).all()


@RUNS
@given(model=models())
def test_littles_law_holds_exactly(model: Model) -> None:
    """The integral of the number in the system is the sum of the times in it."""
    trace = simulate_plan(plan_of(model))
    ends = trace.end[np.isfinite(trace.end)]
    moments = np.concatenate([trace.start, ends, [trace.horizon_s]])
    steps = np.concatenate([np.ones(len(trace)), -np.ones(len(ends)), [0.0]])
    order = np.lexsort((steps, moments))
    present = np.cumsum(steps[order])
    integral = float(present[:-1] @ np.diff(moments[order]))
    total = float(lifetimes(trace).sum())
    assert abs(integral - total) <= CLOSE * max(1.0, total)
    if len(trace):
        assert present[-1] == (trace.status == Status.IN_FLIGHT).sum()


@RUNS
@given(model=models())
def test_queues_hold_what_requests_waited(model: Model) -> None:
    """The sampled queues contain exactly the recorded waits; zombies can only add to them."""
    plan = plan_of(model)
    trace = simulate_plan(plan)
    names = np.array(trace.resource_names)
    zombies = any(source.client_timeout_s < INFINITE for source in plan.sources)
    for column, name in enumerate(trace.wait_names):
        sampled = float(trace.queued[-1, names == name].sum())
        recorded = float(trace.waits[:, column].sum())
        assert sampled >= recorded - CLOSE * max(1.0, recorded)
        if not zombies:
            assert abs(sampled - recorded) <= CLOSE * max(1.0, recorded)


@RUNS
@given(model=models())
def test_the_server_holds_every_request(model: Model) -> None:
    """Behind gunicorn, whoever is in the system is in its backlog or holds one of its slots."""
    plan = plan_of(model)
    trace = simulate_plan(plan)
    names = np.array(trace.resource_names)
    door = {"gunicorn-sync": "worker", "gunicorn-gthread": "accepted connection"}
    name = door.get(model.server.kind)
    if name is None:
        return
    inside = float((trace.queued + trace.in_use)[-1, names == name].sum())
    total = float(lifetimes(trace).sum())
    assert inside >= total - CLOSE * max(1.0, total)
    extra = (Status.CLIENT_TIMEOUT, Status.WORKER_TIMEOUT)  # zombies and boots occupy it too
    if not np.isin(trace.status, extra).any():
        assert abs(inside - total) <= CLOSE * max(1.0, total)


@RUNS
@given(model=models())
def test_no_capacity_is_exceeded(model: Model) -> None:
    """Between any two samples no resource and no station did more than it can."""
    plan = plan_of(model)
    trace = simulate_plan(plan)
    passed = np.diff(trace.sampled_s)[:, np.newaxis]
    assert trace.sampled_s[0] == 0.0
    assert trace.sampled_s[-1] == trace.horizon_s
    for integral in (trace.in_use, trace.queued, trace.busy, trace.present):
        assert (np.diff(integral, axis=0) >= -CLOSE).all()
    slots = np.array([min(r.capacity, UNLIMITED) for r in plan.resources], dtype=float)
    assert (np.diff(trace.in_use, axis=0) <= slots * passed + CLOSE).all()
    cores = np.array([s.cores for s in plan.stations])
    busy = np.diff(trace.busy, axis=0)
    assert (busy <= cores * passed + CLOSE).all()
    assert (np.diff(trace.present, axis=0) >= busy - CLOSE).all()
    for number, shared in enumerate(plan.group_cores):
        members = [i for i, s in enumerate(plan.stations) if s.group == number]
        assert (busy[:, members].sum(axis=1) <= shared * passed[:, 0] + CLOSE).all()


@RUNS
@given(model=models())
def test_a_user_does_one_thing_at_a_time(model: Model) -> None:
    """A user's requests never overlap, and between them lies the drawn think time."""
    plan = plan_of(model)
    trace = simulate_plan(plan)
    for number, source in enumerate(plan.sources):
        if source.open:
            continue
        draws = DrawTable(plan, source)
        for user in range(len(source.starts)):
            own = np.flatnonzero((trace.source == number) & (trace.user == user))
            own = own[np.argsort(trace.index[own])]
            assert trace.index[own].tolist() == list(range(len(own)))
            start, end = trace.start[own], trace.end[own]
            if not len(own):
                continue
            assert start[0] == source.starts[user]
            assert (start <= source.stops[user]).all()
            for k in range(len(own) - 1):
                think = draws.rows(user, k // draws.requests)[k % draws.requests][
                    source.think_column
                ]
                due = max(end[k], start[k] + think) if source.pacing else end[k] + think
                assert abs(start[k + 1] - due) <= 1e-9


@RUNS
@given(model=models())
def test_clients_wait_no_longer_than_they_say(model: Model) -> None:
    """No request outlives its client's patience, and who gives up does so exactly then."""
    patience = model.scenario().client.timeout_s
    if patience is None:
        return
    trace = simulate_plan(plan_of(model))
    taken = lifetimes(trace)
    assert (taken <= patience + 1e-9).all()
    gave_up = trace.status == Status.CLIENT_TIMEOUT
    np.testing.assert_allclose(taken[gave_up], patience, rtol=1e-9)


@FEW_RUNS
@given(model=models(), seed=st.integers(0, 2**63))
def test_the_same_seed_gives_the_same_bytes(model: Model, seed: int) -> None:
    """A run depends on its plan and seed alone; another seed is another run."""
    trace = simulate_plan(plan_of(model, seed))
    assert identical(trace, simulate_plan(plan_of(model, seed)))


def test_another_process_gives_the_same_bytes() -> None:
    """Neither hash seeds nor memory layout of a process leak into a run."""
    plan = plan_of(NESTED)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(simulate_plan, plan).result()
    here = simulate_plan(plan)
    assert identical(here, elsewhere)
    assert len(here) > 500


def test_another_seed_or_replication_is_another_run() -> None:
    """Seed and replication both change the luck."""
    plan = plan_of(NESTED)
    runs = [
        simulate_plan(dataclasses.replace(plan, **change))
        for change in ({}, {"seed": 2}, {"replication": 1})
    ]
    assert len({run.end.tobytes() for run in runs}) == 3


NESTED = Model.model_validate(
    {
        "name": "nested",
        "default_scenario": "test",
        "server": {"kind": "gunicorn-gthread", "workers": 2, "threads": 4},
        "database": {"access": {"kind": "pool", "size": 2, "wait_timeout_s": 0.5}},
        "requests": {
            "work": {
                "app_cpu_s": {"law": "lognormal", "mean": 0.01, "cv": 1.0},
                "queries": {"law": "geometric", "mean": 3},
                "query_s": {"law": "exponential", "mean": 0.02},
            }
        },
        "scenarios": {
            "test": {
                "duration_s": 20,
                "users": 40,
                "client": {"timeout_s": 2},
                "user_classes": {
                    "u": {"think_s": {"law": "exponential", "mean": 0.5}, "tasks": {"work": 1}}
                },
            }
        },
    }
)


def draws_of(plan: Plan, users: int, blocks: int = 2) -> list[Any]:
    """The rows of some users of the first source."""
    table = DrawTable(plan, plan.sources[0])
    return [table.rows(user, block) for user in range(users) for block in range(blocks)]


@FEW_RUNS
@given(more=st.integers(1, 60))
def test_more_users_leave_the_others_luck_alone(more: int) -> None:
    """User 7's 40th request has the same draws with 40 users and with 100."""
    scenario = NESTED.scenario()
    grown = scenario.model_copy(update={"users": scenario.users + more})
    few, many = (lower(NESTED, s, seed=1) for s in (scenario, grown))
    assert draws_of(few, scenario.users) == draws_of(many, scenario.users)


def test_pool_sizes_share_their_luck() -> None:
    """Two pool sizes see the same draws, so that their difference is no luck."""
    plans = []
    for size in (1, 2, 50):
        access = NESTED.database.access.model_copy(update={"size": size})
        database = NESTED.database.model_copy(update={"access": access})
        plans.append(plan_of(NESTED.model_copy(update={"database": database})))
    first = draws_of(plans[0], 40)
    assert all(draws_of(plan, 40) == first for plan in plans[1:])
    traces = [simulate_plan(plan) for plan in plans]
    assert len({trace.end.tobytes() for trace in traces}) == 3
    starts = [np.sort(trace.start[trace.index == 0]) for trace in traces]
    assert all(np.array_equal(starts[0], other) for other in starts[1:])


def test_a_new_mechanism_leaves_the_others_luck_alone() -> None:
    """Draws are named by purpose: a connection set-up changes no query and no think time."""
    tree = NESTED.model_dump()
    tree["database"]["access"] = {"kind": "per-request"}
    tree["database"]["connection_setup_s"] = {"law": "exponential", "mean": 0.01}
    plain, other = plan_of(NESTED), plan_of(Model.model_validate(tree))
    purposes = [column.purpose for column in plain.columns]
    places = {column.purpose: n for n, column in enumerate(other.columns)}
    one, two = draws_of(plain, 3), draws_of(other, 3)
    for rows, others in zip(one, two, strict=True):
        for row, changed in zip(rows, others, strict=True):
            for n, purpose in enumerate(purposes):
                assert row[n] == changed[places[purpose]]
