"""Small load tests whose outcome can be worked out by hand: made here, checked in many places."""

from typing import Any

import numpy as np

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model


def run(
    server: dict[str, Any], requests: dict[str, Any], scenario: dict[str, Any], **parts: Any
) -> Run:
    """Simulate a load test of a model made of these parts."""
    model = {"name": "small", "default_scenario": "test", "machine": {"cores": 16}}
    model |= {"server": server, "requests": requests, "scenarios": {"test": scenario}}
    return simulate(Model.model_validate(model | parts))


def arriving(task: str, *times_s: float) -> dict[str, Any]:
    """Open arrivals: one request of a class at each of the times."""
    gaps = np.diff([0.0, *times_s]).tolist()
    stages = [{"duration_s": gap, "rate": 1 / gap} for gap in gaps]
    stages.append({"duration_s": 1.0, "rate": 0.5})  # who comes at the very end does not count
    return {"stages": stages, "interarrival": "constant", "tasks": {task: 1}}


def at(**times_s: list[float]) -> dict[str, Any]:
    """Open arrivals: requests of each class at the times given."""
    return {"arrivals": {task: arriving(task, *times) for task, times in times_s.items()}}


def users(count: int, think_s: float, duration_s: float) -> dict[str, Any]:
    """Closed users who ask for `work`."""
    classes = {"user": {"think_s": think_s, "tasks": {"work": 1}}}
    return {"users": count, "duration_s": duration_s, "user_classes": classes}


def answers(result: Run, task: str = "work") -> list[tuple[float, int]]:
    """Response time and status of each request of a class, in order of start and user."""
    trace = result.trace
    mine = trace.request_class == trace.class_names.index(task)
    order = np.lexsort((trace.user[mine], trace.start[mine]))
    taken = (trace.end - trace.start)[mine][order].round(6).tolist()
    return list(zip(taken, trace.status[mine][order].tolist(), strict=True))
