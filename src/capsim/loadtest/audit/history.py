"""Do the parts of a load test add up to its total? Counting, but for the seconds at its ends.

A total and a history are two counts of the same requests. What the total has beyond its parts was
sent in the time that no part covers, at about the rate of the others; more than that, or fewer than
the parts have, and they are of two runs.
"""

import math
from dataclasses import dataclass
from statistics import median

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import SIGMAS, Case
from capsim.loadtest.audit.drift import at_full_load
from capsim.loadtest.audit.finding import Finding, note, serious
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.figures import PERCENTILES
from capsim.loadtest.recorded import Stretch

# Tools count from the first second to the last request: whole seconds at either end.
_WHOLE_SECONDS = 2.0
_UNKNOWN_CV = 2.0  # of a think law that nobody wrote down
_LONG_HOLE = 0.5  # of a usual stretch; tests end a little after the last of their stretches
# What ran where no part looked may have been another level: twice as fast is still believed.
_UNSEEN = 2.0
_USUAL = 0.5  # of the usual throughput, from which on nothing stood still
_LEAST_STRETCHES = 3  # the fewest that show what is usual


@dataclass(frozen=True, kw_only=True)
class Account:
    """A total beside the sum of its parts.

    Attributes:
        total: Requests of the whole test.
        counted: Requests in its parts.
        left_s: Seconds of the test that no part covers.
        rps: Throughput of the busiest part.
    """

    total: int
    counted: int
    left_s: float
    rps: float

    @property
    def beyond(self) -> int:
        """Requests that are in no part."""
        return self.total - self.counted


def findings(case: Case) -> list[Finding]:
    """Hold one load test's parts against its total."""
    account = account_of(case)
    if account is not None and _disagrees(case, account):
        return [_of_another_run(case, account)]
    return _incomplete(case) or _windows_beyond(case)


def disagrees(case: Case) -> bool:
    """Say whether total and parts cannot be of the same run."""
    account = account_of(case)
    return account is not None and _disagrees(case, account)


def account_of(case: Case) -> Account | None:
    """Return the account of a load test; none: counts are missing, or parts overlap."""
    test, total = case.test, case.test.total.requests
    parts = list(test.stretches) or ([test.steady] if test.steady is not None else [])
    if total is None or not parts or any(not _is_counted(part) for part in parts):
        return None
    covered_s = sum(part.duration_s for part in parts)
    end_s = max(test.duration_s, *(part.until_s for part in parts))
    span_s = max(part.until_s for part in parts) - min(part.from_s for part in parts)
    if covered_s > span_s + _WHOLE_SECONDS:
        return None
    return Account(
        total=total,
        counted=sum(part.requests or 0 for part in parts),
        left_s=max(end_s - covered_s, 0.0),
        rps=max((part.requests or 0) / part.duration_s for part in parts),
    )


def with_holes(case: Case, stretches: list[Stretch]) -> list[Stretch]:
    """Put a stretch where stretches leave out as much time as a usual one takes.

    Importers leave out what has no request, and a history may end before its test. The requests of
    the total that are in no stretch tell the two apart; without a count, no hole is believed.
    """
    beyond = _beyond_in_holes(case)
    if not stretches or beyond is None:
        return stretches
    usual_s = median(one.duration_s for one in stretches)
    edges = [one.from_s for one in stretches[1:]] + [_last_s(case, stretches[-1])]
    found = []
    for stretch, next_s in zip(stretches, edges, strict=True):
        found.append(stretch)
        if next_s - stretch.until_s >= _LONG_HOLE * usual_s:
            sent = round(beyond * (next_s - stretch.until_s))
            found.append(Stretch(from_s=stretch.until_s, until_s=next_s, requests=sent or None))
    return found


def tells_its_rate(stretch: Stretch) -> bool:
    """No figure at all means no request; response times alone say nothing of a rate."""
    return stretch.throughput is not None or _is_empty(stretch)


def dispersion(case: Case) -> float:
    """Variance of a count over its mean, at most (renewal theory: Cox 1962, section 4.2)."""
    wait = case.wait
    if wait is None:
        return 1 + _UNKNOWN_CV**2
    cycle_s = wait.mean_s + (case.mean_s or 0.0)
    return 1 + (wait.variance / cycle_s**2 if cycle_s > 0 else 0.0)


def _disagrees(case: Case, account: Account) -> bool:
    # In the first second every user may send at once.
    most = account.rps * (_WHOLE_SECONDS + _UNSEEN * account.left_s) + case.test.users
    most += SIGMAS * math.sqrt(dispersion(case) * most)
    return -account.beyond > account.rps * _WHOLE_SECONDS + 1 or account.beyond > most


def _of_another_run(case: Case, account: Account) -> Finding:
    longer = f", which leave out {text.number(account.left_s)} s" if account.left_s >= 1 else ""
    return serious(
        Kind.HISTORY_DISAGREES,
        [case.label],
        f"The total has {account.total:,} requests, and the parts of the test have "
        f"{account.counted:,}{longer}: at most {text.number(account.rps)}/s were sent.",
        requests=account.total,
        parts_requests=account.counted,
        left_s=account.left_s,
        rps=account.rps,
    )


def _windows_beyond(case: Case) -> list[Finding]:
    """The beginning of a test has no more requests than the whole."""
    counts = [(one.until_s, one.requests) for one in case.test.windows if one.requests is not None]
    total = case.test.total.requests
    if not counts or total is None:
        return []
    until_s, counted = max(counts, key=lambda one: one[1])
    if counted - total <= counted / until_s * _WHOLE_SECONDS + 1:
        return []
    return [
        serious(
            Kind.HISTORY_DISAGREES,
            [case.label],
            f"The total has {total:,} requests, and its first {until_s:g} s alone {counted:,}.",
            requests=total,
            parts_requests=counted,
        )
    ]


def _incomplete(case: Case) -> list[Finding]:
    """Holes in which the total says that the test went on as usual."""
    account, full = account_of(case), [one for one in at_full_load(case) if tells_its_rate(one)]
    if account is None or len(full) < _LEAST_STRETCHES:
        return []
    usual = median(one.throughput or 0.0 for one in full)
    known = {id(one) for one in full}
    holes = [one for one in with_holes(case, full) if id(one) not in known]
    went_on = [one for one in holes if (one.throughput or 0.0) >= _USUAL * usual]
    if not went_on:
        return []
    first = went_on[0]
    return [
        note(
            Kind.HISTORY_INCOMPLETE,
            [case.label],
            f"The parts of the test have {account.counted:,} of the {account.total:,} requests: "
            f"nothing is known of {text.number(first.from_s)} to {text.number(first.until_s)} s.",
            requests=account.total,
            parts_requests=account.counted,
            from_s=first.from_s,
            until_s=first.until_s,
        )
    ]


def _beyond_in_holes(case: Case) -> float | None:
    """Requests per second that the total leaves for the holes; none: it cannot be told."""
    account, stretches = account_of(case), case.test.stretches
    if account is None or not stretches or account.left_s <= 0:
        return None
    # What ran before the first part, at the least: a throughput grows no slower than its users.
    # More than that goes to the holes, which are empty only if it does not fill them.
    head_s = stretches[0].from_s
    head = account.rps * (head_s - min(case.test.ramp_s or 0.0, head_s) / 2)
    holes_s = account.left_s - head_s
    return max(account.beyond - head, 0.0) / holes_s if holes_s > 0 else 0.0


def _last_s(case: Case, last: Stretch) -> float:
    """Return the end of the full load: of the test, unless users left before it."""
    later = [one.from_s for one in case.test.stretches if one.from_s >= last.until_s]
    return min(later, default=max(case.test.duration_s, last.until_s))


def _is_counted(stretch: Stretch) -> bool:
    return stretch.requests is not None or _is_empty(stretch)


def _is_empty(stretch: Stretch) -> bool:
    names = ("requests", "rps", "mean_ms", "min_ms", *PERCENTILES)
    return all(getattr(stretch, name) is None for name in names)
