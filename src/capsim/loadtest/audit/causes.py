"""Which findings are but the consequence of another one about the same load test."""

from collections.abc import Sequence

from capsim.loadtest.audit.finding import Finding
from capsim.loadtest.audit.kinds import Kind

# A consequence, and what explains it better.
_EXPLAINED_BY: dict[Kind, frozenset[Kind]] = {
    Kind.TOO_FEW_REQUESTS: frozenset(
        {
            Kind.COORDINATED_OMISSION,
            Kind.FROZEN,
            Kind.GENERATOR_LIMIT,
            Kind.NOT_CONCURRENT,
            Kind.SEVERAL_LEVELS,
            Kind.STALL,
        }
    ),
    Kind.THINK_TIME_VARIES: frozenset(
        {Kind.FROZEN, Kind.GENERATOR_LIMIT, Kind.NOT_CONCURRENT, Kind.SEVERAL_LEVELS}
    ),
    Kind.DRIFT: frozenset({Kind.FROZEN, Kind.SEVERAL_LEVELS}),
    Kind.STALL: frozenset({Kind.FROZEN}),
    Kind.SATURATED: frozenset({Kind.GENERATOR_LIMIT, Kind.THROUGHPUT_FALLS}),
    # A level that was counted twice looks like the ceiling of the next one.
    Kind.GENERATOR_LIMIT: frozenset({Kind.COUNTED_TWICE, Kind.TOO_MANY_REQUESTS}),
    Kind.MOSTLY_RAMP: frozenset({Kind.SEVERAL_LEVELS}),
    Kind.TOTALS_DISAGREE: frozenset({Kind.COUNTED_TWICE}),
    Kind.RATE_MISMATCH: frozenset({Kind.COUNTED_TWICE}),
    Kind.HISTORY_DISAGREES: frozenset({Kind.COUNTED_TWICE}),
    Kind.FAILURES_DISAGREE: frozenset({Kind.FAILURES_INVERTED}),
    Kind.MOSTLY_FAILED: frozenset({Kind.FAILURES_INVERTED}),
    Kind.CLOCK_HOLE: frozenset({Kind.FROZEN, Kind.STALL}),
    Kind.ROWS_OUT_OF_ORDER: frozenset({Kind.CLOCK_BACKWARDS}),
}


def without_consequences(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out what another finding about one of the same load tests explains."""
    return [
        finding
        for finding in findings
        if not any(_explains(other, finding) for other in findings if other is not finding)
    ]


def _explains(cause: Finding, consequence: Finding) -> bool:
    if cause.kind not in _EXPLAINED_BY.get(consequence.kind, frozenset()):
        return False
    return bool(set(cause.load_tests) & set(consequence.load_tests))
