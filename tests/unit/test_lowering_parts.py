"""Lowering: what each component becomes, where the result of a run would not show it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.model.model import Model
from capsim.plan.lowering import lower
from capsim.plan.lowering.workload import spawn_times
from capsim.plan.ops import NO_COLUMN, Op, Owner, Status
from capsim.plan.plan import INFINITE, UNLIMITED, Plan, Resource

TREE: dict[str, Any] = {
    "name": "m",
    "default_scenario": "s",
    "machine": {"cores": 2},
    "server": {"kind": "gunicorn-gthread", "workers": 4, "threads": 2, "backlog": 7},
    "requests": {"a": {"app_cpu_s": 0.1, "queries": 2, "query_s": 0.01}},
    "scenarios": {
        "s": {
            "duration_s": 60,
            "users": 5,
            "user_classes": {"u": {"think_s": 1.0, "tasks": {"a": 1}}},
        }
    },
}
SYNC = {"kind": "gunicorn-sync", "workers": 4}
DEVELOPMENT = {"kind": "development"}


def plan(**changes: object) -> Plan:
    """The plan of the model with some of its parts replaced."""
    model = Model.model_validate({**TREE, **changes})
    return lower(model, model.scenario(), seed=1)


def scenario(**changes: object) -> Plan:
    """The plan of the model with a changed scenario."""
    return plan(scenarios={"s": {**TREE["scenarios"]["s"], **changes}})


def resources(found: Plan, name: str) -> list[Resource]:
    """The resources of a name."""
    return [resource for resource in found.resources if resource.name == name]


def database(**changes: object) -> dict[str, Any]:
    """A database with a pool of 10 per process, changed."""
    return {"access": {"kind": "pool", "size": 10}, **changes}


@pytest.mark.parametrize(
    ("server", "spec", "capacities"),
    [
        (TREE["server"], database(), [10] * 4),
        (TREE["server"], database(max_connections=23), [5] * 4),
        (TREE["server"], database(access={"kind": "pool", "size": 10, "scope": "system"}), [10]),
        (
            TREE["server"],
            database(access={"kind": "pool", "size": 100, "scope": "system"}, max_connections=43),
            [40],
        ),
        (SYNC, database(), [40]),
        (DEVELOPMENT, database(), [10]),
        (TREE["server"], database(access={"kind": "persistent"}, max_connections=43), [40]),
        (SYNC, database(access={"kind": "per-request"}, max_connections=43), [40]),
        (SYNC, database(access={"kind": "per-request"}), [UNLIMITED]),
    ],
)
def test_connections_are_those_that_pool_and_database_admit(
    server: dict[str, Any], spec: dict[str, Any], capacities: list[int]
) -> None:
    """A pool is per process unless it says otherwise, and never opens more than is admitted."""
    found = resources(plan(server=server, database=spec), "database connection")
    assert [resource.capacity for resource in found] == capacities


def test_gunicorn_defaults() -> None:
    """What a model file leaves out are gunicorn's own settings."""
    threads = plan(server={"kind": "gunicorn-gthread", "workers": 1})
    accepted = resources(threads, "accepted connection")[0]
    assert (accepted.capacity, accepted.queue_limit) == (1000, 2049)  # one more than the backlog
    assert resources(threads, "thread")[0].queue_limit == UNLIMITED
    route = next(step for step in threads.steps if step.op == Op.ROUTE)
    assert route.limit == 2.0
    worker = resources(plan(server=SYNC), "worker")[0]
    assert (worker.hold_limit_s, worker.check_s, worker.queue_limit) == (30.0, 1.0, 2049)
    assert resources(threads, "thread")[0].hold_limit_s == INFINITE


def test_a_refused_connection_takes_the_way_out() -> None:
    """The way out of a full backlog sets the status and ends; it runs no error path."""
    for server in (TREE["server"], SYNC):
        found = plan(server=server, app={"error_cpu_s": 0.5}, network={"overflow": "refuse"})
        door = next(step for step in found.steps if step.op == Op.ACQUIRE)
        refusal, end = found.steps[door.jump : door.jump + 2]
        assert (refusal.op, refusal.status, end.op) == (Op.FAIL, Status.BACKLOG_FULL, Op.END)
        assert refusal.jump == door.jump + 1
        error = found.steps[found.errors[0]]
        assert error.op == Op.SERVE


@pytest.mark.parametrize("retries_s", [(), (1.0,), (1.0, 3.0, 7.0)])
def test_a_dropped_connection_is_tried_again(retries_s: tuple[float, ...]) -> None:
    """By default a SYN is sent again at each of its times before the connection fails."""
    found = plan(server=SYNC, network={"syn_retries_s": retries_s})
    ops = [step.op for step in found.steps]
    failure = ops.index(Op.FAIL)
    tries = [Op.ACQUIRE, Op.JUMP]
    assert ops[:failure] == [*tries, *[Op.DELAY, *tries] * len(retries_s)]
    pauses = [step.scale for step in found.steps[:failure] if step.op == Op.DELAY]
    assert np.cumsum(pauses).tolist() == list(retries_s)
    tried = [step.jump for step in found.steps[:failure] if step.op == Op.ACQUIRE]
    assert tried == [3 * (number + 1) - 1 for number in range(len(retries_s) + 1)]


@pytest.mark.parametrize(
    ("server", "owner"),
    [(TREE["server"], Owner.SLOT), (SYNC, Owner.SLOT), (DEVELOPMENT, Owner.USER)],
)
def test_who_owns_a_persistent_connection(server: dict[str, Any], owner: Owner) -> None:
    """A worker's thread under gunicorn, the client's own thread under the development server."""
    found = plan(server=server, database={"access": {"kind": "persistent"}})
    assert next(step for step in found.steps if step.op == Op.HOLD).owner == owner


def test_processes_share_cores_only_where_there_are_too_few() -> None:
    """With a core for every process there is nothing to share."""
    assert plan().group_cores == (2.0,)
    assert plan(machine={"cores": 4}).group_cores == ()
    sync = plan(server=SYNC)
    assert [s.cores for s in sync.stations if s.name == "app CPU"] == [2]


@pytest.mark.parametrize("zero", ["app_cpu_s", "delay_s"])
def test_what_takes_no_time_costs_no_step(zero: str) -> None:
    """A demand of zero is left out of the plan."""
    steps = plan(requests={"a": {zero: 0.0}}, server=DEVELOPMENT).steps
    assert [step.op for step in steps] == [Op.END, Op.END]


def test_a_set_up_that_takes_no_time_costs_no_step() -> None:
    """A connection that opens at once is a hold alone."""
    found = plan(server=DEVELOPMENT, database={"access": {"kind": "persistent"}})
    assert Op.DELAY not in {step.op for step in found.steps}
    held = next(n for n, step in enumerate(found.steps) if step.op == Op.HOLD)
    assert found.steps[held].jump == held + 1


@given(users=st.integers(0, 300), rate=st.none() | st.floats(0.05, 200.0))
def test_spawning_keeps_its_rate(users: int, rate: float | None) -> None:
    """Whatever the rate, batches are whole and never ahead of it by more than one batch."""
    times = spawn_times(users, rate)
    assert len(times) == users
    if rate is None or not users:
        assert not times.any()
        return
    batch = max(1, int(rate))
    assert times[0] == 0.0
    assert (np.diff(times) >= 0).all()
    ahead = np.arange(1, users + 1) - times * rate
    assert (ahead > -1e-6).all()
    assert (ahead <= batch + 1e-6).all()


@given(
    st.lists(st.floats(0.1, 10.0), min_size=1, max_size=4), st.integers(1, 60), st.integers(0, 40)
)
def test_user_classes_are_spread_evenly_and_stably(
    weights: list[float], users: int, more: int
) -> None:
    """Each class has its share of the users to one, and more users move nobody."""

    def counts(number: int) -> dict[str, int]:
        classes = {
            f"c{i}": {"weight": weight, "think_s": 1.0, "tasks": {"a": 1}}
            for i, weight in enumerate(weights)
        }
        found = scenario(user_classes=classes, users=number, spawn_rate=1.0)
        return {source.name: len(source.starts) for source in found.sources}

    few = counts(users)
    assert sum(few.values()) == users
    for index, weight in enumerate(weights):
        expected = users * weight / sum(weights)
        assert abs(few.get(f"c{index}", 0) - expected) < len(weights)
    many = counts(users + more)
    assert all(many[name] >= count for name, count in few.items())


def test_stages_say_who_comes_and_goes() -> None:
    """Sessions start and stop as the stages move, the last to come first to go."""
    stages = [
        {"duration_s": 10, "users": 3, "spawn_rate": 1},
        {"duration_s": 10, "users": 1, "spawn_rate": 1},
        {"duration_s": 10, "users": 2, "spawn_rate": 1},
    ]
    source = scenario(users=0, stages=stages).sources[0]
    assert source.starts.tolist() == [0, 1, 2, 20]
    assert source.stops.tolist() == [INFINITE, 11, 10, INFINITE]


def test_a_stage_that_is_too_short_is_not_finished() -> None:
    """Users that a stage has no time to spawn do not come."""
    stages = [
        {"duration_s": 3, "users": 10, "spawn_rate": 1},
        {"duration_s": 10, "users": 2, "spawn_rate": 10},
    ]
    source = scenario(users=0, stages=stages).sources[0]
    assert source.starts.tolist() == [0, 1, 2]
    assert source.stops.tolist() == [INFINITE, INFINITE, 3]


def test_one_task_needs_no_choice() -> None:
    """The class is drawn only where there is more than one."""
    assert scenario().sources[0].class_column == NO_COLUMN


def test_drift_slows_one_station() -> None:
    """The schedule belongs to the station that is named, and covers the whole test."""
    found = scenario(drift={"station": "database", "growth": 1.0})
    speeds = {station.name: station.speeds for station in found.stations}
    assert speeds["app CPU"] == ()
    times, factors = np.array(speeds["database CPU"]).T
    assert times[0] == 0.0
    assert times[-1] < 60.0
    assert factors[0] == pytest.approx(1.0, abs=0.02)
    assert factors[-1] == pytest.approx(0.5, abs=0.02)
    assert (np.diff(factors) < 0).all()


@pytest.mark.parametrize("interarrival", ["exponential", "constant"])
def test_arrivals_stop_with_their_last_stage(interarrival: str) -> None:
    """Times are in order, inside the stages that have a rate, and as many as the rate says."""
    stages = [
        {"duration_s": 50, "rate": 100.0},
        {"duration_s": 10, "rate": 0.0},
        {"duration_s": 50, "rate": 20.0},
    ]
    source = scenario(
        arrivals={"c": {"stages": stages, "tasks": {"a": 1}, "interarrival": interarrival}}
    ).sources[-1]
    times = source.starts
    assert source.open
    assert (np.diff(times) >= 0).all()
    assert not ((times > 50) & (times < 60)).any()
    first, last = (times <= 50).sum(), (times >= 60).sum()
    slack = 1 if interarrival == "constant" else 4 * np.sqrt(5000)
    assert abs(first - 5000) <= slack
    assert abs(last - 1000) <= slack
    assert times.max() < 110


def test_arrivals_without_a_rate_never_come() -> None:
    """A rate of zero is no arrivals, and no endless wait for one."""
    source = scenario(
        arrivals={"c": {"stages": [{"duration_s": 5, "rate": 0}], "tasks": {"a": 1}}}
    ).sources[-1]
    assert len(source.starts) == 0
