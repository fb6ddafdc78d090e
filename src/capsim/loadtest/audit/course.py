"""What ran when: users that never came, levels that were mixed, counters that stood still.

The number of requests of a stretch has a variance of its mean times the squared coefficient of
variation of a user's cycle, and one more for the rest (renewal theory: Cox 1962, section 4.2).
"""

import math
from statistics import median

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import SAME_USERS, SIGMAS, Case
from capsim.loadtest.audit.drift import at_full_load
from capsim.loadtest.audit.finding import Finding, serious, warning
from capsim.loadtest.audit.history import dispersion, tells_its_rate, with_holes
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.recorded import Stretch

_STOPPED = 0.1  # of the usual throughput
_DIPPED = 0.5
_LEVEL_BELOW = 0.9  # of the highest: fewer users make a level of their own
_LASTED = 0.2  # of the test; a shorter time is a ramp, which every test has
_STRETCHES = 3  # the fewest that show what is usual
_MOST_RAMP = 0.5
_ONE_USER = 1 - 1e-6  # but for the rounding of a mean


def findings(case: Case) -> list[Finding]:
    """Look at the course of one load test."""
    return [*_users_missing(case), *_levels(case), *_ramp(case), *_stopped(case)]


def _users_missing(case: Case) -> list[Finding]:
    """Hold the users of the steady part, which is the full load, against those that are named.

    Without such a part nobody knows how many would have been there.
    """
    steady, named = case.test.steady, case.test.users
    if steady is None or not steady.users or not named:
        return []
    missing = named - steady.users
    # Users that come and go are fewer on average; a whole one is missing at the least.
    if missing < _ONE_USER or missing <= SAME_USERS * named:
        return []
    return [
        serious(
            Kind.USERS_MISSING,
            [case.label],
            f"The test names {named} users, and the tool counted {text.number(steady.users)} at "
            f"full load: {text.percent(missing / named)} are missing.",
            users=named,
            users_counted=steady.users,
        )
    ]


def _kept(case: Case) -> list[float]:
    """Return the users of the parts of a test that never had its full number; else nothing."""
    users = [one.users for one in case.test.stretches if one.users]
    if case.test.steady is not None or not users or not case.test.users:
        return []
    return [] if max(users) >= (1 - SAME_USERS) * case.test.users else users


def _levels(case: Case) -> list[Finding]:
    """Without a steady part, find other numbers of users that lasted, beside the highest."""
    known = [(one.users, one.duration_s) for one in case.test.stretches if one.users]
    top = max((users for users, _ in known), default=0.0)
    ramp_s = case.test.ramp_s or 0.0
    below = [(users, lasted) for users, lasted in known if users < _LEVEL_BELOW * top]
    lasted_s = sum(lasted for _, lasted in below) - ramp_s
    if case.is_steady or _kept(case) or not below or lasted_s <= _LASTED * case.test.duration_s:
        return []
    least = min(users for users, _ in below)
    return [
        warning(
            Kind.SEVERAL_LEVELS,
            [case.label],
            f"The total is of several levels, {text.number(least)} to {text.number(top)} users; "
            f"{text.number(sum(lasted for _, lasted in below))} of "
            f"{text.number(case.test.duration_s)} s were below the highest.",
            least_users=least,
            most_users=top,
        )
    ]


def _ramp(case: Case) -> list[Finding]:
    if users := _kept(case):
        return [_never_full(case, users)]
    ramp_s, duration_s = case.test.ramp_s, case.test.duration_s
    if case.is_steady or ramp_s is None or ramp_s <= _MOST_RAMP * duration_s:
        return []
    return [
        warning(
            Kind.MOSTLY_RAMP,
            [case.label],
            f"{text.number(ramp_s)} of {text.number(duration_s)} s were ramp: the mean number of "
            f"users is {text.number(case.users[0])}, not {case.test.users}.",
            ramp_s=ramp_s,
            duration_s=duration_s,
            mean_users=case.users[0],
        )
    ]


def _never_full(case: Case, users: list[float]) -> Finding:
    least, most = text.number(min(users)), text.number(max(users))
    had = most if least == most else f"{least} to {most}"
    return warning(
        Kind.MOSTLY_RAMP,
        [case.label],
        f"No part of the test kept its {case.test.users} users: its parts had {had} on average, "
        "as in a ramp, or while users end one by one.",
        users=case.test.users,
        least_users=min(users),
        most_users=max(users),
    )


def _stopped(case: Case) -> list[Finding]:
    full = with_holes(case, [one for one in at_full_load(case) if tells_its_rate(one)])
    rates = [_rate(one) for one in full]
    if len(full) < _STRETCHES:
        return _windows_stopped(case)
    usual = median(rates)
    low = [
        one
        for one, rate in zip(full, rates, strict=True)
        if rate < _DIPPED * usual and _is_no_chance(case, rate, usual, one.duration_s)
    ]
    if not low:
        return []
    worst = min(low, key=_rate)
    if low[-1] is full[-1] and _rate(full[-1]) < _STOPPED * usual:
        return [_frozen(case, full[-1], usual)]
    return [_stalled(case, worst, usual)]


def _frozen(case: Case, stretch: Stretch, usual: float) -> Finding:
    total = case.test.total
    told = ""
    if total.mean_s is not None:
        told = f" The total still reports a mean of {text.seconds(total.mean_s)}"
        failed = total.failure_ratio
        told += "." if failed is None else f" and {text.percent(failed)} failures."
    return serious(
        Kind.FROZEN,
        [case.label],
        f"From {stretch.from_s:g} s to the end ({stretch.until_s:g} s) "
        f"{text.number(_rate(stretch))} requests/s were answered, {text.number(usual)} before, "
        f"with all users running.{told}",
        from_s=stretch.from_s,
        rps=_rate(stretch),
        usual_rps=usual,
    )


def _stalled(case: Case, stretch: Stretch, usual: float) -> Finding:
    return warning(
        Kind.STALL,
        [case.label],
        f"From {stretch.from_s:g} to {stretch.until_s:g} s the throughput fell to "
        f"{text.number(_rate(stretch))}/s from {text.number(usual)}/s, with all users running.",
        from_s=stretch.from_s,
        until_s=stretch.until_s,
        rps=_rate(stretch),
        usual_rps=usual,
    )


def _windows_stopped(case: Case) -> list[Finding]:
    """Cumulated counts that stop growing before the end."""
    counts = [(one.until_s, one.requests) for one in case.test.windows if one.requests is not None]
    total = case.test.total.requests
    if not counts or total is None:
        return []
    until_s, counted = counts[-1]
    if counted > total:  # counts of another run
        return []
    left_s = case.test.duration_s - until_s
    usual = counted / until_s
    rate = (total - counted) / left_s if left_s > 0 else usual
    if rate >= _STOPPED * usual or not _is_no_chance(case, rate, usual, left_s):
        return []
    mean_s = case.test.total.mean_s
    told = f" The total still reports a mean of {text.seconds(mean_s)}." if mean_s else ""
    return [
        serious(
            Kind.FROZEN,
            [case.label],
            f"{counted:,} requests were answered in the first {until_s:g} s, and "
            f"{total - counted:,} in the {left_s:g} s after that.{told}",
            from_s=until_s,
            usual_rps=usual,
            rps=rate,
        )
    ]


def _is_no_chance(case: Case, rate: float, usual: float, lasted_s: float) -> bool:
    """Say whether a throughput is lower than its usual one by more than counts vary."""
    expected = usual * lasted_s
    return expected - rate * lasted_s > SIGMAS * math.sqrt(dispersion(case) * expected)


def _rate(stretch: Stretch) -> float:
    return stretch.throughput or 0.0
