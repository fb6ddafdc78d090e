"""Was the response time steady while the load was? A test with the noise that a queue has.

Neighbouring requests of a queue resemble each other, so the mean over a stretch is noisier than
its number of requests says. The noise is computed from the figures: with L = X R requests in
flight, a single server that is busy the share L/(1 + L) has Var(L) = L (1 + L) and forgets within
(1 + rho)/(1 - rho)^2 service times (Whitt 1989, "Planning Queueing Simulations", section 4.2). In a
closed system Var(L) is at most of the size of N, and where users are known to think (and are not
paced, which sends on at the same rate however long the queue) no correlation outlasts a cycle N/X.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from capsim.loadtest.audit import spread, text
from capsim.loadtest.audit.case import SAME_USERS, SIGMAS, Case
from capsim.loadtest.audit.finding import Finding, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.recorded import Stretch

_FLAT = 0.15  # a throughput that changes by less, while the response time changes, is flat
# Service that varies more than the exponential law of the formula, and users in classes.
_VARIANCE_FACTOR = 2.0
_MATTERS = 0.1  # a smaller change of the mean is within what a calibration allows for the model
_PARTS = 2
_PARTS_FOR_A_TREND = 4  # without one of them, three still show a direction
_FASTEST_S = 1e-4  # no tool measures below: keeps a mean of 0 ms from a division by zero


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of time under full load."""

    from_s: float
    until_s: float
    rps: float
    mean_s: float


def findings(case: Case) -> list[Finding]:
    """Look for a trend of the mean response time over the parts of a load test."""
    parts = parts_of(case)
    if len(parts) < _PARTS:
        return []
    rates = [part.rps for part in parts]
    if max(rates) > (1 + _FLAT) * min(rates):
        return []
    lasted = [part.until_s - part.from_s for part in parts]
    mean_s = sum(p.mean_s * s for p, s in zip(parts, lasted, strict=True)) / sum(lasted)
    # The noise is that of a steady test, which is what the trend is held against.
    noise = [mean_variance(case, sum(rates) / len(rates), mean_s, seconds) for seconds in lasted]
    slope, error = _slope(parts, noise)
    first, last = parts[0], parts[-1]
    change = slope * (_middle(last) - _middle(first)) / mean_s
    if abs(slope) <= SIGMAS * error or abs(change) < _MATTERS or _is_one_part(parts, noise):
        return []
    direction = "grows" if slope > 0 else "falls"
    return [
        warning(
            Kind.DRIFT,
            [case.label],
            f"The mean response time {direction} from {text.seconds(first.mean_s)} "
            f"({first.from_s:.0f} to {first.until_s:.0f} s) to {text.seconds(last.mean_s)} "
            f"({last.from_s:.0f} to {last.until_s:.0f} s) at a flat throughput of "
            f"{text.number(sum(rates) / len(rates))}/s: {abs(slope) / error:.0f} standard errors.",
            first_mean_s=first.mean_s,
            last_mean_s=last.mean_s,
            first_rps=first.rps,
            last_rps=last.rps,
            standard_errors=abs(slope) / error,
        )
    ]


def _is_one_part(parts: Sequence[Part], noise: Sequence[float]) -> bool:
    """Say whether one part carries the trend by itself: a slow moment is no drift.

    Without any one of four parts or more, half of the evidence has to remain.
    """
    if len(parts) < _PARTS_FOR_A_TREND:
        return False
    for left_out in range(len(parts)):
        kept = [at for at in range(len(parts)) if at != left_out]
        slope, error = _slope([parts[at] for at in kept], [noise[at] for at in kept])
        if abs(slope) <= SIGMAS / 2 * error:
            return True
    return False


def parts_of(case: Case) -> list[Part]:
    """Return the parts of a test under its full load that have a mean and a throughput."""
    parts = [
        Part(from_s=one.from_s, until_s=one.until_s, rps=one.throughput, mean_s=one.mean_s)
        for one in at_full_load(case)
        if one.mean_s is not None and one.throughput is not None
    ]
    return parts if len(parts) >= _PARTS else _from_windows(case)


def at_full_load(case: Case) -> list[Stretch]:
    """Return the stretches that lie after the ramp and have the full number of users."""
    stretches = case.test.stretches
    users = [one.users for one in stretches if one.users is not None]
    ramp_s = case.test.ramp_s or 0.0
    if not users:
        return [one for one in stretches if one.from_s >= ramp_s]
    full = (1 - SAME_USERS) * max(users)
    return [one for one in stretches if one.users is not None and one.users >= full]


def mean_variance(case: Case, rps: float, mean_s: float, duration_s: float) -> float:
    """Return the variance of a mean response time over so many seconds of a queue."""
    response_s = max(mean_s, _FASTEST_S)
    in_flight = rps * response_s
    busy = in_flight / (1 + in_flight)
    service_s = response_s / (1 + in_flight)
    memory_s = service_s * (1 + busy) / (1 - busy) ** 2
    varies = in_flight * (1 + in_flight)
    if case.test.users:
        wait = case.wait
        cycle_s = case.test.users / rps
        if wait is not None and wait.period_s is None:
            memory_s = min(memory_s, cycle_s)
        if wait is not None and wait.variance == 0:
            # Users who met at a slow request come back together, as constant waits keep them.
            memory_s = max(memory_s, cycle_s)
        varies = min(varies, float(case.test.users))
    queue = varies * min(1.0, 2 * memory_s / duration_s) / rps**2
    return _VARIANCE_FACTOR * queue + _sampling(case, response_s) / (rps * duration_s)


def _sampling(case: Case, mean_s: float) -> float:
    """Variance of one request: from the percentiles of the total, else that of its mean."""
    total_s = case.test.total.mean_s
    squared = spread.second_moment(case.test.total, case.tool)
    if not total_s or math.isinf(squared):
        return mean_s**2
    return max(squared / total_s**2 - 1, 0.0) * mean_s**2


def _from_windows(case: Case) -> list[Part]:
    """Take cumulated windows apart, under the one throughput that the test has after its ramp."""
    end_s = case.test.duration_s
    so_far = {one.until_s: one.mean_ms for one in case.test.windows if one.mean_ms is not None}
    windows = [(until_s, mean_ms) for until_s, mean_ms in so_far.items() if until_s < end_s]
    total_ms, rate = case.test.total.mean_ms, case.rps
    if not windows or total_ms is None or rate is None:
        return []
    windows = sorted([*windows, (end_s, total_ms)])
    half_ramp_s = (case.test.ramp_s or 0.0) / 2
    parts: list[Part] = []
    for (begin_s, before_ms), (until_s, until_ms) in pairwise(windows):
        lasted = until_s - begin_s
        mean_ms = (
            until_ms * (until_s - half_ramp_s) - before_ms * (begin_s - half_ramp_s)
        ) / lasted
        if begin_s >= (case.test.ramp_s or 0.0) and mean_ms > 0:
            parts.append(Part(from_s=begin_s, until_s=until_s, rps=rate, mean_s=mean_ms / 1000))
    beginning = _after_the_ramp(case, windows[0], parts)
    return parts if beginning is None else [beginning, *parts]


def _after_the_ramp(case: Case, window: tuple[float, float], parts: Sequence[Part]) -> Part | None:
    """Return the first window without its ramp, as near to what follows as it may be.

    Half as many requests fell into the ramp, and were no slower than those after it: the mean after
    the ramp lies between that of the window and what is left when those in the ramp took no time.
    """
    until_s, mean_ms = window
    ramp_s = case.test.ramp_s
    if ramp_s is None or until_s < 2 * ramp_s or not parts or parts[0].from_s != until_s:
        return None
    most_ms = mean_ms * (until_s - ramp_s / 2) / (until_s - ramp_s)
    nearest_s = min(max(parts[0].mean_s, mean_ms / 1000), most_ms / 1000)
    return Part(from_s=ramp_s, until_s=until_s, rps=parts[0].rps, mean_s=nearest_s)


def _slope(parts: Sequence[Part], variances: Sequence[float]) -> tuple[float, float]:
    """Weighted least squares: the change of the mean per second, and its standard error."""
    weights = [1 / variance for variance in variances]
    middle = sum(w * _middle(p) for w, p in zip(weights, parts, strict=True)) / sum(weights)
    spread_s = sum(w * (_middle(p) - middle) ** 2 for w, p in zip(weights, parts, strict=True))
    along = sum(w * (_middle(p) - middle) * p.mean_s for w, p in zip(weights, parts, strict=True))
    return along / spread_s, 1 / math.sqrt(spread_s)


def _middle(part: Part) -> float:
    return (part.from_s + part.until_s) / 2
