"""The scenario that is written for pasting is one that a model file takes."""

import tomllib

import numpy as np
import pytest

from capsim.loadtest.assembling import Told, assemble
from capsim.loadtest.figures import Figures
from capsim.loadtest.recorded import Recorded, SourceFile
from capsim.loadtest.recording import FloatArray, History, Recording, Row
from capsim.loadtest.scenario_block import scenario_lines
from capsim.model.laws import Constant
from capsim.model.workload import Scenario


def recording(users: FloatArray | None, rate: float | None = None) -> Recording:
    """Return a load test of two endpoints with these users over time, or at this rate."""
    history = None
    if users is not None:
        time_s = np.arange(len(users), dtype=np.float64)
        unknown = np.full(len(users), np.nan)
        requests = np.cumsum(users)
        history = History(
            time_s=time_s,
            users=users,
            requests=requests,
            failures=requests * 0,
            mean_s=time_s * 0 + 0.01,
            p50_s=unknown,
            p95_s=unknown,
        )
    rows = (
        Row(endpoint="GET /a/", figures=Figures(requests=300)),
        Row(endpoint="POST /a/", figures=Figures(requests=100)),
    )
    return Recording(
        tool="locust",
        sources=(SourceFile(name="x.csv", sha256="0" * 64, size_bytes=1),),
        rows=rows,
        total=Figures(requests=400),
        history=history,
        duration_s=180.0,
        rate=rate,
        recorded=Recorded(rows=2),
    )


def pasted(found: Recording) -> Scenario:
    """Return the scenario as a model file with it has it."""
    (imported,) = assemble({"a test": found}, {"a test": Told(think_s=Constant(value=1.5))})
    tree = tomllib.loads("\n".join(scenario_lines(imported)))
    return Scenario.model_validate(tree["scenarios"]["a test"])


def test_users_with_a_ramp() -> None:
    """Users, ramp, think time, and tasks by their measured shares."""
    users = np.concatenate([np.linspace(0, 50, 11), np.full(170, 50.0)])
    scenario = pasted(recording(users))
    assert (scenario.users, scenario.spawn_rate, scenario.duration_s) == (50, 5, 180)
    assert scenario.user_classes["user"].tasks == {"get_a": 300, "post_a": 100}
    assert scenario.user_classes["user"].think_s == Constant(value=1.5)


def test_a_staircase() -> None:
    """A test in steps is repeated in steps, and lasts as long."""
    users = np.concatenate([np.full(60, level) for level in (10.0, 50.0, 20.0)])
    scenario = pasted(recording(users))
    assert [stage.users for stage in scenario.stages] == [10, 50, 20]
    assert sum(stage.duration_s for stage in scenario.stages) == pytest.approx(180)
    assert scenario.peak_users == 50


def test_a_rate() -> None:
    """An open test becomes arrivals."""
    scenario = pasted(recording(None, rate=12.5))
    assert scenario.arrivals["all"].stages[0].rate == 12.5
    assert scenario.peak_users == 0
