"""How coarsely each tool reports a response time."""

from typing import Literal

# `requests`: a table with a row per request; `exact`: figures that nobody rounded.
Tool = Literal["locust", "k6", "jmeter", "wrk", "hey", "vegeta", "requests", "exact"]

# JTL files have whole milliseconds, hey prints seconds with four decimals.
_STEPS_S: dict[Tool, float] = {"jmeter": 0.001, "hey": 0.0001}


def rounding_step_s(tool: Tool, value_s: float) -> float:
    """Return the step to which a tool rounds a percentile of this size, in seconds.

    Locust keeps response times to two significant digits: below 100 ms to 1 ms, below 1 s to
    10 ms, below 10 s to 100 ms, above to 1 s (locust/stats.py, `round_response_time`).
    """
    if tool != "locust":
        return _STEPS_S.get(tool, 0.0)
    for below_s, step_s in ((0.1, 0.001), (1.0, 0.01), (10.0, 0.1)):
        if value_s < below_s:
            return step_s
    return 1.0
