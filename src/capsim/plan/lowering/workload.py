"""Users that come, ask, think and go; and arrivals that just come."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from capsim.model.laws import ConstantPacing
from capsim.model.model import Model
from capsim.model.workload import Arrivals, Scenario, Stage
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.client import lower_retries, patience
from capsim.plan.plan import INFINITE
from capsim.plan.streams import Luck

_CHUNK = 4096  # interarrival times drawn at once

Session = tuple[float, float]  # (start, stop), in seconds


def lower_workload(
    builder: PlanBuilder,
    model: Model,
    scenario: Scenario,
    classes: Mapping[str, int],
    luck: Luck,
) -> None:
    """Add the sources of a load test; `classes` are the request classes' indices by name."""
    patience_s, status = patience(scenario.client, model.balancer)
    retries = lower_retries(builder, scenario.client.retries)
    for name, sessions in _sessions_by_class(scenario).items():
        user_class = scenario.user_classes[name]
        if user_class.tasks and sessions:
            builder.users(
                name,
                think=user_class.think_s,
                classes=[(classes[task], weight) for task, weight in user_class.tasks.items()],
                starts=np.array([start for start, _ in sessions]),
                stops=np.array([stop for _, stop in sessions]),
                pacing=isinstance(user_class.think_s, ConstantPacing),
                client_timeout_s=patience_s,
                timeout_status=status,
                retries=retries,
            )
    for name, arrivals in scenario.arrivals.items():
        builder.arrivals(
            name,
            classes=[(classes[task], weight) for task, weight in arrivals.tasks.items()],
            times=_arrival_times(arrivals, luck(name, "interarrival")),
            client_timeout_s=patience_s,
            timeout_status=status,
            retries=retries,
        )


def spawn_times(users: int, spawn_rate: float | None) -> NDArray[np.float64]:
    """Return when each user starts: Locust spawns floor(rate) users at once, once per interval."""
    if spawn_rate is None:
        return np.zeros(users)
    batch = max(1, math.floor(spawn_rate))
    times: NDArray[np.float64] = np.arange(users) // batch * np.float64(batch / spawn_rate)
    return times


def _sessions_by_class(scenario: Scenario) -> dict[str, list[Session]]:
    sessions = _staged(scenario.stages) if scenario.stages else _steady(scenario)
    found: dict[str, list[Session]] = {name: [] for name in scenario.user_classes}
    weights = {name: spec.weight for name, spec in scenario.user_classes.items()}
    names = class_cycle(weights, len(sessions))
    for session, name in zip(sessions, names, strict=True):
        found[name].append(session)
    return found


def _steady(scenario: Scenario) -> list[Session]:
    starts = spawn_times(scenario.users, scenario.spawn_rate)
    return [(start, INFINITE) for start in starts.tolist()]


def _staged(stages: tuple[Stage, ...]) -> list[Session]:
    """Return the sessions of a test in stages; who came last goes first."""
    sessions: list[list[float]] = []
    active: list[list[float]] = []
    begin = 0.0
    for stage in stages:
        change = stage.users - len(active)
        times = begin + spawn_times(abs(change), stage.spawn_rate)
        for time in times[times < begin + stage.duration_s].tolist():
            if change > 0:
                active.append([time, INFINITE])
                sessions.append(active[-1])
            else:
                active.pop()[1] = time
        begin += stage.duration_s
    return [(start, stop) for start, stop in sessions]


def class_cycle(weights: Mapping[str, float], count: int) -> list[str]:
    """Return the class of each of `count` users, spread evenly; more users change none before."""
    total = sum(weights.values())
    given = dict.fromkeys(weights, 0)
    cycle: list[str] = []
    for number in range(1, count + 1):
        name = max(weights, key=lambda k: number * weights[k] / total - given[k])
        given[name] += 1
        cycle.append(name)
    return cycle


def _arrival_times(arrivals: Arrivals, luck: np.random.Generator) -> NDArray[np.float64]:
    """Return arrival times: a unit-rate renewal process, stretched by the rate of each stage."""
    ends = np.cumsum([stage.duration_s for stage in arrivals.stages])
    expected = np.cumsum([stage.duration_s * stage.rate for stage in arrivals.stages])
    chunks: list[NDArray[np.float64]] = []
    reached = 0.0
    while reached < expected[-1]:
        gaps = luck.standard_exponential(_CHUNK)
        chunks.append(gaps if arrivals.interarrival == "exponential" else np.ones(_CHUNK))
        reached += float(chunks[-1].sum())
    counted = np.cumsum(np.concatenate(chunks)) if chunks else np.empty(0)
    counted = counted[counted < expected[-1]]
    begin = np.zeros(1)
    times: NDArray[np.float64] = np.interp(
        counted, np.concatenate([begin, expected]), np.concatenate([begin, ends])
    )
    return times
