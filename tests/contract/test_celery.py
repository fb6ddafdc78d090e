"""Celery: what a request hands over, when it is done, and at whose expense."""

from typing import Any

import numpy as np
import pytest

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from capsim.plan.ops import Status
from small_load_tests import arriving


def run(
    task: dict[str, Any],
    scenario: dict[str, Any],
    *,
    request: dict[str, Any] | None = None,
    database: dict[str, Any] | None = None,
    **celery: Any,
) -> Run:
    """Simulate requests that each leave a task behind."""
    return simulate(
        Model.model_validate(
            {
                "name": "tasks",
                "default_scenario": "test",
                "server": {"kind": "development"},
                "database": {"access": {"kind": "per-request"}, **(database or {})},
                "celery": {"tasks": {"mail": task}, "workers": 1, **celery},
                "requests": {"order": {"delay_s": 0.1, "task": "mail", **(request or {})}},
                "scenarios": {"test": scenario},
            }
        )
    )


def at(*times_s: float) -> dict[str, Any]:
    """One arrival at each of the times, and then half a minute more."""
    calls = arriving("order", *times_s)
    return {"duration_s": times_s[-1] + 30.0, "arrivals": {"calls": calls}}


def steady(rate: float, duration_s: float) -> dict[str, Any]:
    """Arrivals at equal distances."""
    stages = [{"duration_s": duration_s, "rate": rate}]
    calls = {"stages": stages, "interarrival": "constant", "tasks": {"order": 1}}
    return {"duration_s": duration_s, "arrivals": {"calls": calls}}


def responses(result: Run) -> list[float]:
    """Response times in order of start."""
    trace = result.trace
    return [float(time) for time in (trace.end - trace.start)[np.argsort(trace.start)]]


def sojourns(result: Run) -> list[float]:
    """Times from a hand-over to the end of the task, in order of hand-over."""
    tasks = result.trace.tasks
    return [float(time) for time in (tasks.end - tasks.start)[np.argsort(tasks.start)]]


def test_the_answer_does_not_wait_for_the_task() -> None:
    """The request ends when the broker has the message; the tasks take their time, in order."""
    result = run({"delay_s": 2.0, "cpu_s": 1.0}, at(1.0, 2.0, 3.0), enqueue_s=0.05)
    assert responses(result) == pytest.approx([0.15] * 3)
    assert result.trace.tasks.start.tolist() == pytest.approx([1.15, 2.15, 3.15])
    assert sojourns(result) == pytest.approx([3.0, 5.0, 7.0])
    (tasks,) = result.tasks()
    assert (tasks.name, tasks.begun, tasks.done, tasks.failed) == ("task mail", 3, 3, 0)


def test_a_request_that_fails_leaves_no_task() -> None:
    """The hand-over comes after the queries: who gets no connection hands nothing over."""
    result = run(
        {"delay_s": 1.0},
        at(1.0, 1.5),
        request={"queries": 1, "query_s": 3.0},
        database={"max_connections": 5},
    )
    # One of the two connections is the worker's own.
    refused = result.trace.status == Status.CONNECTION_REFUSED
    assert refused.sum() == 1
    assert len(result.trace.tasks.start) == 1


@pytest.mark.parametrize(("workers", "served"), [(1, 6), (3, 4), (6, 1)])
def test_workers_take_their_connections_off_the_database(workers: int, served: int) -> None:
    """Each keeps one, busy or not: of ten, seven are for clients, and what is left for requests."""
    everyone = {"think_s": 1000.0, "tasks": {"order": 1}}
    result = run(
        {"delay_s": 1.0},
        {"duration_s": 20.0, "users": 9, "user_classes": {"everyone": everyone}},
        request={"queries": 1, "query_s": 1.0},
        database={"max_connections": 10, "cores": 64},
        workers=workers,
    )
    assert (result.trace.status == Status.OK).sum() == served
    assert (result.trace.status == Status.CONNECTION_REFUSED).sum() == 9 - served


def test_a_backlog_grows_and_the_web_does_not_show_it() -> None:
    """Two workers do 4 tasks of 0.5 s per second, and 5 come: one more waits each second."""
    task = {"delay_s": 0.5}
    stable = run(task, steady(3.0, 200.0), workers=2)
    unstable = run(task, steady(5.0, 200.0), workers=2)
    (kept_up,), (fell_behind,) = stable.tasks(begin_s=50), unstable.tasks(begin_s=50)
    assert kept_up.growth_per_s == 0.0
    assert kept_up.max_s == pytest.approx(0.5)
    assert fell_behind.growth_per_s == pytest.approx(5 - 2 / 0.5, abs=2 / 150)
    # At the end some 200 wait, 50 s long; no request has taken longer for it.
    assert fell_behind.max_s == pytest.approx(200 * (1 - 4 / 5), abs=1.0)
    assert set(np.round(responses(unstable), 9)[:-1]) == {0.1}


def test_a_time_limit_kills_the_task_and_frees_the_worker() -> None:
    """The limit counts from the worker's start on, not from the hand-over."""
    task = {"delay_s": 5.0, "time_limit_s": 2.0}
    result = run(task, at(1.0, 1.5, 2.0))
    assert sojourns(result) == pytest.approx([2.0, 3.5, 5.0])
    assert result.trace.tasks.status.tolist() == [Status.TASK_TIMEOUT] * 3
    (tasks,) = result.tasks()
    assert (tasks.done, tasks.failed) == (3, 3)
    assert responses(result) == pytest.approx([0.1] * 3)
    short = run({"delay_s": 1.9, "time_limit_s": 2.0}, at(1.0, 1.5))
    assert short.trace.tasks.status.tolist() == [Status.OK] * 2


def test_a_time_limit_ends_a_query_too() -> None:
    """A killed task leaves the database's core to the others at once."""
    task = {"queries": 1, "query_s": 10.0, "time_limit_s": 2.0}
    result = run(task, at(1.0, 9.0), database={"cores": 1})
    busy = result.trace.busy[-1, result.trace.station_names.index("database CPU")]
    assert sojourns(result) == pytest.approx([2.0, 2.0])
    assert busy == pytest.approx(4.0)


def test_tasks_slow_the_web_down_at_the_shared_database() -> None:
    """A query of 1 s beside a task's takes 2 s; tasks on their own machine's CPU disturb nobody."""
    request = {"queries": 1, "query_s": 1.0, "delay_s": 0}
    one_core = {"cores": 1}
    report = {"queries": 1, "query_s": 10.0}
    shared = run(report, at(1.0, 5.0), request=request, database=one_core)
    apart = run({"cpu_s": 10.0}, at(1.0, 5.0), request=request, database=one_core)
    assert responses(shared) == pytest.approx([1.0, 2.0])
    assert responses(apart) == pytest.approx([1.0, 1.0])
    # The first task needs 10 s and loses 1 s to the second request; then the second begins.
    assert sojourns(shared) == pytest.approx([11.0, 16.0])
