"""What the raw rows say: clocks, damaged and doubled rows, and the machines they came from."""

import math
from collections.abc import Sequence

from capsim.loadtest.audit import text
from capsim.loadtest.audit.case import Case
from capsim.loadtest.audit.finding import Finding, note, serious, warning
from capsim.loadtest.audit.kinds import Kind
from capsim.loadtest.audit.spread import slowest_s
from capsim.loadtest.recorded import Recorded

_CHANCE = 1e-6  # of a gap this long, in a Poisson stream of so many requests
_CLOCK_STEP_S = 1e-3  # stamps have milliseconds: requests alike within one are no copies
_COPIES = 0.01  # more than p99 can hide
_HALF = 0.5
# Locust's history has a row a second, stamped in whole seconds: two stamps lie 2 s apart now and
# then, and 3 s when a row is late.
_SAMPLED_S = {"locust": 3.0}


def findings(case: Case) -> list[Finding]:
    """Check one load test's recording."""
    recorded = case.test.recorded
    if recorded is None:
        return []
    return [
        *_backwards(case, recorded),
        *_hole(case, recorded),
        *_skipped(case, recorded),
        *_duplicated(case, recorded),
    ]


def _backwards(case: Case, recorded: Recorded) -> list[Finding]:
    """Rows are written when requests end, so starts go back by a response time at most."""
    step_s, slowest = recorded.largest_backward_step_s or 0.0, slowest_s(case.test.total)
    if step_s > slowest + _CLOCK_STEP_S:
        return [
            warning(
                Kind.CLOCK_BACKWARDS,
                [case.label],
                f"A row starts {text.seconds(step_s)} before the row above it, and the slowest "
                f"request took {text.seconds(slowest)}.",
                backward_step_s=step_s,
                slowest_s=slowest,
            )
        ]
    if not recorded.rows_out_of_order:
        return []
    return [
        note(
            Kind.ROWS_OUT_OF_ORDER,
            [case.label],
            f"{recorded.rows_out_of_order:,} of {recorded.rows:,} rows start before the row above "
            "them.",
            rows_out_of_order=recorded.rows_out_of_order,
            rows=recorded.rows,
        )
    ]


def _hole(case: Case, recorded: Recorded) -> list[Finding]:
    gap_s, rate, count = recorded.longest_gap_s, case.rps, case.test.total.requests
    slowest = slowest_s(case.test.total)
    if gap_s is None or rate is None or count is None or math.isinf(slowest):
        return []
    # At random, and at worst while all users wait for one slow answer or think at once.
    expected = math.log(count / _CHANCE) / rate + slowest
    expected += case.wait.mean_s if case.wait is not None else 0.0
    expected += _SAMPLED_S.get(case.tool, 0.0)
    if gap_s <= expected or (case.wait is None and case.test.users and gap_s <= _cycle_s(case)):
        return []
    return [
        warning(
            Kind.CLOCK_HOLE,
            [case.label],
            f"No row for {text.seconds(gap_s)} at {text.number(rate)} requests/s; chance and the "
            f"slowest request explain {text.seconds(expected)}.",
            gap_s=gap_s,
            expected_s=expected,
        )
    ]


def _cycle_s(case: Case) -> float:
    """A user's time from request to request, in which all may think at once."""
    return 2 * case.test.users / (case.rps or 1.0)


def _skipped(case: Case, recorded: Recorded) -> list[Finding]:
    skipped = recorded.skipped_rows
    if not skipped:
        return []
    found = warning if skipped > _COPIES * recorded.rows else note
    return [
        found(
            Kind.ROWS_SKIPPED,
            [case.label],
            f"{skipped:,} of {recorded.rows:,} rows are damaged and were left out.",
            skipped_rows=skipped,
            rows=recorded.rows,
        )
    ]


def _duplicated(case: Case, recorded: Recorded) -> list[Finding]:
    copies, rate = recorded.duplicate_rows or 0, case.rps or 0.0
    # By chance a row has another one within the same millisecond.
    allowed = (_COPIES + rate * _CLOCK_STEP_S) * recorded.rows
    if copies <= allowed:
        return []
    found = serious if copies >= _HALF * (recorded.rows - copies) else warning
    return [
        found(
            Kind.ROWS_DUPLICATED,
            [case.label],
            f"{copies:,} of {recorded.rows:,} rows are copies of another row.",
            duplicate_rows=copies,
            rows=recorded.rows,
        )
    ]


def machines(cases: Sequence[Case]) -> list[Finding]:
    """Find load tests of one system that were run on different machines."""
    named = {case.label: case.test.machine for case in cases if case.test.machine}
    if len(set(named.values())) <= 1:
        return []
    return [
        warning(
            Kind.MACHINES_DIFFER,
            list(named),
            f"The load tests ran on {text.listed(sorted(set(named.values())))}.",
            machines=len(set(named.values())),
        )
    ]
