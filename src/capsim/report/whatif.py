"""Remedies compared: what they gain, what users see, what limits, what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from capsim.experiments.priorities import Judgement
from capsim.experiments.whatif import GAIN, WhatIf, WhatIfRow
from capsim.metrics.intervals import Interval, interval
from capsim.metrics.service import is_answer
from capsim.model.remedy import TODAY
from capsim.report import backlog, layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import (
    UNDEFINED,
    metric_lines,
    most_frequent,
    number,
    seconds,
    share,
    span,
)
from capsim.report.plain import PAIRED_COLUMNS, csv_text, plain

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
        layout.section("Ranking, by expected regret", _ranking(found)),
        *(layout.sentence(text, layout.QUIET) for text in _how_to_read(found)),
        layout.section("What users see", _seen(found)),
        layout.section("What limits, and what would limit next", _limits(found)),
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
        "rows": [_row_json(row) for row in found.rows],
        "extrapolation": found.doubts,
        "unfit": [vars(misfit) for misfit in found.misfits],
        "report": comparison.report,
        "priorities": [vars(judgement) for judgement in comparison.judgements],
        **common_json(context),
    }
    made: dict[str, object] = plain(content)
    return made


def as_csv(comparison: Comparison, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per remedy and metric."""
    rows = [
        (row.name, *figures.values()) for row in comparison.found.rows for figures in row.figures()
    ]
    return csv_text(("what_if", *PAIRED_COLUMNS), rows)


def _row_json(row: WhatIfRow) -> dict[str, object]:
    return {
        "what_if": row.name,
        "title": row.title,
        "metrics": row.metrics,
        "differences": row.differences,
        "meets_target": row.meets_target,
        "regret": vars(row.regret),
        "cost": row.cost,
        "limiting": row.limits,
        "next": row.next_limits,
        "notes": row.notes,
    }


def _ranking(found: WhatIf) -> RenderableType:
    columns = ("", "in time/s", "against today", "meets", "best", "regret", "worst")
    rows: list[list[layout.Cell]] = [
        [
            _name(f"{place}. {row.name}", row),
            layout.two_lines(*metric_lines(GAIN, row.metrics[GAIN])),
            UNDEFINED if row.name == TODAY else _change(row.differences[GAIN]),
            share(row.meets_target),
            share(row.regret.best_share),
            number(row.regret.expected),
            number(row.regret.worst),
        ]
        for place, row in enumerate(found.rows, start=1)
    ]
    return layout.table(columns, rows)


def _how_to_read(found: WhatIf) -> Iterator[str]:
    target = seconds(found.target_s)
    yield (
        f"in time/s: requests answered by the application within {target}, per second (a 4xx is an "
        "answer; what is shed, refused, lost or given up is none). Median, and 90 % interval below."
    )
    yield (
        "against today: paired, draw by draw under the same luck. "
        f"meets: share of the draws in which 95 % of the requests are answered within {target}. "
        "best: in which nothing else is better by a hundredth."
    )
    yield (
        "regret: answers in time per second that are lost against the best choice, on average over "
        "the draws, and in the worst one."
    )


def _seen(found: WhatIf) -> RenderableType:
    columns = ("", "req/s", "good/s", "failed", "p50", "p95")
    rows: list[list[layout.Cell]] = [
        [_name(row.name, row), *(layout.two_lines(*metric_lines(m, row.metrics[m])) for m in _SEEN)]
        for row in found.rows
    ]
    return layout.table(columns, rows)


def _limits(found: WhatIf) -> RenderableType:
    rows: list[list[layout.Cell]] = [
        [_name(row.name, row), _shares(row.limits), _shares(row.next_limits)] for row in found.rows
    ]
    return layout.table(("", "limits", "next"), rows, left=3)


def _costs(found: WhatIf) -> RenderableType:
    columns = ("", "instances", "processes", "connections", "replicas")
    rows: list[list[layout.Cell]] = [
        [_name(row.name, row), *(_amount(row.cost[name]) for name in columns[1:])]
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
        heading_text = f"Extrapolation, with {found.rows[0].name}"
        yield layout.section(heading_text, layout.bullets(found.doubts))


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
    if not any(_rejections(row) > _MANY for row in found.rows):
        return []
    text = (
        "Most answers are rejections by the application itself (4xx), as they were when measured: "
        "a load generator counts them as failures, and good/s leaves them out; in time/s counts "
        "them, because they get the full service."
    )
    return [text]


def _rejections(row: WhatIfRow) -> float:
    """Return the median share of the requests that the application itself rejects."""
    return interval(
        [sum(s for c, s in o.failures.items() if is_answer(c)) for o in row.outcomes]
    ).median


def _name(text: str, row: WhatIfRow) -> Text:
    return Text(text, "bold" if row.name == TODAY else "")


def _change(found: Interval) -> Text:
    sign = "+" if found.median > 0 else ""
    return layout.two_lines(f"{sign}{number(found.median)}", span(found))


def _amount(found: Interval) -> str:
    return number(found.median) if found.lo == found.hi else span(found)


def _shares(shares: dict[str, float]) -> str:
    """Return the most frequent one, and how often it is."""
    name, often = most_frequent(shares)
    return f"{name} ({share(often)})"
