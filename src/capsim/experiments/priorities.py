"""A report's list of priorities beside the computed ranking, and why the two differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capsim.experiments.bottleneck import NOTHING
from capsim.experiments.found_whatif import GAIN, WhatIf, WhatIfRow
from capsim.metrics.intervals import Interval
from capsim.model.claims import Claims, Priority

_SURE = 0.95  # share of the draws without any effect that makes it none
_NOTHING = 0.02  # of what the best remedy gains: a smaller change is none


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One recommendation of a report."""

    says: str
    expects: str
    place: int  # in the report, from 1
    place_tried: int | None  # among those of the report that were tried; none: it does not fit
    what_if: str  # the remedy that was tried for it, the best one of several
    computed: int | None  # place among the report's own that were tried; none: it does not fit
    sentence: str


def judged(found: WhatIf, claims: Claims) -> tuple[Judgement, ...]:
    """Return a judgement of every recommendation of which some remedy was tried."""
    order = [row.name for row in found.rows]
    best = {p.says: _first(p, order) for p in claims.priorities}
    tried = [name for name in best.values() if name]
    ranked = sorted(tried, key=order.index)
    judgements = []
    for place, priority in enumerate(claims.priorities, start=1):
        name = best[priority.says]
        unfit = [m for m in found.misfits if m.name in priority.what_if]
        if name is None and not unfit:
            continue
        judgements.append(
            Judgement(
                says=priority.says,
                expects=priority.expects,
                place=place,
                place_tried=None if name is None else tried.index(name) + 1,
                what_if=name or unfit[0].name,
                computed=None if name is None else ranked.index(name) + 1,
                sentence=unfit[0].why if name is None else _effect(found, found.row(name)),
            )
        )
    return tuple(judgements)


def _first(priority: Priority, order: Sequence[str]) -> str | None:
    tried = [name for name in priority.what_if if name in order]
    return min(tried, key=order.index, default=None)


def _effect(found: WhatIf, row: WhatIfRow) -> str:
    """Say what a remedy does, in how many draws, and which limit it meets or leaves."""
    gains = row.gains(GAIN)
    before, after = _main(found.today), _main(row)
    noticeable = _NOTHING * max(r.metrics[GAIN].median for r in found.rows)
    same = float(np.mean(np.abs(gains) <= noticeable))
    if same >= _SURE and _is_still(found, row):
        return f"no effect to speak of, because {before} limits, and this does not relieve it"
    limits = moved(before, after, _first_of(row.next_limits))
    parts = {
        "nothing changes": same,
        "it gains": float(np.mean(gains > noticeable)),
        "it loses": float(np.mean(gains < -noticeable)),
    }
    shares = ", ".join(f"{what} in {100 * share:.0f} %" for what, share in parts.items() if share)
    return (
        f"{shares} of the draws: {_span(row.differences[GAIN])} answers in time a second; {limits}"
    )


def moved(before: str, after: str, then: str) -> str:
    """Say where the limit goes, and what comes next."""
    if after == NOTHING:
        was = "nothing limits, as before" if before == NOTHING else f"{before} limits no more"
        return f"{was}; under more load {then} would"
    if before == after:
        return f"{before} limits as before, then {then}"
    return f"the limit moves from {before} to {after}, then {then}"


def _is_still(found: WhatIf, row: WhatIfRow) -> bool:
    """Whether neither throughput nor p95 moves in most draws."""
    shifted = [
        np.abs(row.gains(name)) > _NOTHING * np.abs(found.today.values(name))
        for name in ("rps", "p95_s")
    ]
    return float(np.mean(np.any(shifted, axis=0))) <= 1 - _SURE


def _span(gain: Interval) -> str:
    return f"{_digits(gain.median)} ({_digits(gain.lo)} to {_digits(gain.hi)})"


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 (three digits)


def _main(row: WhatIfRow) -> str:
    return _first_of(row.limits)


def _first_of(shares: Mapping[str, float]) -> str:
    """Return the most frequent one, or those that are so alike."""
    most = max(shares.values())
    return " or ".join(name for name, share in shares.items() if share == most)
