"""The same load test in several datasets, and load tests with the same figures: counting."""

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import SIGMAS, Case
from capsim.loadtest.audit.finding import Finding, note, serious, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.figures import Figures
from capsim.loadtest.rounding import rounding_step_s

_TWICE = 2.0
# Around twice: two tables of one test differ by what they cut off at its ends, a few seconds of
# some minutes.
_NEARLY = 0.02
_CUT_S = 1.0  # histories have whole seconds
_SMALL = 0.01
# Figures that chance does not repeat: a mean, a maximum, counts.
_UNROUNDED = ("requests", "mean_ms", "max_ms", "rps")
_FIGURES_ALIKE = 3


def findings(datasets: Sequence[Sequence[Case]]) -> list[Finding]:
    """Compare load tests of the same name and users between datasets."""
    found: list[Finding] = []
    for first, second in combinations(datasets, 2):
        names = {case.name: case for case in second}
        for case in first:
            other = names.get(case.name)
            if other is not None and other.test.users == case.test.users:
                found += _requests(case, other) + _failures(case, other) + _times(case, other)
    return found


def copies(cases: Iterable[Case]) -> list[Finding]:
    """Find load tests of one dataset whose unrounded figures are the same."""
    found = []
    for one, other in combinations(cases, 2):
        same = [name for name in _UNROUNDED if _is_same(one.test.total, other.test.total, name)]
        if len(same) >= _FIGURES_ALIKE:
            found.append(
                serious(
                    Kind.COPIED,
                    [one.label, other.label],
                    f"{text.listed(same)} are the same to the last digit.",
                    figures=len(same),
                )
            )
    return found


def _is_same(one: Figures, other: Figures, name: str) -> bool:
    value = getattr(one, name)
    return value is not None and value == getattr(other, name)


def _requests(one: Case, other: Case) -> list[Finding]:
    counts = one.test.total.requests, other.test.total.requests
    if counts[0] is None or counts[1] is None:
        return []
    many, few = max(counts[0], counts[1]), min(counts[0], counts[1])
    labels = [one.label, other.label]
    numbers = {"requests": counts[0], "other_requests": counts[1], "factor": many / few}
    if abs(many / few / _TWICE - 1) <= _NEARLY:
        exactly = "exactly" if many == _TWICE * few else f"{many / few:.3f} times,"
        return [
            serious(
                Kind.COUNTED_TWICE,
                labels,
                f"{counts[0]:,} requests here and {counts[1]:,} there: {exactly} twice. One adds "
                "the rows of the endpoints and their sum, the row Aggregated.",
                **numbers,
            )
        ]
    off, rate = many - few, few / max(one.test.duration_s, other.test.duration_s)
    if off <= _CUT_S * rate:
        return []
    found = note if off <= _SMALL * few else warning
    return [
        found(
            Kind.DATASETS_DISAGREE,
            labels,
            f"{counts[0]:,} requests here and {counts[1]:,} there.",
            **numbers,
        )
    ]


def _failures(one: Case, other: Case) -> list[Finding]:
    mine, theirs = one.test.total, other.test.total
    shares = mine.failure_ratio, theirs.failure_ratio
    if shares[0] is None or shares[1] is None or not mine.requests or not theirs.requests:
        return []
    few = min(mine.requests, theirs.requests)
    pooled = (shares[0] + shares[1]) / 2
    # They count the same requests; a share differs by what one of them cut off at the ends.
    error = SIGMAS * math.sqrt(pooled * (1 - pooled) / few) + 1 / few
    if abs(shares[0] - shares[1]) <= error:
        return []
    found = serious if min(shares[0], shares[1]) == 0 else warning
    return [
        found(
            Kind.FAILURES_DISAGREE,
            [one.label, other.label],
            f"{text.percent(shares[0])} failures here ({mine.failures:,} of {mine.requests:,}) and "
            f"{text.percent(shares[1])} there ({theirs.failures:,} of {theirs.requests:,}).",
            share=shares[0],
            other_share=shares[1],
        )
    ]


def _times(one: Case, other: Case) -> list[Finding]:
    """Medians that differ by more than both roundings."""
    mine, theirs = one.test.total.p50_ms, other.test.total.p50_ms
    if mine is None or theirs is None:
        return []
    step_s = rounding_step_s(one.tool, mine / 1000) + rounding_step_s(other.tool, theirs / 1000)
    allowed_ms = max(1000 * step_s / 2, _SMALL * mine)
    if abs(mine - theirs) <= allowed_ms:
        return []
    return [
        warning(
            Kind.DATASETS_DISAGREE,
            [one.label, other.label],
            f"A median of {text.seconds(mine / 1000)} here and {text.seconds(theirs / 1000)} "
            "there.",
            p50_s=mine / 1000,
            other_p50_s=theirs / 1000,
        )
    ]
