"""Capacities of synthetic systems for tests: outcomes, draws, and what they say together."""

import math
from typing import Any

from capsim.experiments.draw_capacity import DrawCapacity, Tried
from capsim.experiments.found_capacity import Capacity
from capsim.experiments.hysteresis import Return
from capsim.experiments.levels_met import Level
from capsim.experiments.loads import Load
from capsim.experiments.search import Ending, Scale
from capsim.experiments.targets import parse_targets
from capsim.experiments.trials import Outcome
from capsim.metrics.tasks import TaskSummary
from capsim.metrics.utilisation import Usage
from capsim.model.toml import load

TARGETS = parse_targets("p95 < 1s")
MODEL = load("p43-report").bind({})
SCALE = Scale(lowest=1, highest=12_000, whole=True)
CORES = Usage(
    name="app CPU",
    kind="cores",
    capacity=2,
    used=2,
    utilisation=1,
    busiest=1,
    queue=9,
    wasted=0,
)

LATE = TaskSummary(
    name="task mail",
    begun=1000,
    done=400,
    failed=0,
    waiting=600,
    growth_per_s=6.0,
    mean_s=1.0,
    p95_s=2.0,
    max_s=3.0,
)


def outcome(p95_s: float, failure_ratio: float = 0.0) -> Outcome:
    """Return an outcome with a p95 and plausible other metrics."""
    metrics = dict.fromkeys(("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "max_s"), p95_s)
    metrics |= {"rps": 100.0, "goodput_rps": 100.0, "failure_ratio": failure_ratio}
    return Outcome(metrics=metrics, failures={}, usages=(CORES,), thin=())


def a_draw(level: float, **more: Any) -> DrawCapacity:
    """Return a draw with a capacity; none at 0, more than the highest if it is infinite."""
    ending = {0.0: Ending.LESS, math.inf: Ending.MORE}.get(level, Ending.FOUND)
    known = {"limit": "app CPU", "limit_beyond": "app CPU", "next_limit": "database CPU"}
    content = {
        "ending": ending,
        "level": 12_000.0 if math.isinf(level) else level,
        "beyond": math.inf if math.isinf(level) else level + 1,
        "tried": (),
        **(known if level else {}),
        "after_burst": Return.BACK,
        **more,
    }
    return DrawCapacity(**content)


def a_capacity(*draws: DrawCapacity, confidence: float = 0.9) -> Capacity:
    """Return what these draws say together."""
    level = Level(level=200, targets=TARGETS, outcomes=(outcome(0.5), outcome(2.0)))
    return Capacity(
        model="small",
        load=Load(scenario="burst"),
        targets=TARGETS,
        confidence=confidence,
        calibrated=True,
        scale=SCALE,
        draws=draws,
        levels=(level,),
        confirmed=None,
        extrapolations=(),
    )


def tried(level: float, *, is_met: bool) -> Tried:
    """Return a level that was tried."""
    return Tried(
        level=level,
        is_met=is_met,
        lacks_load=False,
        margin=0.0,
        metrics={},
        thin=(),
        is_look=False,
    )
