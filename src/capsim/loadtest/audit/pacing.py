"""Did the generator send what it was told to? Coordinated omission, dropped requests, threads.

A closed user who is to send every P seconds sends less while it waits for an answer that takes
longer: the slow phases are sampled less (Tene 2013, "How NOT to Measure Latency"). An open
generator that runs out of connections drops requests. Both show in the count: a closed user's is
N T / P, an open one's is rate T with Poisson error at most.
"""

import math

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import SIGMAS, Case
from capsim.loadtest.audit.finding import Finding, serious, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.audit.spread import slowest_s

_HALF = 0.5
_WELL_ABOVE = 0.05  # of a rate: generators round theirs
_WHOLE_SECONDS = 2.0  # at either end, as everywhere where tools count


def findings(case: Case) -> list[Finding]:
    """Check what one load test sent against what it was told to send."""
    return [*_paced(case), *_open(case), *_threads(case)]


def _paced(case: Case) -> list[Finding]:
    wait, sent = case.wait, case.requests
    if wait is None or not wait.period_s or sent is None:
        return []
    period, slowest = wait.period_s, slowest_s(case.test.total)
    few, many = case.users
    promised = few * case.duration_s * (1 - case.duration_error) / period
    # Each user may be within its period at either end.
    if math.isinf(slowest) or slowest <= period or sent >= promised - 2 * many:
        return []
    missing = promised - sent
    return [
        warning(
            Kind.COORDINATED_OMISSION,
            [case.label],
            f"Users were to send every {text.seconds(period)} and waited up to "
            f"{text.seconds(slowest)} for an answer: {text.percent(missing / promised)} of the "
            f"requests were never sent ({sent:,.0f} of {promised:,.0f}).",
            period_s=period,
            slowest_s=slowest,
            requests=sent,
            promised_requests=promised,
        )
    ]


def _open(case: Case) -> list[Finding]:
    rate, sent = case.test.rate, case.test.total.requests
    if rate is None or sent is None or case.test.users:
        return []
    duration_s = case.test.duration_s
    promised = rate * duration_s
    mean_s = case.mean_s or 0.0
    # A ramp of arrivals reaches half of its requests; requests in flight at the end do not count.
    unfinished = rate * mean_s * 2 + rate * (case.test.ramp_s or 0.0)
    unfinished += promised * case.duration_error
    if sent >= promised - SIGMAS * math.sqrt(promised) - unfinished:
        return _beyond_rate(case, rate, sent)
    return [
        serious(
            Kind.RATE_NOT_REACHED,
            [case.label],
            f"{text.number(rate)} requests/s over {text.number(duration_s)} s are "
            f"{promised:,.0f}; {sent:,} were answered, {text.percent(1 - sent / promised)} fewer.",
            rate=rate,
            requests=sent,
            promised_requests=promised,
        )
    ]


def _beyond_rate(case: Case, rate: float, sent: int) -> list[Finding]:
    """An open test cannot answer more than it sends."""
    promised = rate * case.test.duration_s
    most = promised * (1 + max(case.duration_error, _WELL_ABOVE)) + rate * _WHOLE_SECONDS
    if sent <= most + SIGMAS * math.sqrt(most):
        return []
    return [
        serious(
            Kind.RATE_EXCEEDED,
            [case.label],
            f"{text.number(rate)} requests/s over {text.number(case.test.duration_s)} s are "
            f"{text.number(promised)}; {sent:,} were answered, {text.number(sent / promised)} "
            "times as many as were sent.",
            rate=rate,
            requests=sent,
            promised_requests=promised,
        )
    ]


def _threads(case: Case) -> list[Finding]:
    """Users that were never there at the same time, from the rows' own starts and ends."""
    recorded, users = case.test.recorded, case.test.users
    if recorded is None or not users:
        return []
    wait, rate = case.wait, case.rps
    # Without a think time, users who are not in flight may be thinking.
    if wait is None or rate is None:
        return []
    if recorded.mean_in_flight is None or wait.period_s is not None:
        return []
    active = recorded.mean_in_flight + rate * wait.mean_s
    error = SIGMAS * math.sqrt(wait.variance * rate / case.duration_s)
    error += users * wait.residual_s / case.duration_s
    if active + error >= _HALF * case.users[0]:
        return []
    return [
        serious(
            Kind.NOT_CONCURRENT,
            [case.label],
            f"{users} users are named; {text.number(recorded.mean_in_flight)} requests in flight "
            f"and {text.number(rate * wait.mean_s)} users thinking make {text.number(active)} at a "
            "time.",
            users=users,
            active_users=active,
            mean_in_flight=recorded.mean_in_flight,
        )
    ]
