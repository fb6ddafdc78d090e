"""Luck: a run depends on its plan and seed alone, and what systems share, they draw alike."""

import dataclasses
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capsim.engine import Trace, simulate_plan
from capsim.model.model import Model
from capsim.plan.draws import DrawTable
from capsim.plan.lowering import lower
from capsim.plan.plan import Plan

FEW_RUNS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=True,
)


def plan_of(model: Model, seed: int = 1) -> Plan:
    """The plan of a model's only scenario."""
    return lower(model, model.scenario(), seed=seed)


def identical(one: object, other: object) -> bool:
    """Whether two traces, or two columns of them, agree in every bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.tobytes() == other.tobytes() and one.dtype == other.dtype
    if dataclasses.is_dataclass(one):
        return all(
            identical(getattr(one, field.name), getattr(other, field.name))
            for field in dataclasses.fields(one)
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(identical(one[key], other[key]) for key in one)
    return bool(one == other)


def test_identical_compares_every_column() -> None:
    """The comparison sees a difference in any column, those of tasks included."""
    trace = simulate_plan(plan_of(NESTED))
    tasks = dataclasses.replace(trace.tasks, start=np.ones(1))
    assert identical(trace, simulate_plan(plan_of(NESTED)))
    assert not identical(trace, dataclasses.replace(trace, tasks=tasks))
    noted, other = ({"a station": np.array([time])} for time in (1.0, 2.0))
    again = dataclasses.replace(trace, notes=dict(noted))
    assert identical(dataclasses.replace(trace, notes=noted), again)
    assert not identical(dataclasses.replace(trace, notes=other), again)
    for field in dataclasses.fields(Trace):
        if field.name == "tasks":
            continue
        changed = dataclasses.replace(trace, **{field.name: np.zeros(1)})
        assert not identical(trace, changed)


def test_the_same_seed_gives_the_same_bytes(models: st.SearchStrategy[Model]) -> None:
    """Whatever a model has in it, its runs of one seed are the same."""

    @FEW_RUNS
    @given(model=models, seed=st.integers(0, 2**63))
    def same(model: Model, seed: int) -> None:
        trace = simulate_plan(plan_of(model, seed))
        assert identical(trace, simulate_plan(plan_of(model, seed)))

    same()


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
