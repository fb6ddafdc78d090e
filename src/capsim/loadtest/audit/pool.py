"""Could a pool have been exhausted? The utilisation law: connections in use = X times hold time.

Denning and Buzen 1978. A connection is held no longer than its request takes, so the hold time is
at most the response time, and X R bounds the mean number in use.
"""

import math
from collections.abc import Sequence

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import SIGMAS, Case
from capsim.loadtest.audit.finding import Finding, note, warning
from capsim.loadtest.audit.kinds import Kind


def findings(cases: Sequence[Case]) -> list[Finding]:
    """Check the load tests of a dataset against its documented pool."""
    size = cases[0].configured.pool_size
    if size is None:
        return []
    known = [case for case in cases if _response_s(case) is not None and case.rps is not None]
    clear = [case for case in known if _is_clear(case, size)]
    if not clear:
        return []
    return [_not_exhausted(clear, [case for case in known if case not in clear], size)]


def _not_exhausted(clear: Sequence[Case], others: Sequence[Case], size: int) -> Finding:
    most = max(clear, key=_in_use)
    longest = max(clear, key=lambda case: _response_s(case) or 0.0)
    slowest = _response_s(longest) or 0.0
    rate = most.rps or 1.0
    numbers = {"pool_size": size, "rps": rate, "in_use": _in_use(most)}
    numbers |= {"hold_needed_s": size / rate, "response_s": _response_s(most) or 0.0}
    said = (
        f"At {text.number(rate)} requests/s ({most.name}) a pool of {size} is exhausted only if "
        f"each request holds its connection {text.seconds(size / rate)}. Whole requests took "
        f"{text.seconds(_response_s(most) or 0.0)} ({_figure(most)}): about "
        f"{text.number(_in_use(most))} are in use."
    )
    if others and slowest > 0:
        worst = max(others, key=lambda case: case.test.users)
        needed = size / (worst.rps or 1.0)
        said += (
            f" In {worst.name} each would have to hold it {text.seconds(needed)}: "
            f"{text.number(needed / slowest)} times the longest {_figure(longest)} response time "
            f"of the other tests ({text.seconds(slowest)})."
        )
        numbers |= {"worst_hold_needed_s": needed, "times_longer": needed / slowest}
    # Without a load test in which it could be, nobody claims that the pool is exhausted.
    found = warning if others else note
    return found(Kind.POOL_NOT_EXHAUSTED, [case.label for case in clear], said, **numbers)


def _is_clear(case: Case, size: int) -> bool:
    """Say whether chance crowds leave a pool free: Poisson numbers in use (M/G/infinity)."""
    in_use = _in_use(case)
    return in_use + SIGMAS * math.sqrt(in_use) < size


def _in_use(case: Case) -> float:
    """Connections in use, at most; a closed test has no more requests than users."""
    in_use = (case.rps or 0.0) * (_response_s(case) or 0.0)
    return min(in_use, case.test.users) if case.test.users else in_use


def _response_s(case: Case) -> float | None:
    median_ms = case.test.total.p50_ms
    if case.mean_s is not None or median_ms is None:
        return case.mean_s
    return median_ms / 1000


def _figure(case: Case) -> str:
    return "median" if case.mean_s is None else "mean"
