"""The endpoints of a load test beside each other, and from level to level.

The forced flow law (Denning and Buzen 1978): the throughput of each part is its visits per request
times the throughput of the whole, so the shares of endpoints do not change with the load.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import SIGMAS, Case
from capsim.loadtest.audit.finding import Finding, note, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.observations import Endpoint
from capsim.loadtest.rounding import rounding_step_s

# Tasks are drawn per user, and users come in classes: counts vary more than a multinomial's.
_COUNT_VARIANCE = 2.0
_MATTERS = 0.05
_ALIKE = 3  # endpoints, so that it is no coincidence of two
_ENOUGH = 300  # requests, so that means that differ by a fifth would show at a cv of 1
_SAME = 0.03


def findings(case: Case) -> list[Finding]:
    """Find endpoints that all have the same latency."""
    rows = {
        name: row
        for name, row in case.test.endpoints.items()
        if row.mean_ms and (row.requests or 0) >= _ENOUGH
    }
    if len(rows) < _ALIKE or len(rows) < len(case.test.endpoints):
        return []
    means = [row.mean_ms or 0.0 for row in rows.values()]
    if max(means) > (1 + _SAME) * min(means) or not _same_percentiles(case, rows):
        return []
    return [
        note(
            Kind.SAME_LATENCY,
            [case.label],
            f"All {len(rows)} endpoints have means of {text.seconds(min(means) / 1000)} to "
            f"{text.seconds(max(means) / 1000)} and the same percentiles.",
            endpoints=len(rows),
            least_mean_s=min(means) / 1000,
            largest_mean_s=max(means) / 1000,
        )
    ]


def _same_percentiles(case: Case, rows: dict[str, Endpoint]) -> bool:
    for key in ("p50_ms", "p90_ms", "p95_ms"):
        values = [value for row in rows.values() if (value := getattr(row, key)) is not None]
        if values:
            step_ms = rounding_step_s(case.tool, max(values) / 1000) * 1000
            if max(values) - min(values) > max(step_ms, _SAME * max(values)):
                return False
    return True


def forced_flow(levels: Sequence[Case]) -> list[Finding]:
    """Compare the shares of endpoints between neighbouring levels; `levels` ascend."""
    found: list[Finding] = []
    for low, high in pairwise(levels):
        found += _shares(low, high)
    return found


def _shares(low: Case, high: Case) -> list[Finding]:
    names = [
        name
        for name, row in low.test.endpoints.items()
        if row.requests and high.test.endpoints[name].requests
    ]
    before = [low.test.endpoints[name].requests or 0 for name in names]
    after = [high.test.endpoints[name].requests or 0 for name in names]
    if len(names) < 2:  # noqa: PLR2004 (a share of one endpoint is all)
        return []
    worst, ratio = None, 1.0
    for name, one, other in zip(names, before, after, strict=True):
        share, later = one / sum(before), other / sum(after)
        pooled = (one + other) / (sum(before) + sum(after))
        error = math.sqrt(
            _COUNT_VARIANCE * pooled * (1 - pooled) * (1 / sum(before) + 1 / sum(after))
        )
        if abs(later - share) <= max(SIGMAS * error, _MATTERS * share):
            continue
        if abs(math.log(later / share)) > abs(math.log(ratio)):
            worst, ratio = name, later / share
    if worst is None:
        return []
    share, later = before[names.index(worst)] / sum(before), after[names.index(worst)] / sum(after)
    return [
        warning(
            Kind.FORCED_FLOW,
            [low.label, high.label],
            f"{worst} is {text.percent(share)} of the requests at {low.test.users} users and "
            f"{text.percent(later)} at {high.test.users}.",
            share_low=share,
            share_high=later,
        )
    ]
