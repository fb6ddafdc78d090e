"""Clients that try again after a timeout, and the load that they put on a server by it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from capsim.theory import _checks


@dataclass(frozen=True, kw_only=True)
class RetryEquilibrium:
    """A load that reproduces itself through its retries.

    Attributes:
        attempt_rate: Attempts per second, first ones and retries.
        timeout_probability: Fraction of the attempts that is answered too late.
        goodput: Attempts per second that are answered in time.
        stable: Whether the load comes back to this point after a small disturbance.
        overloaded: Whether the server is saturated by answers that nobody waits for.
    """

    attempt_rate: float
    timeout_probability: float
    goodput: float
    stable: bool
    overloaded: bool


def expected_attempts(*, failure_probability: float, retries: int) -> float:
    """Mean number of attempts with independent failures, (1 - p^(r+1)) / (1 - p).

    Args:
        failure_probability: Probability p that an attempt fails.
        retries: Largest number of retries r after the first attempt.

    Returns:
        The mean number, the sum of p^k for k = 0..r.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not 0.0 <= failure_probability <= 1.0:
        raise ValueError(f"failure_probability must be in [0, 1], got {failure_probability}")
    _checks.count("retries", retries, least=0)
    return math.fsum(failure_probability**attempt for attempt in range(retries + 1))


def hidden_capacity(*, capacity: float, retries: float) -> float:
    """Load below which every backlog drains, even while all attempts fail: C / (1 + r).

    Source: Bronson, Aghayev, Charapko and Zhu 2021, "Metastable Failures in Distributed Systems".

    Args:
        capacity: Attempts per second that the server can execute.
        retries: Retries per request, or the budget of retries as a fraction of the requests.

    Returns:
        The largest such load in requests per second.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.positive("capacity", capacity)
    _checks.non_negative("retries", retries)
    return capacity / (1.0 + retries)


def retry_equilibria(
    *, arrival_rate: float, service_rate: float, timeout: float, retries: int
) -> tuple[RetryEquilibrium, ...]:
    """All loads x of M/M/1 that are their own cause: x = lambda sum of p(x)^k for k = 0..r.

    The retries are taken as Poisson, and abandoned attempts are executed in full, so that
    p(x) = exp(-(mu - x) timeout), or 1 if x >= mu. As the sum is convex in x below mu, at most two
    of its solutions lie there, the lower stable, the upper not; x = lambda (1 + r) is a third one
    if it is mu or more. Two stable ones make a vulnerable system: a fault can push it from the one
    to the other, where it stays (Bronson et al. 2021; Huang et al. 2022, "Metastable Failures in
    the Wild").

    Args:
        arrival_rate: Requests per second, each with one first attempt.
        service_rate: Completions per second of the busy server.
        timeout: Time in seconds from an attempt to the client's giving up.
        retries: Largest number of retries r after the first attempt.

    Returns:
        The equilibria from the lowest load to the highest; at least one.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.positive("timeout", timeout)
    _checks.count("retries", retries, least=0)

    def excess(load: float) -> float:
        late = math.exp(-(service_rate - load) * timeout)
        attempts = expected_attempts(failure_probability=late, retries=retries)
        return arrival_rate * attempts - load

    def slope(load: float) -> float:
        decay = (service_rate - load) * timeout
        rises = (k * timeout * math.exp(-k * decay) for k in range(1, retries + 1))
        return arrival_rate * math.fsum(rises) - 1.0

    worst = arrival_rate * (1 + retries)
    loads = []
    if arrival_rate < service_rate:
        lowest = _sign_change(slope, arrival_rate, service_rate)
        if excess(lowest) < 0.0:
            loads.append(_sign_change(excess, lowest, arrival_rate))
            if worst > service_rate:
                loads.append(_sign_change(excess, lowest, service_rate))
    found = [_equilibrium(load, service_rate, timeout, stable=slope(load) < 0.0) for load in loads]
    if worst >= service_rate:
        found.append(_equilibrium(worst, service_rate, timeout, stable=True))
    return tuple(found)


def _equilibrium(
    load: float, service_rate: float, timeout: float, *, stable: bool
) -> RetryEquilibrium:
    overloaded = load >= service_rate
    late = 1.0 if overloaded else math.exp(-(service_rate - load) * timeout)
    return RetryEquilibrium(
        attempt_rate=load,
        timeout_probability=late,
        goodput=load * (1.0 - late),
        stable=stable,
        overloaded=overloaded,
    )


def _sign_change(function: Callable[[float], float], start: float, end: float) -> float:
    """Where a function that is negative at first turns positive, by bisection; else `end`."""
    if function(start) > 0.0:
        return start
    while True:
        middle = (start + end) / 2.0
        if middle in (start, end):
            return end
        if function(middle) < 0.0:
            start = middle
        else:
            end = middle
