"""Would a pool of 500 to 1000, the report's remedy, help? A plain sentence from a sweep."""

from collections.abc import Sequence

from capsim.experiments.sweep import Sweep, SweepRow
from capsim.experiments.trials import Outcome
from capsim.metrics.intervals import interval
from capsim.metrics.service import is_answer
from capsim.metrics.summary import TOO_SLOW

_CLAIMED = (500, 1000)
_SURE = 0.95  # share of the draws that settles a claim, one way or the other
_SAME = 0.02  # a change of p95 by less than this share is none
_NOTICEABLE = 0.01  # share of requests from which failures are worth a word


def answer_pool_claim(sweep: Sweep) -> str | None:
    """Return the answer to the report's claim; none where no such pool size was tried."""
    lowest, highest = _CLAIMED
    rows = [r for r in sweep.rows if isinstance(r.value, int) and lowest <= r.value <= highest]
    if not rows or sweep.parameter != "pool-size":
        return None
    question = f"Would an increase to {lowest}-{highest} resolve the bottleneck?"
    return f"{question} {_verdict(rows)} {_evidence(sweep, rows)}"


def _verdict(rows: Sequence[SweepRow]) -> str:
    shares = [row.meets_target for row in rows]
    each = ", ".join(f"{100 * row.meets_target:.0f} % at {row.value}" for row in rows)
    if min(shares) >= _SURE:
        lost = max(_unserved(row) for row in rows)
        if lost < _NOTICEABLE:
            return "Yes, in this model."
        return (
            f"Not by that alone: p95 meets the target, but up to {100 * lost:.3g} % of the "
            "requests are not served, and p95 counts their failures as answers."
        )
    if max(shares) <= 1 - _SURE:
        return "No, not in this model."
    return f"Not settled: the share of the draws that meets the target is {each}."


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
