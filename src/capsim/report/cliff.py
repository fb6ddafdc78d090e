"""The cliff in words: where response times leave the target, where throughput stops growing."""

import math

from capsim.experiments.curve import Cliff
from capsim.metrics.intervals import Interval
from capsim.report.numbers import seconds


def sentences(cliff: Cliff) -> list[str]:
    """Return a sentence on response times, on throughput, and on good answers if some fail."""
    target = seconds(cliff.target_s)
    searched = f"{cliff.lowest}..{cliff.highest} users"
    found = [_leaves_target(cliff, target, searched)]
    found.append(_stops_growing(cliff, cliff.growth_ends, "Throughput", searched))
    if cliff.good_growth_ends is not None:
        found.append(
            _stops_growing(cliff, cliff.good_growth_ends, "That of good answers", searched)
        )
    return found


def as_json(cliff: Cliff) -> dict[str, object]:
    """Return the cliff as JSON; null: beyond the highest number of users searched."""
    return {
        "target_p95_s": cliff.target_s,
        "p95_passes_target_at_users": cliff.within_target,
        "throughput_stops_growing_at_users": cliff.growth_ends,
        "good_throughput_stops_growing_at_users": cliff.good_growth_ends,
        "searched_users": [cliff.lowest, cliff.highest],
    }


def _leaves_target(cliff: Cliff, target: str, searched: str) -> str:
    found = cliff.within_target
    if math.isinf(found.lo):
        return f"p95 does not pass {target} within {searched}."
    if found.hi <= cliff.lowest:
        return f"p95 is above {target} from {cliff.lowest} users on, where the search begins."
    return f"p95 passes {target} at {_place(found, cliff)}."


def _stops_growing(cliff: Cliff, found: Interval, what: str, searched: str) -> str:
    if math.isinf(found.lo):
        return f"{what} still grows at the end of {searched}."
    if math.isnan(found.median):
        return "Nothing is answered: throughput does not grow at all."
    return f"{what} stops growing at {_place(found, cliff)}."


def _place(found: Interval, cliff: Cliff) -> str:
    spread = f"(90 %: {_users(found.lo, cliff)} to {_users(found.hi, cliff)})"
    if math.isinf(found.median):
        return f"more than {cliff.highest} users in most draws {spread}"
    if found.median <= cliff.lowest:
        return f"{cliff.lowest} users or fewer {spread}"
    return f"about {found.median:.0f} users {spread}"


def _users(value: float, cliff: Cliff) -> str:
    if math.isinf(value):
        return f"beyond {cliff.highest}"
    return f"{max(value, cliff.lowest):.0f}"
