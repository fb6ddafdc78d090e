"""A look at a load test: where it stands for the whole, and where it must not."""

from typing import Any

import numpy as np
import pytest

from capsim.experiments.curve import crossing, saturation
from capsim.experiments.trials import Trial, run_trial
from capsim.metrics.look import steady_look
from capsim.metrics.run import simulate
from capsim.model.model import Model

FAST = {"app_cpu_s": 0.0005}
THINK = {"law": "uniform", "low": 0.5, "high": 1.5}


def system(scenario: dict[str, Any], requests: dict[str, Any], **user_classes: Any) -> Model:
    """Return a development server with a pool that never is the limit."""
    return Model.model_validate(
        {
            "name": "small",
            "default_scenario": "test",
            "server": {"kind": "development"},
            "database": {"access": {"kind": "pool", "size": 1000}},
            "requests": requests,
            "scenarios": {"test": {**scenario, "user_classes": user_classes}},
        }
    )


def users(task: str, weight: float = 1.0, think_s: Any = None) -> dict[str, Any]:
    """Return users that ask for one thing."""
    return {"weight": weight, "think_s": think_s or THINK, "tasks": {task: 1}}


CALM = system({"users": 100, "duration_s": 300}, {"fast": {"app_cpu_s": 0.002}}, u=users("fast"))
SLOW_CLASS = {"fast": FAST, "slow": {"delay_s": 40.0}}
SLOW_USERS = {
    "quick": users("fast", think_s={"law": "uniform", "low": 0.1, "high": 0.3}),
    "patient": users("slow", weight=3.0),
}
MIXED = {"users": 60, "spawn_rate": 20, "duration_s": 300}


def test_a_look_agrees_with_the_whole_test() -> None:
    """Users that come all at once have left each other before anything is counted."""
    look = steady_look(CALM, CALM.scenario())
    whole = simulate(CALM).summary()
    assert look is not None
    found = look.summary()
    assert found.rps == pytest.approx(whole.rps, rel=0.02)
    for name in ("p50_s", "p95_s", "p99_s"):
        assert found.metric(name) == pytest.approx(whole.metric(name), rel=0.10)


def test_the_throughput_of_a_look_counts_the_ramp() -> None:
    """What a load generator reports of the whole test is lower by what the ramp lacks."""
    ramped = system(
        {"users": 100, "spawn_rate": 5, "duration_s": 300}, {"fast": FAST}, u=users("fast")
    )
    look = steady_look(ramped, ramped.scenario())
    assert look is not None
    assert look.summary().rps == pytest.approx(simulate(ramped).summary().rps, rel=0.01)


def with_tasks(delay_s: float, workers: int) -> Model:
    """Return a system whose requests each leave a task behind, which queries the same database."""
    task = {"delay_s": delay_s, "queries": 1, "query_s": {"law": "exponential", "mean": 0.01}}
    tree = CALM.model_dump(mode="json")
    tree["celery"] = {"workers": workers, "tasks": {"later": task}}
    tree["database"] |= {"cores": 1}
    query = {"queries": 1, "query_s": {"law": "exponential", "mean": 0.003}}
    tree["requests"]["fast"] |= {"task": "later", **query}
    return Model.model_validate(tree)


@pytest.mark.parametrize(("delay_s", "workers"), [(0.01, 20), (1.0, 20)], ids=["idle", "busy"])
def test_a_look_sees_work_in_the_background(delay_s: float, workers: int) -> None:
    """Tasks that keep up, and tasks that have all their workers busy, change nothing later."""
    model = with_tasks(delay_s, workers)
    look = steady_look(model, model.scenario())
    assert look is not None
    whole = simulate(model).summary()
    assert look.summary().rps == pytest.approx(whole.rps, rel=0.02)
    for name in ("p50_s", "p95_s"):
        assert look.summary().metric(name) == pytest.approx(whole.metric(name), rel=0.10)


def test_tasks_that_still_fill_their_workers_are_not_settled() -> None:
    """Workers that get busy only later are not seen by a look, so the whole is simulated."""
    model = with_tasks(delay_s=100.0, workers=100_000)
    assert steady_look(model, model.scenario()) is None


@pytest.mark.parametrize(
    "model",
    [
        system(MIXED, SLOW_CLASS, **SLOW_USERS),
        system({**MIXED, "client": {"timeout_s": 15.0}}, SLOW_CLASS, **SLOW_USERS),
        system({"users": 100, "spawn_rate": 0.5, "duration_s": 300}, {"r": FAST}, u=users("r")),
        system({"users": 50, "duration_s": 40}, {"r": FAST}, u=users("r")),
        system(
            {"users": 50, "duration_s": 300, "drift": {"station": "app", "growth": 1.0}},
            {"r": FAST},
            u=users("r"),
        ),
    ],
    ids=["requests older than the look", "timeouts", "long ramp", "short test", "drift"],
)
def test_no_look_where_the_rest_may_differ(model: Model) -> None:
    """What is still in flight, times out, comes late or drifts is simulated to the end."""
    assert steady_look(model, model.scenario()) is None
    whole = simulate(model).summary()
    assert run_trial(Trial(model=model, scenario="test")).metrics["p99_s"] == whole.metric("p99_s")


def test_a_short_trial_counts_what_it_could_not_wait_for() -> None:
    """One request in five takes 40 s: eight seconds are enough to see that p95 is long."""
    mixed = {"think_s": THINK, "tasks": {"fast": 4, "slow": 1}}
    scenario = {"users": 100, "spawn_rate": 100, "duration_s": 300}
    model = system(scenario, SLOW_CLASS, u=mixed)
    short = run_trial(Trial(model=model, scenario="test", steady_s=8.0))
    assert short.metrics["p95_s"] > 1.0


def test_throughput_that_still_grows_has_no_knee() -> None:
    """Noise at the lowest level makes no knee; a plateau does, at light load's own slope."""
    levels = np.array([5.0, 10.0, 20.0, 40.0])
    assert saturation(levels, np.array([5.1, 9.9, 20.0, 39.0])) == float("inf")
    knee = saturation(levels, np.array([4.8, 10.0, 15.0, 15.2]))
    assert knee == pytest.approx(15.2)


def test_where_nothing_is_answered_the_target_is_missed() -> None:
    """An undefined p95 is beyond any target, and no throughput has no knee."""
    levels = np.array([10.0, 20.0, 40.0])
    assert crossing(levels, np.array([0.1, np.nan, np.nan]), 1.0) == 20.0
    # One slow query among few requests is no cliff: it is within the target again.
    assert crossing(levels, np.array([1.5, 0.2, 0.4]), 1.0) == np.inf
    assert 20.0 < crossing(levels, np.array([1.5, 0.2, 4.0]), 1.0) < levels[2]
    assert crossing(levels, np.full(3, np.nan), 1.0) == 10.0
    assert saturation(levels, np.zeros(3)) == float("inf")
