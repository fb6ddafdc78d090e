"""Demand that grows during a test, as a station whose speed falls in small steps."""

from typing import Literal

from capsim.model.workload import Scenario

_STEPS = 60  # of equal length over the test: each changes the speed by a few percent at most

Speeds = tuple[tuple[float, float], ...]


def speeds(scenario: Scenario, station: Literal["app", "database"]) -> Speeds:
    """Return the (from time, speed) schedule of a station, the inverse of its demand's growth."""
    drift = scenario.drift
    if drift is None or drift.station != station or drift.growth == 0:
        return ()
    middles = [(step + 0.5) / _STEPS for step in range(_STEPS)]
    return tuple(
        (step / _STEPS * scenario.duration_s, 1 / (1 + drift.growth * middle**drift.power))
        for step, middle in enumerate(middles)
    )
