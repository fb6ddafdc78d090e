"""A prediction says which background work does not keep up, and a workload has its limits."""

import io

import pytest
from pydantic import ValidationError
from rich.console import Console

from capsim.experiments.beliefs import Belief
from capsim.experiments.predict import predict
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
