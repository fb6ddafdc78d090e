"""Demand that grows during a test, as a station whose speed falls in small steps."""

from capsim.model.workload import Drift

_STEP_S = 5.0
_MINUTES = 240  # no load test drifts for longer than this in one piece


def speeds(drift: Drift | None, station: str) -> tuple[tuple[float, float], ...]:
    """Return the (time, speed) schedule of a station: speed = 1 / (1 + per_minute * minutes)."""
    if drift is None or drift.station != station or drift.per_minute == 0:
        return ()
    steps = int(_MINUTES * 60 / _STEP_S)
    middles = [((i + 0.5) * _STEP_S) / 60 for i in range(steps)]
    return tuple(
        (i * _STEP_S, 1 / (1 + drift.per_minute * middle)) for i, middle in enumerate(middles)
    )
