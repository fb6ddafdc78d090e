"""Do the failures agree with their causes, and are they caused by load at all?"""

import re
from collections.abc import Mapping
from itertools import pairwise

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import Case
from capsim.loadtest.audit.finding import Finding, Severity, note, serious, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.figures import PERCENTILES

_STATUS = re.compile(r"(?<!\d)([45]\d\d)(?!\d)")
# 408 and 499 are slow clients, and 425 is "later": all other 4xx turn the request away
# (RFC 9110, section 15.5; 499 is nginx's own).
_NOT_TURNED_AWAY = {408, 425, 499}
# The lowest share that moves a percentile which reports use: p99.
_MOVES_P99 = 0.01
_MEDIAN = 0.5
_LONGEST_NAME = 60  # of a cause: a tool may put a whole message into it
# Fewer failures say nothing of a share: a Poisson count of 30 has a standard error of 18 %.
_ENOUGH_FAILURES = 30
_LOADS_DIFFER = 1.5
# 95 % of chi-squared with one degree of freedom: the shares of two levels do not differ.
_SAME = 3.84


def findings(case: Case) -> list[Finding]:
    """Check one load test's failures against their causes."""
    rejected = _rejected(case)
    turned_away = any(finding.severity is Severity.SERIOUS for finding in rejected)
    mostly = [] if turned_away else _mostly_failed(case)
    return [*_by_status(case), *rejected, *mostly, *_no_time(case)]


def _by_status(case: Case) -> list[Finding]:
    total, by_status = case.test.total, sum(case.test.failures_by_status.values())
    if total.failures is None or not by_status or total.failures == by_status:
        return []
    numbers = {"failures": total.failures, "by_status": by_status}
    if total.requests is not None and total.requests - total.failures == by_status:
        return [
            serious(
                Kind.FAILURES_INVERTED,
                [case.label],
                f"{total.failures:,} of {total.requests:,} requests are said to have failed, and "
                f"the causes name {by_status:,}: exactly the others.",
                **numbers,
                requests=total.requests,
            )
        ]
    return [
        serious(
            Kind.FAILURES_DISAGREE,
            [case.label],
            f"The total has {total.failures:,} failures, and the causes add up to {by_status:,}.",
            **numbers,
        )
    ]


def _rejected(case: Case) -> list[Finding]:
    requests = case.test.total.requests
    turned_away = {
        name: count for name, count in case.test.failures_by_status.items() if _is_rejection(name)
    }
    rejected = sum(turned_away.values())
    if not requests or rejected < _MOVES_P99 * requests:
        return []
    share = rejected / requests
    found = serious if share >= _MEDIAN else warning
    consequence = (
        "the median is the median of rejections" if share >= _MEDIAN else "they count as answers"
    )
    return [
        found(
            Kind.REJECTED,
            [case.label],
            f"{text.percent(share)} of the requests ({rejected:,}) were turned away "
            f"({_most(turned_away)}); "
            f"{consequence}.",
            rejected=rejected,
            requests=requests,
            share=share,
        )
    ]


def _mostly_failed(case: Case) -> list[Finding]:
    """Half of the requests or more failed, so that the median is one of failures."""
    total, by_status = case.test.total, case.test.failures_by_status
    failed = sum(by_status.values()) if total.failures is None else total.failures
    if not total.requests or failed < _MEDIAN * total.requests:
        return []
    share = min(failed / total.requests, 1.0)
    took = "" if total.p50_ms is None else f" (median {text.seconds(total.p50_ms / 1000)})"
    mostly = "" if share == 1.0 else "mostly "
    causes = _most(by_status) if by_status else "no cause is recorded"
    return [
        serious(
            Kind.MOSTLY_FAILED,
            [case.label],
            f"{text.percent(share)} of the requests ({failed:,} of {total.requests:,}) failed "
            f"({causes}): the response times{took} are {mostly}those of failures.",
            failures=failed,
            requests=total.requests,
            share=share,
        )
    ]


def _no_time(case: Case) -> list[Finding]:
    """All requests took no time at all, to the last one."""
    total = case.test.total
    known = [total.mean_ms, *(getattr(total, name) for name in PERCENTILES)]
    reported = [value for value in known if value is not None]
    if not reported or max(reported) > 0:
        return []
    return [
        serious(
            Kind.NO_TIME,
            [case.label],
            "Every response time is 0 ms, the longest too.",
            figures=len(reported),
        )
    ]


def _most(causes: Mapping[str, int]) -> str:
    """Name the two causes of the most failures."""
    names = sorted(causes, key=lambda name: -causes[name])[:2]
    return text.listed([f"{_short(name)}: {causes[name]:,}" for name in names])


def _short(name: str) -> str:
    if name.isdigit():
        return f"status {name}"
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _is_rejection(name: str) -> bool:
    status = _STATUS.search(name)
    return status is not None and status[1][0] == "4" and int(status[1]) not in _NOT_TURNED_AWAY


def same_share(levels: list[Case]) -> list[Finding]:
    """Find a failure share that levels of different load have in common; `levels` ascend."""
    counted = [
        (case, case.test.total.failures or 0, case.test.total.requests)
        for case in levels
        if case.test.total.requests and (case.test.total.failures or 0) >= _ENOUGH_FAILURES
    ]
    if len(counted) < max(len(levels), 2) or not _loads_differ(levels):
        return []
    shares = [failed / (requests or 1) for _, failed, requests in counted]
    pooled = sum(failed for _, failed, _ in counted) / sum(n or 0 for _, _, n in counted)
    if pooled < 1.0 and any(
        _differ(one[1], one[2] or 1, other[1], other[2] or 1) for one, other in pairwise(counted)
    ):
        return []
    found = note if pooled == 1.0 else warning
    return [
        found(
            Kind.SAME_FAILURE_SHARE,
            [case.label for case, _, _ in counted],
            f"{text.percent(pooled)} of the requests fail at "
            f"{text.listed([str(case.test.users) for case in levels])} users alike.",
            share=pooled,
            least_share=min(shares),
            largest_share=max(shares),
        )
    ]


def _loads_differ(levels: list[Case]) -> bool:
    return levels[-1].test.users >= _LOADS_DIFFER * levels[0].test.users


def _differ(failed: int, requests: int, others: int, of: int) -> bool:
    """Compare two shares: Pearson's chi-squared for a fourfold table."""
    pooled = (failed + others) / (requests + of)
    scale = pooled * (1 - pooled) * (1 / requests + 1 / of)
    return (failed / requests - others / of) ** 2 > _SAME * scale
