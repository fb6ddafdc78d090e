"""Little's law on closed users: N = X (R + Z), with the documented think law.

Little 1961, "A Proof for the Queuing Formula L = lambda W"; the interactive response time law,
Denning and Buzen 1978, "The Operational Analysis of Queueing Network Models". Multiplied by the
duration it is a balance of user-seconds that holds for every single run: each user is waiting for
an answer or thinking. What the balance leaves open is computed:

- the sum of C think times has the standard error sqrt(C var(Z));
- each user's last think time is cut at the end, by its residual on average and with a variance of
  at most E[Z^2], and the request in flight then is not counted;
- the duration and the users are known as well as they were written down.
"""

import math
from dataclasses import dataclass, replace

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import SIGMAS, Case
from capsim.loadtest.audit.finding import Finding, serious, warning
from capsim.loadtest.audit.history import disagrees
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.audit.spread import slowest_s
from capsim.loadtest.audit.think import Wait, cycle_bounds_s

_MOST_REQUESTS_PER_WAIT = 20  # beyond it, a whole factor is likely to be chance
# A factor is whole when the figures allow a whole number and no half of the way to the next.
_HALF_WAY = 0.25
_DIGITS = 1e-5  # figures are written to six digits; users who never think have no other error
_ABOUT = 0.1  # of twice: of a test with a ramp of some minutes, or of a nominal duration


@dataclass(frozen=True, kw_only=True)
class Balance:
    """User-seconds that the users had, and that the counted requests took."""

    had_low: float
    had_high: float
    took_low: float
    took_high: float
    error: float  # in both directions
    unfinished: float  # taken by requests that no count has
    carried: float  # taken by counted requests before a part began

    @property
    def too_many(self) -> bool:
        """Whether more was taken than the users had."""
        return self.took_low - self.error - self.carried > self.had_high * (1 + _DIGITS)

    @property
    def too_few(self) -> bool:
        """Whether less was taken than the users must have spent."""
        return self.took_high + self.error + self.unfinished < self.had_low


def findings(case: Case) -> list[Finding]:
    """Check one closed load test, and its total apart where that is not of its steady part."""
    found = _of_part(case)
    if found or not case.is_steady or not disagrees(case):
        return found
    return [
        replace(finding, what=f"By the total alone: {finding.what}")
        for finding in _of_part(case.whole)
    ]


def _of_part(case: Case) -> list[Finding]:
    """Check a part of a load test; nothing can be said without a throughput."""
    if case.test.users == 0 or case.rps is None:
        return []
    wait = case.wait
    if wait is None:
        return _more_in_flight_than_users(case)
    balance = balance_of(case, wait)
    if balance.too_many:
        return [_too_many(case, wait, balance)]
    if balance.too_few and case.mean_s is not None:
        return [_too_few(case, wait, balance)]
    return []


def balance_of(case: Case, wait: Wait) -> Balance:
    """Return the balance of user-seconds of a load test."""
    requests, duration_s = case.requests or 0.0, case.duration_s
    low_s, high_s = case.mean_bounds_s
    least_s = cycle_bounds_s(wait, low_s, slowest_s(case.test.total))[0]
    most_s = cycle_bounds_s(wait, high_s, slowest_s(case.test.total))[1]
    few, many = case.users
    chance = SIGMAS * math.sqrt(requests * wait.variance)
    # Both ends of a steady part cut cycles; a whole test has one end.
    ends = 2 if case.is_steady else 1
    edge = ends * (many * wait.residual_s + SIGMAS * math.sqrt(many * wait.squared))
    rounding = case.duration_error * many * duration_s
    # Twice, because how many are in flight at the very end is a matter of chance.
    in_flight = 2 * min(low_s * requests / duration_s, many)
    age_s = case.in_flight_residual_s
    return Balance(
        had_low=few * duration_s,
        had_high=many * duration_s,
        took_low=requests * least_s,
        took_high=requests * most_s,
        error=chance + edge + rounding,
        unfinished=ends * in_flight * age_s,
        # Without a maximum, as old as requests of an exponential law.
        carried=(ends - 1) * in_flight * (age_s if math.isfinite(age_s) else low_s),
    )


def implied_think_s(case: Case) -> tuple[float, float] | None:
    """Return the least and the largest think time N/X - R that the figures imply, in seconds."""
    rate, response_s = case.rps, case.mean_s
    if rate is None or response_s is None or case.test.users == 0:
        return None
    few, many = case.users
    error = case.duration_error
    return (
        few / rate * (1 - error) - response_s,
        many / rate * (1 + error) - response_s,
    )


def _too_many(case: Case, wait: Wait, balance: Balance) -> Finding:
    factor = balance.took_low / balance.had_high
    whole = requests_per_wait(case, wait)
    numbers = _numbers(case, wait) | {"factor": factor}
    if math.isinf(whole):
        return warning(
            Kind.NO_WAIT,
            [case.label],
            f"{_measured(case)}, with no room for the documented think time of "
            f"{text.seconds(wait.mean_s)}: N/X - R leaves {_left(case)}.",
            **numbers,
        )
    if whole > _TWO:
        return warning(
            Kind.REQUESTS_PER_WAIT,
            [case.label],
            f"{_measured(case)}: the documented think time of {text.seconds(wait.mean_s)} is "
            f"{whole:.0f} times what N/X - R leaves ({_left(case)}), so users seem to send "
            f"{whole:.0f} requests per wait.",
            **numbers,
            requests_per_wait=whole,
        )
    twice = ""
    if whole == _TWO:
        twice = " That is twice, within the error: counted twice, or two requests per wait?"
    elif abs(factor - _TWO) <= _ABOUT * _TWO:
        # Nothing but the ramp, in which users are fewer, keeps it from being a whole factor.
        twice = " That is about twice: counted twice, or two requests per wait?"
    return serious(
        Kind.TOO_MANY_REQUESTS,
        [case.label],
        f"{_measured(case)}, {text.number(factor)} times the "
        f"{text.number((case.rps or 0.0) / factor)}/s that {case.users[1]:.0f} users who think "
        f"{text.seconds(wait.mean_s)} can send (X = N/(R + Z)).{twice}",
        **numbers,
    )


_TWO = 2


def requests_per_wait(case: Case, wait: Wait) -> float:
    """Return the whole number of requests per wait that would explain a load, or 0.

    Infinite: the users did not wait at all.
    """
    balance, requests = balance_of(case, wait), case.requests or 0.0
    thought = requests * wait.mean_s
    if wait.period_s is not None or thought == 0:
        return 0.0
    answered = balance.took_low - thought
    if answered + balance.error >= balance.had_high:
        fits_none = answered - balance.error <= balance.had_high
        return math.inf if fits_none else 0.0
    least = thought / (balance.had_high - answered + balance.error)
    # Where nothing tells how slow requests were, those in flight at the end are left out.
    unfinished = balance.unfinished if math.isfinite(balance.unfinished) else 0.0
    left = max(balance.had_low - answered - balance.error - unfinished, 0.0)
    most = thought / left if left > 0 else math.inf
    whole = round(thought / (balance.had_high - answered))
    inside = least <= whole <= most and (most - least) / 2 < _HALF_WAY * whole
    return float(whole) if inside and _TWO <= whole <= _MOST_REQUESTS_PER_WAIT else 0.0


def _too_few(case: Case, wait: Wait, balance: Balance) -> Finding:
    share = balance.took_high / balance.had_low
    missing = (1 - share) * case.users[0]
    factor = case.users[0] / (case.rps or 1.0) - (case.mean_s or 0.0)
    factor /= wait.mean_s or math.inf
    error = (balance.error + balance.unfinished) / balance.had_low
    is_whole = round(factor) >= _TWO and abs(factor - round(factor)) <= error * factor
    whole = (
        f" The think time that is implied is {round(factor)} times the documented one."
        if is_whole
        else ""
    )
    return serious(
        Kind.TOO_FEW_REQUESTS,
        [case.label],
        f"{_measured(case)}, {text.percent(share)} of what {case.test.users} users who think "
        f"{text.seconds(wait.mean_s)} would send: as if {text.number(missing)} of them sent "
        f"nothing. N/X - Z gives {text.seconds(case.users[0] / (case.rps or 1.0) - wait.mean_s)} "
        f"per request; reported is a mean of {text.seconds(case.mean_s or 0.0)}.{whole}",
        **_numbers(case, wait),
        factor=share,
        missing_users=missing,
    )


def _more_in_flight_than_users(case: Case) -> list[Finding]:
    """Without a think law, requests in flight X R are at most the users N."""
    balance = balance_of(case, Wait(mean_s=0.0, variance=0.0, squared=0.0, residual_s=0.0))
    if not balance.too_many:
        return []
    factor = balance.took_low / balance.had_high
    return [
        serious(
            Kind.TOO_MANY_REQUESTS,
            [case.label],
            f"{_measured(case)} means X R = {text.number(factor * case.users[1])} requests in "
            f"flight on average, {text.number(factor)} times the users, who have one each.",
            **_numbers(case, None),
            factor=factor,
        )
    ]


def _measured(case: Case) -> str:
    low_s, _ = case.mean_bounds_s
    least = "" if case.mean_s is not None else "at least "
    return (
        f"{text.number(case.rps or 0.0)} requests/s at a mean response time of {least}"
        f"{text.seconds(low_s)}"
    )


def _left(case: Case) -> str:
    return text.seconds(max(case.users[1] / (case.rps or 1.0) - case.mean_bounds_s[0], 0.0))


def _numbers(case: Case, wait: Wait | None) -> dict[str, float]:
    rate = case.rps or 0.0
    numbers = {"users": case.users[1], "rps": rate, "mean_s": case.mean_bounds_s[0]}
    numbers["implied_think_s"] = case.users[1] / rate - case.mean_bounds_s[0]
    if wait is not None:
        numbers["think_s"] = wait.mean_s
    return numbers
