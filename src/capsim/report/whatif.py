"""Remedies compared: what they gain, what users see, what limits, what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType

from capsim.experiments.found_whatif import WhatIf, WhatIfRow
from capsim.experiments.priorities import Judgement
from capsim.experiments.shared_doubts import in_groups
from capsim.metrics.intervals import Interval, interval
from capsim.metrics.service import is_answer
from capsim.model.remedy import TODAY
from capsim.report import backlog, layout, ranking, whatif_data
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import frequent, metric_lines, number, parameter_both, span
from capsim.report.plain import plain

_MANY = 0.5  # of the requests
_SEEN = ("rps", "goodput_rps", "failure_ratio", "p50_s", "p95_s")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a report of remedies is made of."""

    found: WhatIf
    report: str  # whose priorities are judged; empty: nobody's
    judgements: tuple[Judgement, ...]


def renderable(comparison: Comparison, context: Context) -> Group:
    """Return the ranking, what users see, limits and costs, and the report's own list beside it."""
    found = comparison.found
    draws = len(found.today.outcomes)
    return Group(
        heading(context, f"what-if, {found.scenario}, {found.users} users, {draws} draws"),
        ranking.section(found),
        layout.section("What users see", _seen(found)),
        layout.section("What limits, and what would limit next", _limits(found)),
        *_changes(found),
        layout.section("What it takes", _costs(found)),
        *_misfits(found),
        *_priorities(comparison),
        *_notes(found),
        *_doubts(found),
        *warnings(context),
    )


def as_json(comparison: Comparison, context: Context) -> dict[str, object]:
    """Return the comparison as JSON can hold it."""
    found = comparison.found
    content = {
        "model": found.model,
        "scenario": found.scenario,
        "users": found.users,
        "draws": len(found.today.outcomes),
        "calibrated": found.calibrated,
        "target_p95_s": found.target_s,
        "rows": whatif_data.rows_json(found),
        "extrapolation": found.doubts,
        "unfit": [vars(misfit) for misfit in found.misfits],
        "report": comparison.report,
        "priorities": [vars(judgement) for judgement in comparison.judgements],
        **common_json(context),
    }
    made: dict[str, object] = plain(content)
    return made


def as_csv(comparison: Comparison, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per system and metric, and one per remedy that does not fit."""
    return whatif_data.csv(comparison.found)


def _seen(found: WhatIf) -> RenderableType:
    columns = ("", "req/s", "good/s", "failed", "p50", "p95")
    rows: list[list[layout.Cell]] = [
        [ranking.name_of(row), *(layout.two_lines(*metric_lines(m, row.metrics[m])) for m in _SEEN)]
        for row in found.rows
    ]
    return layout.table(columns, rows)


def _limits(found: WhatIf) -> RenderableType:
    rows: list[list[layout.Cell]] = [
        [ranking.name_of(row), "\n".join(_limiting(row)), "\n".join(frequent(row.next_limits))]
        for row in found.rows
    ]
    return layout.table(("", "limits", "next"), rows, left=3)


def _limiting(row: WhatIfRow) -> list[str]:
    """Return what limits requests, and what limits the work behind them beyond that."""
    behind = {n: s for n, s in row.limits_behind.items() if s > row.limits.get(n, 0.0)}
    return [*frequent(row.limits), *(f"behind: {text}" for text in frequent(behind))]


def _changes(found: WhatIf) -> Iterator[Group]:
    """Say what each remedy is, and which numbers it takes for granted."""
    sentences = [_change(row) for row in found.rows if row.name != TODAY]
    yield layout.section("What each changes", layout.bullets(sentences))


def _change(row: WhatIfRow) -> str:
    numbers = [
        f"{each.parameter} {parameter_both(each.parameter, each.values)}" for each in row.assumed
    ]
    return f"{row.name}: {row.title}" + (f"; with {', '.join(numbers)}" if numbers else "") + "."


def _costs(found: WhatIf) -> RenderableType:
    columns = ("", *whatif_data.COSTS)
    rows: list[list[layout.Cell]] = [
        [ranking.name_of(row), *(_amount(row.cost[name]) for name in columns[1:])]
        for row in found.rows
    ]
    return layout.table(columns, rows)


def _misfits(found: WhatIf) -> Iterator[Group]:
    if found.misfits:
        sentences = (f"{misfit.name}: {misfit.why}" for misfit in found.misfits)
        yield layout.section("What this model cannot have", layout.bullets(sentences))


def _priorities(comparison: Comparison) -> Iterator[Group]:
    tried = sum(judgement.computed is not None for judgement in comparison.judgements)
    if comparison.judgements:
        yield layout.section(
            f"The report's own priorities ({comparison.report})",
            layout.bullets(_judged(j, tried) for j in comparison.judgements),
        )


def _judged(judgement: Judgement, count: int) -> str:
    head = f"{judgement.place} in the report, {judgement.says} ({judgement.what_if}): "
    if judgement.computed is None:
        return f"{head}does not fit: {judgement.sentence}."
    place, computed = judgement.place_tried, judgement.computed
    there = ", as in the report" if place == computed else f", {place} there"
    return f"{head}{computed} of the {count} tried here{there}: {judgement.sentence}."


def _doubts(found: WhatIf) -> Iterator[Group]:
    if found.doubts:
        yield layout.section("Extrapolation", layout.bullets(found.doubts))


def _notes(found: WhatIf) -> Iterator[Group]:
    notes = [note for row in found.rows for note in row.notes]
    piling = [
        f"{row.name}: {text}" for row in found.rows for text in backlog.sentences(row.outcomes)
    ]
    piling += _rejected(found)
    if notes or piling:
        yield layout.section("To know", layout.bullets(dict.fromkeys([*piling, *notes])))


def _rejected(found: WhatIf) -> list[str]:
    """Say so where good answers are none because the application rejects what it is asked for."""
    names = {row.name: "" for row in found.rows if _rejections(row) > _MANY}
    if not names:
        return []
    who = in_groups(names, len(found.rows))
    text = (
        f"Most answers are rejections by the application itself (4xx) in {who}: a load generator "
        "counts them as failures, and good/s leaves them out; in time/s counts them, because they "
        "get the full service."
    )
    return [text]


def _rejections(row: WhatIfRow) -> float:
    """Return the median share of the requests that the application itself rejects."""
    return interval(
        [sum(s for c, s in o.failures.items() if is_answer(c)) for o in row.outcomes]
    ).median


def _amount(found: Interval) -> str:
    return number(found.median) if found.lo == found.hi else span(found)
