"""Stations that are not always equally fast: demand that drifts, and faults that slow it down."""

from typing import Literal

from capsim.model.faults import Slow
from capsim.model.workload import Drift, Scenario

_STEPS = 60  # of equal length over the test: each changes the speed by a few percent at most

Speeds = tuple[tuple[float, float], ...]


def speeds(scenario: Scenario, station: Literal["app", "database"]) -> Speeds:
    """Return the (from time, speed) schedule of a station, the inverse of its demand's growth."""
    drift = scenario.drift
    found: Speeds = ()
    if drift is not None and drift.station == station and drift.growth:
        found = _drifting(drift, scenario.duration_s)
    for fault in scenario.faults:
        if isinstance(fault, Slow) and fault.station == station:
            found = _slowed(found, fault)
    return found


def _drifting(drift: Drift, duration_s: float) -> Speeds:
    middles = [(step + 0.5) / _STEPS for step in range(_STEPS)]
    return tuple(
        (step / _STEPS * duration_s, 1 / (1 + drift.growth * middle**drift.power))
        for step, middle in enumerate(middles)
    )


def _slowed(schedule: Speeds, fault: Slow) -> Speeds:
    """Return a schedule with a fault laid over it."""
    begin, end = fault.at_s, fault.at_s + fault.duration_s
    before = schedule or ((0.0, 1.0),)
    times = sorted({begin, end, *(time_s for time_s, _ in before)})

    def speed(time_s: float) -> float:
        undisturbed = [value for since_s, value in before if since_s <= time_s]
        factor = fault.factor if begin <= time_s < end else 1.0
        return (undisturbed[-1] if undisturbed else 1.0) / factor

    return tuple((time_s, speed(time_s)) for time_s in times)
