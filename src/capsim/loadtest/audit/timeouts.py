"""What a suspected timeout and a connection pool could have done, by arithmetic.

Little 1961 and Denning and Buzen 1978 (interactive response time law, utilisation law): with N
users who think Z, N = X (R + Z), so at a given throughput the response time is N/X - Z, whatever
the cause; and m connections are all in use only if each is held m/X seconds.
"""

from capsim.loadtest.audit import spread, text
from capsim.loadtest.audit.case import Case
from capsim.loadtest.audit.finding import Finding, serious, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.audit.little import balance_of
from capsim.loadtest.recorded import Stretch

_NEAR = 2.0  # a response time within this factor of a timeout is taken for it


def findings(case: Case) -> list[Finding]:
    """Hold one load test against the timeout that its documents or its readers name."""
    timeout_s = case.configured.timeout_s
    if timeout_s is None:
        return []
    return [
        *_exceeded(case, timeout_s),
        *_fast_failures(case, timeout_s),
        *_plateau(case, timeout_s),
    ]


def _exceeded(case: Case, timeout_s: float) -> list[Finding]:
    reported = spread.quantiles(case.test.total, case.tool)
    beyond = [one for one in reported if one.low_s > timeout_s and one.share < 1.0]
    if not beyond:
        return []
    share = 1 - beyond[0].share
    slowest = reported[-1].value_s
    return [
        warning(
            Kind.TIMEOUT_EXCEEDED,
            [case.label],
            f"At least {text.percent(share)} of the requests took {text.seconds(beyond[0].value_s)}"
            f" or more (the slowest {text.seconds(slowest)}), past the suspected timeout of "
            f"{text.seconds(timeout_s)}.",
            timeout_s=timeout_s,
            share=share,
            slowest_s=slowest,
        )
    ]


def _fast_failures(case: Case, timeout_s: float) -> list[Finding]:
    """The failures that must have ended before the timeout, by counting."""
    total = case.test.total
    failed, reported = total.failure_ratio, spread.quantiles(total, case.tool)
    # Nobody takes failures for timeouts where nothing is slow.
    if not failed or not reported or reported[-1].high_s < timeout_s / _NEAR:
        return []
    below = [one.share for one in reported if one.high_s < timeout_s]
    # At most 1 - q of the requests were as slow as the timeout, so the other failures were not.
    quick = failed - (1 - max(below, default=0.0))
    early = _early(case, timeout_s) if failed == 1.0 else None
    if early is None and quick <= (2 / total.requests if total.requests else 0.0):
        return []
    parts, numbers = [], {"timeout_s": timeout_s, "failure_ratio": failed}
    if quick > 0:
        parts.append(f"At least {text.percent(quick)} failed in less time.")
        numbers["quick_share"] = quick
    if early is not None:
        fastest, when = early
        parts.append(f"The fastest took {text.seconds(fastest)}{when}.")
        numbers["fastest_s"] = fastest
    return [
        serious(
            Kind.FAILURES_NOT_TIMEOUTS,
            [case.label],
            f"{text.percent(failed)} of the requests failed, but not by a timeout of "
            f"{text.seconds(timeout_s)} alone. {' '.join(parts)}",
            **numbers,
        )
    ]


def _early(case: Case, timeout_s: float) -> tuple[float, str] | None:
    """Return the fastest request of a test in which all failed, in seconds, and when it was."""
    known: list[tuple[float, str]] = []
    if case.test.total.min_ms is not None:
        known.append((case.test.total.min_ms / 1000, ""))
    known += [
        (one.min_ms / 1000, _when(one)) for one in case.test.stretches if one.min_ms is not None
    ]
    fastest = min(known, default=None)
    return fastest if fastest is not None and fastest[0] < timeout_s else None


def _when(stretch: Stretch) -> str:
    span = f", from {stretch.from_s:g} to {stretch.until_s:g} s"
    if stretch.max_ms is None:
        return span
    return f"{span}, when none took more than {text.seconds(stretch.max_ms / 1000)}"


def _plateau(case: Case, timeout_s: float) -> list[Finding]:
    wait, rate, mean_s = case.wait, case.rps, case.mean_s
    if wait is None or rate is None or mean_s is None or wait.period_s is not None:
        return []
    if not timeout_s / _NEAR <= mean_s <= timeout_s * _NEAR or mean_s <= wait.mean_s:
        return []
    balance = balance_of(case, wait)
    if balance.too_few or balance.too_many:
        return []
    users = case.test.users
    expected = users / rate - wait.mean_s
    return [
        warning(
            Kind.PLATEAU,
            [case.label],
            f"{users:,} users at {text.number(rate)} requests/s who think "
            f"{text.seconds(wait.mean_s)} wait N/X - Z = {text.seconds(expected)} for each answer "
            f"(Little's law); reported: {_reported(case)}. It takes no timeout of "
            f"{text.seconds(timeout_s)} to explain that.",
            users=users,
            rps=rate,
            think_s=wait.mean_s,
            expected_s=expected,
            mean_s=mean_s,
            timeout_s=timeout_s,
        )
    ]


def _reported(case: Case) -> str:
    total = case.test.total
    shown = [f"mean {text.seconds(case.mean_s or 0.0)}"]
    if total.p50_ms is not None:
        shown.append(f"median {text.seconds(total.p50_ms / 1000)}")
    return ", ".join(shown)
