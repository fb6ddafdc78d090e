"""Bounds without simulation: their order, what they leave out, and load tests by themselves."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim import load
from capsim.experiments.beliefs import Belief
from capsim.experiments.bounded import Bounds
from capsim.experiments.bounds import bounds, bounds_of_data, bounds_of_network
from capsim.experiments.closed_systems import Station, of_model, of_network, of_single_queue
from capsim.experiments.envelopes import MEAN, RPS, envelope
from capsim.experiments.readings import Reading, readings
from capsim.experiments.slowdowns import left_out
from capsim.loadtest.observations import Dataset
from capsim.metrics.run import simulate
from capsim.model.model import Model

ROUNDING = 1e-9
USERS = [1, 2, 5, 20, 60]
STATIONS = st.lists(
    st.tuples(st.floats(0.01, 5.0), st.one_of(st.just(1), st.integers(2, 4), st.just(math.inf))),
    min_size=1,
    max_size=3,
)

TEMPLATE = """
name = "unknown"
default_scenario = "test"
[parameters.cpu_s]
prior = "lognormal"
median = 0.01
factor = 2
reason = "made up for a test"
[server]
kind = "development"
[requests.page]
app_cpu_s = "$cpu_s"
[scenarios.test]
users = 5
duration_s = 10
[scenarios.test.user_classes.user]
think_s = 1.0
tasks = { page = 1 }
"""
POOL_OF_ONE = """
[database]
access = { kind = "pool", size = 1, scope = "system" }
[machine]
cores = 1
"""


def network(*demands: float, servers: float = 1, think_s: float = 1.0) -> Any:
    """Return a network of stations alike, under users alike."""
    stations = [
        Station(name=f"station {i}", demands_s=(d,), servers=servers) for i, d in enumerate(demands)
    ]
    return of_network(stations, think_s=[think_s], users=[1])


def a_model(changes: dict[str, Any], merged: Callable[..., dict[str, Any]]) -> Model:
    """Return a small model with something changed."""
    base = {
        "name": "small",
        "default_scenario": "test",
        "machine": {"cores": 4},
        "server": {"kind": "gunicorn-gthread", "workers": 2, "threads": 4},
        "database": {"cores": 4, "access": {"kind": "pool", "size": 4, "scope": "system"}},
        "requests": {
            "page": {
                "app_cpu_s": {"law": "exponential", "mean": 0.02},
                "queries": 2,
                "query_s": {"law": "exponential", "mean": 0.005},
            }
        },
        "scenarios": {"test": {"users": 12, "duration_s": 60.0}},
    }
    base["scenarios"]["test"]["user_classes"] = {"user": {"think_s": 0.2, "tasks": {"page": 1}}}
    return Model.model_validate(merged(base, changes))


@settings(max_examples=40, deadline=None)
@given(stations=STATIONS, think_s=st.floats(0.0, 20.0))
def test_bounds_enclose_the_exact_solution(
    stations: list[tuple[float, float]], think_s: float
) -> None:
    """From below: asymptotic, balanced, exact, balanced, asymptotic, wherever each is known."""
    system = of_network(
        [
            Station(name=f"station {i}", demands_s=(demand,), servers=servers)
            for i, (demand, servers) in enumerate(stations)
        ],
        think_s=[think_s],
        users=[1],
    )
    found = envelope([system], USERS)
    for names in (RPS, MEAN):
        known = [found.values[name][0] for name in names if found.has(name)]
        assert len(known) >= 3
        for low, high in pairwise(known):
            assert (low <= high * (1 + ROUNDING) + ROUNDING).all()


@settings(max_examples=20, deadline=None)
@given(
    demands=st.lists(st.tuples(*[st.floats(0.01, 2.0)] * 2), min_size=1, max_size=2),
    thinks=st.tuples(*[st.floats(0.0, 5.0)] * 2),
    users=st.tuples(*[st.integers(1, 8)] * 2),
)
def test_bounds_enclose_the_exact_solution_of_two_classes(
    demands: list[tuple[float, float]], thinks: tuple[float, float], users: tuple[int, int]
) -> None:
    """However the users split, and whatever the mix of requests becomes under load."""
    stations = [
        Station(name=f"station {i}", demands_s=each, servers=1 + i)
        for i, each in enumerate(demands)
    ]
    found = envelope([of_network(stations, think_s=thinks, users=users)], [1, 3, sum(users), 30])
    assert not found.contradicted.any()
    for names in (RPS, MEAN):
        low, middle, high = (found.values[name][0] for name in names if found.has(name))
        assert (low <= middle * (1 + ROUNDING)).all()
        assert (middle <= high * (1 + ROUNDING)).all()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"server": {"kind": "development"}, "app": {"idle_overhead": 0.5}},
        {"server": {"threads": 1}, "database": {"access": {"size": 1}}},
        {"scenarios": {"test": {"drift": {"station": "app", "growth": 0.5}}}},
    ],
    ids=["threads and a pool", "one process", "one connection", "demand that grows"],
)
def test_a_simulation_lies_between_the_bounds(
    changes: dict[str, Any], merged: Callable[..., dict[str, Any]]
) -> None:
    """Whatever requests wait for, throughput and mean response time are within the bounds."""
    if changes.get("server", {}).get("kind") == "development":
        model = a_model({}, merged).model_dump() | {"server": changes["server"]}
        model = Model.model_validate(model | {"app": changes["app"]})
    else:
        model = a_model(changes, merged)
    summary = simulate(model).summary(begin_s=5.0)
    assert summary.failure_ratio == 0
    found = envelope([of_model(model, "test")], [12])
    margin = 0.05  # of a run of a minute
    lowest, highest = found.values["rps_at_least"][0, 0], found.values["rps_at_most"][0, 0]
    assert lowest * (1 - margin) < summary.rps < highest * (1 + margin)
    lowest, highest = found.values["mean_s_at_least"][0, 0], found.values["mean_s_at_most"][0, 0]
    assert lowest * (1 - margin) < summary.mean_s < highest * (1 + margin)


def test_users_split_as_in_a_simulation() -> None:
    """The classes have the numbers that the engine gives them, users who never ask left out."""
    model = load("p43-results").bind({})
    run = simulate(model, scenario="deploy", users=30)
    counted = {source.name: len(source.starts) for source in run.plan.sources}
    system = of_model(model, "deploy")
    assert dict(zip(system.asking, system.splits([30])[0], strict=True)) == counted


def test_where_slots_limit_mva_is_left_out(merged: Callable[..., dict[str, Any]]) -> None:
    """One connection carries less than any station: MVA would say more than is possible."""
    narrow = of_model(a_model({"database": {"access": {"size": 1}}}, merged), "test")
    wide = of_model(a_model({"database": {"access": {"size": 100}}}, merged), "test")
    found = envelope([wide, narrow], [1, 5, 60])
    assert found.contradicted.tolist() == [False, False, True]
    assert found.contradicted_from == 60
    assert np.isnan(found.values["rps_mva"][:, 2]).all()  # of both: a median of some is none
    assert np.isfinite(found.values["rps_mva"][:, :2]).all()


def test_too_many_populations_are_left_out() -> None:
    """Two classes of a hundred users each: ten thousand populations take too long."""
    stations = [Station(name="one", demands_s=(0.1, 0.2))]
    found = envelope([of_network(stations, think_s=[1, 1], users=[1, 1])], [20, 200])
    assert found.unsolved_from == 200
    assert np.isfinite(found.values["rps_at_most"]).all()


def test_nobody_asks_nothing_is_known(merged: Callable[..., dict[str, Any]]) -> None:
    """A single user who never sends a request has no throughput to bound."""
    classes = {"idle": {"weight": 3.0, "think_s": 1.0}}
    model = a_model({"scenarios": {"test": {"user_classes": classes}}}, merged)
    found = envelope([of_model(model, "test")], [1, 4])
    assert np.isnan(found.values["rps_at_most"][0]).tolist() == [True, False]


def test_what_makes_the_system_slower_takes_the_floor_away(
    merged: Callable[..., dict[str, Any]],
) -> None:
    """Where work may take longer than its demand, there is no bound from below, and it is said."""
    model = a_model({"database": {"contention": 0.1}}, merged)
    assert of_model(model, "test").serial_s is None
    found = envelope([of_model(model, "test")], [5])
    assert not found.has("rps_at_least")
    assert found.has("rps_at_most")


def test_what_mva_leaves_out_is_named(merged: Callable[..., dict[str, Any]]) -> None:
    """Each mechanism without a product form is in the list, and only those that are there."""
    model = a_model({}, merged)
    spec = model.scenario("test")
    assert list(left_out(model, spec)) == [
        "turns under the GIL",
        "thread limits",
        "users that stay with one worker process",
        "the connection pool (held with the thread)",
        "timeouts",
    ]
    plain = model.model_dump() | {
        "server": {"kind": "development"},
        "app": {"switch_interval_s": 0.0},
        "database": {"access": {"kind": "per-request"}},
    }
    assert list(left_out(Model.model_validate(plain), spec)) == []


def test_one_number_of_users_has_stations_and_classes() -> None:
    """What is at each station adds up to the users who do not think."""
    stations = [Station(name="a", demands_s=(0.2, 0.9)), Station(name="b", demands_s=(0.5, 0.1))]
    found = bounds_of_network(of_network(stations, think_s=[1.0, 2.0], users=[3, 2]), (5, 5))
    assert found.levels is not None
    visits = found.levels.visits
    present = sum(station.queue.median for station in visits.stations)
    thinking = sum(
        each.rps.median * think for each, think in zip(visits.classes, (1, 2), strict=True)
    )
    assert present + thinking == pytest.approx(5)
    assert [each.users for each in visits.classes] == [3, 2]
    assert found.levels.shown == (5,)


def test_stations_are_left_out_with_mva(template: Callable[[str], Any]) -> None:
    """Where slots limit, the queues of a network without them would be false numbers."""
    text = TEMPLATE.replace(
        "[requests.page]", POOL_OF_ONE + "[requests.page]\nqueries = 1\ndelay_after_s = 0.05"
    )
    found = bounds(Belief(template=template(text)), (500, 500), draws=3)
    assert found.levels is not None
    assert found.levels.envelope.contradicted[-1]
    assert found.levels.visits.stations == ()
    light = bounds(Belief(template=template(text)), (1, 1), draws=3)
    assert light.levels is not None
    assert [each.name for each in light.levels.visits.stations] == ["app CPU", "delay"]


def test_a_model_has_intervals_over_its_draws(template: Callable[[str], Any]) -> None:
    """An unknown demand spreads the knee; what is known of it does not spread."""
    found = bounds(Belief(template=template(TEMPLATE)), draws=30)
    assert found.knee.lo < found.knee.median < found.knee.hi
    assert found.think_s.lo == found.think_s.hi == 1.0
    assert found.bottlenecks == {"app CPU": 1.0}
    (app,) = found.resources
    assert app.seconds.median == pytest.approx(0.01, rel=0.1)
    assert found.levels is not None
    assert found.levels.shown[0] == 1
    assert found.levels.shown[-1] == pytest.approx(3 * found.knee.median, rel=0.05)


def dataset(**tests: dict[str, Any]) -> Dataset:
    """Return load tests of 100 s."""
    each = {
        name: {"source": "made up", "duration_s": 100.0, **figures}
        for name, figures in tests.items()
    }
    return Dataset.model_validate(
        {"name": "made-up", "source": "made up", "tool": "exact", "load_tests": each}
    )


def load_test(users: float, rps: float, mean_ms: float | None = 50.0, **more: Any) -> Any:
    """Return one load test."""
    total = {"rps": rps} | ({} if mean_ms is None else {"mean_ms": mean_ms})
    return {"users": users, "total": total, **more}


def test_the_reading_of_one_queue_is_the_textbooks() -> None:
    """M/M/1 with D = 0.1 s at half load: R = 0.2 s, and back from that."""
    reading = Reading(
        load_test="one",
        part="whole",
        users=7.0,
        rps=5.0,
        mean_s=0.2,
        think_s=1.2,
        failure_ratio=None,
        held_out=False,
    )
    assert reading.demand_s == pytest.approx(0.1)
    assert reading.utilisation == pytest.approx(0.5)
    assert reading.capacity_rps == pytest.approx(10)
    assert reading.in_system == pytest.approx(1.0)
    assert reading.active_users == pytest.approx(7.0)
    assert reading.knee == pytest.approx((0.1 + 1.2) / 0.1)


def test_think_times_come_from_the_load_test_or_from_the_user() -> None:
    """Requests between two waits share one; a pacing is from start to start; --think wins."""
    known = dataset(
        a=load_test(10, 5.0, think_s=2.0, requests_per_wait=4),
        b=load_test(10, 5.0, think_s={"law": "constant_pacing", "period": 1.0}),
        c=load_test(10, 5.0),
    )
    assert [r.think_s for r in readings(known)] == [0.5, pytest.approx(0.95), None]
    assert {r.think_s for r in readings(known, think_s=3.0)} == {3.0}


def test_the_steady_part_stands_for_the_test() -> None:
    """Ramps are left out where the dataset knows the steady part; levels stand for themselves."""
    steady = {"from_s": 20.0, "until_s": 100.0, "rps": 9.0, "mean_ms": 40.0}
    part = {"rps": 4.0, "mean_ms": 30.0, "users": 5.0, "from_s": 0.0, "until_s": 50.0}
    known = dataset(
        flat=load_test(10, 7.0, steady=steady),
        levels=load_test(20, 6.0, stretches=[part, {**part, "users": 20.0, "rps": 8.0}]),
    )
    found = readings(known)
    assert [(r.load_test, r.part, r.users, r.rps) for r in found] == [
        ("flat", "steady", 10.0, 9.0),
        ("levels", "0..50 s", 5.0, 4.0),
        ("levels", "0..50 s", 20.0, 8.0),
    ]


def test_readings_that_another_test_contradicts_are_left_out() -> None:
    """A light test of a system that mostly delays would be a slow queue: a heavier one says no."""
    known = dataset(
        light=load_test(10, 9.0, 100.0, think_s=1.0), heavy=load_test(100, 80.0, 150.0, think_s=1.0)
    )
    found = bounds_of_data(known)
    assert found.contradicted == ("light",)
    assert len(found.systems) == 1
    assert found.capacity_rps.median == pytest.approx(80 + 1 / 0.15)


def test_failures_contradict_nothing() -> None:
    """Quick refusals under more load say nothing of what a queue carries."""
    tests = {
        "light": load_test(10, 9.0, 100.0, think_s=1.0),
        "refused": load_test(100, 80.0, 5.0, think_s=1.0),
    }
    tests["refused"]["total"] |= {"requests": 8000, "failures": 7000}
    assert bounds_of_data(dataset(**tests)).contradicted == ()


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ({"a": load_test(10, 5.0), "b": load_test(20, 9.0)}, "think time is not known"),
        ({"a": load_test(10, 5.0, None, think_s=1.0)}, "no load test has a mean response time"),
        (
            {"a": load_test(10, 5.0, think_s=1.0), "b": load_test(10, 5.0, think_s=2.0)},
            "think times differ (a: 1 s, b: 2 s)",
        ),
        (
            {
                "a": load_test(10, 5.0, think_s=1.0, machine="laptop"),
                "b": load_test(20, 5.0, think_s=1.0, machine="server"),
            },
            "machines differ (a, b)",
        ),
    ],
)
def test_why_there_is_no_curve(tests: dict[str, Any], said: str) -> None:
    """Load tests that are of different things, or say too little, give no curve but a reason."""
    found = bounds_of_data(dataset(**tests))
    assert found.levels is None
    assert said in found.no_curve


def law_of(found: Bounds) -> tuple[bool, str]:
    """Return whether the law was fitted, and what was said."""
    return found.usl is not None, found.usl_note


def test_the_law_takes_four_loads() -> None:
    """With three there is no fit and a reason; held-out tests are never fitted to."""
    tests = {f"u{n}": load_test(n, n / 1.1, 100.0, think_s=1.0) for n in (10, 20, 40, 80)}
    fitted, note = law_of(bounds_of_data(dataset(**tests)))
    assert (fitted, note) == (True, "")
    tests["u80"]["held_out"] = True
    fitted, note = law_of(bounds_of_data(dataset(**tests)))
    assert not fitted
    assert "4 different numbers of users" in note
    assert "there are 3 (10, 20, 40 users)" in note


def test_failures_in_a_fit_are_said() -> None:
    """Throughput counts failed requests: a curve through them is not one of good answers."""
    tests = {f"u{n}": load_test(n, n / 1.1, think_s=1.0) for n in (10, 20, 40, 80)}
    tests["u80"]["total"] |= {"requests": 100, "failures": 30}
    _, note = law_of(bounds_of_data(dataset(**tests)))
    assert "u80: 30 %" in note


def test_a_single_queue_is_a_network_of_one() -> None:
    """The curve of a reading is that of one server and its users."""
    one, other = of_single_queue(0.1, 2.0), network(0.1, think_s=2.0)
    np.testing.assert_allclose(
        envelope([one], [7]).values["rps_mva"], envelope([other], [7]).values["rps_mva"]
    )
    assert one.knee == pytest.approx(21.0)
