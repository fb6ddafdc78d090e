"""Do a total, its rows, its rate and its duration agree? Counting: nothing is estimated here."""

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import Case
from capsim.loadtest.audit.digits import half_step
from capsim.loadtest.audit.finding import Finding, serious, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.observations import Endpoint

# Tools count from the first second to the last request: whole seconds at either end.
_WHOLE_SECONDS = 2.0
# Beyond it a dataset and its scenario would not be matched (docs/calibration-data.md).
_DURATIONS_MATCH = 0.05
_SUMMARY_ROWS = ("aggregated", "total")


def findings(case: Case) -> list[Finding]:
    """Check one load test's total against its rows, and against rate times duration."""
    return [*_rows(case), *_means(case), *_rate(case)]


def _rows(case: Case) -> list[Finding]:
    total, rows = case.test.total.requests, _own_rows(case)
    counts = [row.requests for row in rows if row.requests is not None]
    if total is None or not counts:
        return []
    added, numbers = sum(counts), {"requests": total, "rows_requests": sum(counts)}
    if total == 2 * added:
        return [
            serious(
                Kind.COUNTED_TWICE,
                [case.label],
                f"The total of {total:,} requests is exactly twice the {added:,} of its "
                f"{len(counts)} rows: a table that adds its own row Aggregated.",
                **numbers,
                factor=2.0,
            )
        ]
    if added > total:
        return [
            serious(
                Kind.TOTALS_DISAGREE,
                [case.label],
                f"The rows have {added:,} requests, {added - total:,} more than the total of "
                f"{total:,}.",
                **numbers,
            )
        ]
    return []


def _means(case: Case) -> list[Finding]:
    """Where the rows are all of the requests, their weighted mean is the mean of the total."""
    total, rows = case.test.total, _own_rows(case)
    weighted = [(row.requests, row.mean_ms) for row in rows if row.requests and row.mean_ms]
    counted = sum(count for count, _ in weighted)
    if total.mean_ms is None or len(weighted) < len(rows) or counted != total.requests:
        return []
    mean_ms = sum(count * mean for count, mean in weighted) / counted
    error_ms = half_step(total.mean_ms) + max(half_step(mean) for _, mean in weighted)
    if abs(mean_ms - total.mean_ms) <= error_ms:
        return []
    return [
        serious(
            Kind.TOTALS_DISAGREE,
            [case.label],
            f"The rows' means give {text.seconds(mean_ms / 1000)} over all requests, and the "
            f"total says {text.seconds(total.mean_ms / 1000)}.",
            mean_s=total.mean_ms / 1000,
            rows_mean_s=mean_ms / 1000,
        )
    ]


def _rate(case: Case) -> list[Finding]:
    total, duration_s = case.test.total, case.test.duration_s
    if total.requests is None or total.rps is None:
        return []
    expected = total.rps * duration_s
    off = abs(total.requests - expected)
    error = total.rps * (half_step(duration_s) + _WHOLE_SECONDS)
    error += duration_s * half_step(total.rps) + 1
    # A rate is of the time to the last request, which lies up to a user's cycle before the end.
    error += min(case.test.users, _DURATIONS_MATCH * expected)
    if off <= error:
        return []
    found = serious if off > _DURATIONS_MATCH * expected else warning
    return [
        found(
            Kind.RATE_MISMATCH,
            [case.label],
            f"{total.rps:g} requests/s over {duration_s:g} s are {text.number(expected)} "
            f"requests, and {total.requests:,} are reported.",
            requests=total.requests,
            rps=total.rps,
            duration_s=duration_s,
            expected_requests=expected,
        )
    ]


def _own_rows(case: Case) -> list[Endpoint]:
    return [
        row
        for name, row in case.test.endpoints.items()
        if name.strip().lower() not in _SUMMARY_ROWS
    ]
