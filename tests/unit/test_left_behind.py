"""A prediction says which background work does not keep up, and a workload has its limits."""

import io

import pytest
from pydantic import ValidationError
from rich.console import Console

from capsim.experiments.beliefs import Belief
from capsim.experiments.left_behind import falls_behind
from capsim.experiments.predict import predict
from capsim.metrics.tasks import TaskSummary
from capsim.model.template import parse_template
from capsim.model.workload import Arrivals
from capsim.provenance import provenance
from capsim.report import prediction as report
from capsim.report.context import Context

TREE = {
    "name": "tasks",
    "default_scenario": "test",
    "server": {"kind": "development"},
    "celery": {"workers": 2, "tasks": {"mail": {"delay_s": 0.5}}},
    "requests": {"send": {"delay_s": 0.05, "task": "mail"}},
    "scenarios": {
        "test": {
            "users": 10,
            "duration_s": 60,
            "user_classes": {"u": {"think_s": 0.95, "tasks": {"send": 1}}},
        }
    },
}


def shown(workers: int) -> str:
    """The report of a prediction with so many Celery workers."""
    tree = {**TREE, "celery": {**TREE["celery"], "workers": workers}}  # type: ignore[dict-item]
    belief = Belief(template=parse_template(tree, "tasks.toml"))
    found = predict(belief, 10, draws=2, curve_draws=0)
    context = Context(
        model="tasks",
        description="",
        calibration="",
        changes={},
        is_what_if=False,
        warnings=(),
        provenance=provenance(model="tasks"),
    )
    text = io.StringIO()
    Console(file=text, width=100).print(report.renderable(found, context))
    return text.getvalue().replace("\n", " ")


def test_tasks_that_pile_up_are_said_to() -> None:
    """Ten tasks/s for two workers that do four: the web is fine, and the report says it is not."""
    assert "task mail does not keep up; what waits grows by 6" in shown(2)
    assert "keep up" not in shown(8)


def test_more_arrivals_than_can_be_simulated() -> None:
    """A rate that would fill the memory is refused with its number."""
    with pytest.raises(ValidationError, match=r"1e\+08 arrivals: more than 10000000 cannot"):
        Arrivals.model_validate({"stages": [{"duration_s": 1, "rate": 1e8}], "tasks": {"a": 1}})


def a_task(**more: float) -> TaskSummary:
    """Tasks of which 1000 came in the window, and 600 were done."""
    counts = {"begun": 1000, "done": 600, "failed": 0, "waiting": 400, "growth_per_s": 4.0}
    times = {"mean_s": 20.0, "p95_s": 40.0, "max_s": 41.0}
    return TaskSummary(name="task mail", **{**counts, **times, **more})  # type: ignore[arg-type]


def test_a_queue_that_is_long_by_luck_does_not_pile_up() -> None:
    """Of many tasks a few wait at the end of any test: only a growing share is left behind."""
    assert falls_behind(a_task())
    assert not falls_behind(a_task(done=990, waiting=10, growth_per_s=0.5))
    assert not falls_behind(a_task(begun=10, done=9, waiting=1, growth_per_s=0.01))
