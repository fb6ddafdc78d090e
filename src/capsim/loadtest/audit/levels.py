"""Load tests of one workload at several numbers of users, held against each other.

The asymptotic bounds (Denning and Buzen 1978): X <= N / (R0 + Z) below the knee and X <= 1/D past
it. In a queue neither the throughput nor the response time falls with more users.
"""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from capsim.loadtest.audit import endpoints, failures, text
from capsim.loadtest.audit.case import SIGMAS, Case
from capsim.loadtest.audit.drift import mean_variance
from capsim.loadtest.audit.finding import Finding, as_note, note, serious, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.audit.little import implied_think_s

# A count of completions varies as its service times do: twice Poisson stands for a cv of 1.4.
_COUNT_VARIANCE = 2.0
_MATTERS = 0.05  # a smaller difference is within what machines do from run to run
_LOADS_DIFFER = 1.25  # of users, so that a throughput that does not follow them is a finding
_FOLLOWS = 0.5  # of the growth of the users, which the throughput has below the knee
_PAST = 2.0
_DIGITS = re.compile(r"\d+")


def findings(cases: Iterable[Case]) -> list[Finding]:
    """Check every group of comparable load tests.

    Where only their names could tell that they are one workload, and do not, findings are notes.
    """
    found: list[Finding] = []
    closed = sorted((case for case in cases if case.test.users), key=_workload)
    for _, group in groupby(closed, key=_workload):
        levels = sorted(group, key=lambda case: case.test.users)
        found += _single(levels)
        if len(levels) > 1:
            compared = _neighbours(levels) + failures.same_share(levels)
            compared += _think_times(levels) + endpoints.forced_flow(levels)
            sure = _is_one_workload(levels)
            found += compared if sure else [as_note(finding) for finding in compared]
    return found


def _is_one_workload(levels: Sequence[Case]) -> bool:
    """Say whether a think law, endpoints, or names like `users-50` and `users-100` say so."""
    stems = {_DIGITS.sub("", case.name) for case in levels}
    first = levels[0].test
    return first.think_s is not None or bool(first.endpoints) or len(stems) == 1


def _workload(case: Case) -> str:
    """Return what two load tests have in common when only their load differs."""
    test = case.test
    return repr(
        (test.think_s, test.requests_per_wait, test.machine, sorted(test.endpoints), case.tool)
    )


def _neighbours(levels: Sequence[Case]) -> list[Finding]:
    found = []
    for low, high in pairwise(levels):
        if high.test.users < _LOADS_DIFFER * low.test.users or not low.rps or not high.rps:
            continue
        found += _throughput(low, high)
        found += _response(low, high)
    return found


def _throughput(low: Case, high: Case) -> list[Finding]:
    before, after = low.rps or 0.0, high.rps or 0.0
    change = after / before - 1
    numbers = {
        "users_low": low.test.users,
        "users_high": high.test.users,
        "rps_low": before,
        "rps_high": after,
    }
    labels = [low.label, high.label]
    said = (
        f"From {low.test.users} to {high.test.users} users the throughput goes from "
        f"{text.number(before)} to {text.number(after)}/s"
    )
    error = _count_error(low) + _count_error(high) + low.duration_error + high.duration_error
    growth = high.test.users / low.test.users - 1
    if change < -max(error, _MATTERS):
        return [warning(Kind.THROUGHPUT_FALLS, labels, f"{said}.", **numbers)]
    if change >= _FOLLOWS * growth - error:
        return []
    if low.mean_s is not None and high.mean_s is not None:
        numbers |= {"mean_low_s": low.mean_s, "mean_high_s": high.mean_s}
        means = f"{text.seconds(low.mean_s)} to {text.seconds(high.mean_s)}"
        # Users who do not think as much less must wait for something: N/X has to go somewhere.
        needed_s = _FOLLOWS * (high.test.users / after - low.test.users / before)
        if high.mean_s - low.mean_s < needed_s - SIGMAS * _mean_error_s(low, high):
            return [
                serious(
                    Kind.GENERATOR_LIMIT,
                    labels,
                    f"{said}, and the mean response time only from {means}; users who find the "
                    "system full would wait for it.",
                    **numbers,
                )
            ]
        said += f", and the mean response time from {means}"
    return [note(Kind.SATURATED, labels[1:], f"{said}: past the knee.", **numbers)]


def _response(low: Case, high: Case) -> list[Finding]:
    if low.mean_s is None or high.mean_s is None:
        return []
    fall_s = low.mean_s - high.mean_s
    if fall_s <= max(SIGMAS * _mean_error_s(low, high), 2 * _MATTERS * low.mean_s):
        return []
    shares = low.test.total.failure_ratio, high.test.total.failure_ratio
    told = ""
    if shares[0] is not None and shares[1] is not None and shares[1] > shares[0]:
        told = f", and failures go from {text.percent(shares[0])} to {text.percent(shares[1])}"
    return [
        warning(
            Kind.RESPONSE_FALLS,
            [low.label, high.label],
            f"From {low.test.users} to {high.test.users} users the mean response time falls from "
            f"{text.seconds(low.mean_s)} to {text.seconds(high.mean_s)}{told}.",
            users_low=low.test.users,
            users_high=high.test.users,
            mean_low_s=low.mean_s,
            mean_high_s=high.mean_s,
        )
    ]


def _single(levels: Sequence[Case]) -> list[Finding]:
    """A level whose users wait for answers longer than for all else is past its knee."""
    parts = [part for case in levels for part in (case.test.total, *case.test.stretches)]
    fastest = [part.min_ms for part in parts if part.min_ms is not None]
    means = [case.mean_s for case in levels if case.mean_s is not None]
    if not means:
        return []
    unloaded_s = min([*means, *(value / 1000 for value in fastest)])
    found = []
    for case in levels:
        wait = case.wait
        if wait is None or case.mean_s is None or wait.mean_s == 0 or wait.period_s is not None:
            continue
        if case.mean_s + wait.mean_s <= _PAST * (unloaded_s + wait.mean_s):
            continue
        knee = (case.rps or 0.0) * (unloaded_s + wait.mean_s)
        found.append(
            note(
                Kind.SATURATED,
                [case.label],
                f"{case.test.users:,} users wait {text.seconds(case.mean_s)} for an answer and "
                f"think {text.seconds(wait.mean_s)}. With answers as quick as the quickest "
                f"({text.seconds(unloaded_s)}), {text.number(knee)} users would send the same "
                f"{text.number(case.rps or 0.0)} requests/s: the others queue.",
                users=case.test.users,
                mean_s=case.mean_s,
                think_s=wait.mean_s,
                knee_users=knee,
            )
        )
    return found


def _think_times(levels: Sequence[Case]) -> list[Finding]:
    """Without a think law, N/X - R has to be the same at every level."""
    known = [(case, implied) for case in levels if (implied := implied_think_s(case)) is not None]
    if len(known) < len(levels) or levels[0].test.think_s is not None:
        return []
    # The sum of the cycles of N users in T has the error of at most one cycle each.
    spans = []
    for case, (low_s, high_s) in known:
        cycle_s = case.users[1] / (case.rps or 1.0)
        error_s = cycle_s * min(cycle_s / case.duration_s + _count_error(case), 1.0)
        error_s += SIGMAS * math.sqrt(_mean_variance(case))
        error_s += _MATTERS * cycle_s
        spans.append((low_s - error_s, high_s + error_s))
    if max(low for low, _ in spans) <= min(high for _, high in spans):
        return []
    values = [sum(implied) / 2 for _, implied in known]
    return [
        warning(
            Kind.THINK_TIME_VARIES,
            [case.label for case, _ in known],
            f"N/X - R, the time that users do not wait for answers, is "
            f"{text.listed([text.seconds(value) for value in values])} at "
            f"{text.listed([str(case.test.users) for case, _ in known])} users.",
            least_s=min(values),
            most_s=max(values),
        )
    ]


def _count_error(case: Case) -> float:
    """Relative error of a throughput from the number of its requests."""
    return SIGMAS * math.sqrt(_COUNT_VARIANCE / max(case.requests or 1.0, 1.0))


def _mean_error_s(low: Case, high: Case) -> float:
    """Standard error of the difference of two means, in seconds."""
    return math.sqrt(_mean_variance(low) + _mean_variance(high))


def _mean_variance(case: Case) -> float:
    return mean_variance(case, case.rps or 1.0, case.mean_s or 0.0, case.duration_s)
