"""Does a parameter in the range that a report names help? A plain sentence from a sweep."""

from collections.abc import Sequence

from capsim.experiments.order_statistics import share_bounds
from capsim.experiments.standing import Standing, standing
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.experiments.trials import Outcome
from capsim.metrics.intervals import interval
from capsim.metrics.service import is_answer
from capsim.metrics.summary import TOO_SLOW
from capsim.model.claims import RangeClaim

_SAME = 0.02  # a change of p95 by less than this share is none
_NOTICEABLE = 0.01  # share of requests from which failures are worth a word


def answers(sweep: Sweep) -> tuple[str, ...]:
    """Return the answers to what a report claims of the parameter that was varied."""
    found = (answer(sweep, claim) for claim in sweep.claims)
    return tuple(text for text in found if text is not None)


def answer(sweep: Sweep, claim: RangeClaim) -> str | None:
    """Return the answer to a claim; none where no value of its range was tried."""
    rows = [row for row in sweep.rows if _is_in(claim, row)]
    if not rows or len(sweep.axes) > 1 or sweep.parameter != claim.parameter:
        return None
    return f'"{claim.says}": {_verdict(rows)} {_evidence(sweep, rows)}'


def _is_in(claim: RangeClaim, row: SweepRow) -> bool:
    value = row.value
    return isinstance(value, int | float) and claim.lowest <= value <= claim.highest


def _verdict(rows: Sequence[SweepRow]) -> str:
    found = [standing(share_bounds(row.number_met, len(row.outcomes))) for row in rows]
    if set(found) <= {Standing.SO, Standing.PROBABLY}:
        lost = max(_unserved(row) for row in rows)
        if lost >= _NOTICEABLE:
            return (
                f"not by that alone. p95 meets the target, but up to {100 * lost:.3g} % of the "
                "requests are not served, and p95 counts their failures as answers."
            )
    if len(set(found)) == 1:
        return f"{found[0]} in this model."
    return ", ".join(f"{each} at {row.value}" for row, each in zip(rows, found, strict=True)) + "."


def _unserved(row: SweepRow) -> float:
    """Return the share of requests that are shed, refused, timed out or lost."""
    return interval([sum(_lost_shares(outcome)) for outcome in row.outcomes]).median


def _lost_shares(outcome: Outcome) -> list[float]:
    return [
        share
        for cause, share in outcome.failures.items()
        if cause != TOO_SLOW and not is_answer(cause)
    ]


def _evidence(sweep: Sweep, rows: Sequence[SweepRow]) -> str:
    last = rows[-1]
    p95, today = last.metrics["p95_s"], last.today
    before = interval([o.metrics["p95_s"] for o in today]).median
    change = last.differences["p95_s"]
    failing = last.differences["failure_ratio"]
    unchanged = (
        max(abs(change.lo), abs(change.hi)) < _SAME * before
        and max(abs(failing.lo), abs(failing.hi)) < _NOTICEABLE
    )
    moved = (
        "as it is today, so this limit is not what holds the system back"
        if unchanged
        else f"against {before:.3g} s today"
    )
    limit, share = next(iter(last.limits.items()))
    failed = 100 * last.metrics["failure_ratio"].median
    return (
        f"At {last.value}, p95 is {p95.median:.3g} s "
        f"(90 %: {p95.lo:.3g} to {p95.hi:.3g}), {moved}; "
        f"the target is {sweep.target_s:g} s. {failed:.3g} % of the requests fail then, and "
        f"{limit} limits in {100 * share:.0f} % of the draws."
    )
