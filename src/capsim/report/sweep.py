"""A parameter over its values, compared with today; JSON and CSV of two parameters as well."""

from collections.abc import Iterator

from rich.console import Group
from rich.text import Text

from capsim.experiments.range_claims import answers
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.report import layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import UNDEFINED, frequent, metric_lines, share, tied
from capsim.report.plain import PAIRED_COLUMNS, csv_text, plain
from capsim.report.sweep_notes import left_behind, notes, value_text

_LIMITS = ("limiting_today", "limiting", "next")  # columns of CSV


def renderable(sweep: Sweep, context: Context) -> Group:
    """Return a table with two lines per value, medians above 90 % intervals, and the answer."""
    rows = _with_today(sweep)
    name = sweep.parameter.rsplit(".", maxsplit=1)[-1]
    columns = (name, "req/s", "failed", "p50", "p95", "p95 change", "target")
    figures = layout.table(columns, [_figures(sweep, row) for row in rows], gap=1)
    limits = layout.table(
        (name, "limited by", "then by"), [_limits(sweep, row) for row in rows], left=3
    )
    return Group(
        top(sweep, context),
        layout.section("Median, and 90 % interval below it", figures),
        layout.section("What limits in most draws, and what would limit next", limits),
        *remarks(sweep),
        *_answer(sweep),
        *warnings(context),
    )


def top(sweep: Sweep, context: Context) -> Group:
    """Return the heading: what was varied, and under which load."""
    varied = " and ".join(axis.parameter for axis in sweep.axes)
    users = f", {sweep.users} users" if sweep.users else ""
    return heading(context, f"{varied}, {sweep.scenario}{users}, {len(sweep.now.outcomes)} draws")


def remarks(sweep: Sweep) -> Iterator[Group]:
    """Return what a reader must know besides the figures."""
    for text in left_behind(sweep):
        yield Group(layout.sentence(text, layout.BAD))
    for text in notes(sweep):
        yield Group(layout.sentence(text, layout.QUIET))


def as_json(sweep: Sweep, context: Context) -> dict[str, object]:
    """Return the sweep as JSON can hold it; two parameters have lists where one has a value."""
    content = {
        "model": sweep.model,
        "scenario": sweep.scenario,
        "users": sweep.users,
        "draws": len(sweep.now.outcomes),
        "calibrated": sweep.calibrated,
        **_named(sweep),
        "today_metrics": sweep.now.metrics,
        "today_limiting": sweep.now.limits,
        "today_next": sweep.now.next_limits,
        "target_p95_s": sweep.target_s,
        "rows": [
            {
                **({"value": row.value} if len(row.point) == 1 else {"values": row.point}),
                "metrics": row.metrics,
                "differences": row.differences,
                "meets_target": row.meets_target,
                "limiting": row.limits,
                "next": row.next_limits,
            }
            for row in sweep.rows
        ],
        "answer": next(iter(answers(sweep)), None),
        "unfit": {misfit.name: misfit.why for axis in sweep.axes for misfit in axis.misfits},
        **common_json(context),
    }
    content["notes"] = [*context.notes, *sweep.notes, *left_behind(sweep)]
    made: dict[str, object] = plain(content)
    return made


def as_csv(sweep: Sweep, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per value (or combination of two) and metric."""
    today, _ = tied(sweep.now.limits)
    rows = []
    for row in sweep.rows:
        limits = (today, tied(row.limits)[0], tied(row.next_limits)[0])
        rows += [(*row.point, *figures.values(), *limits) for figures in row.figures()]
    return csv_text((*sweep.columns, *PAIRED_COLUMNS, *_LIMITS), rows)


def _named(sweep: Sweep) -> dict[str, object]:
    if len(sweep.axes) == 1:
        return {"parameter": sweep.parameter, "path": sweep.path, "today": sweep.today}
    return {
        "parameters": [axis.parameter for axis in sweep.axes],
        "paths": [axis.path for axis in sweep.axes],
        "today": sweep.now.point,
    }


def _with_today(sweep: Sweep) -> list[SweepRow]:
    """Return the rows with today's among them: at its place where values are numbers."""
    today, rows = sweep.today, sweep.rows
    if any(row.value == today for row in rows):
        return list(rows)
    if today is None:  # no limit, which is more than any
        return [*rows, sweep.now]
    if isinstance(today, str):
        return [sweep.now, *rows]
    later = [i for i, r in enumerate(rows) if isinstance(r.value, int | float) and r.value > today]
    place = later[0] if later else len(rows)
    return [*rows[:place], sweep.now, *rows[place:]]


def _label(sweep: Sweep, row: SweepRow) -> Text:
    text = value_text(row.value)
    if row.value != sweep.today:
        return Text(text)
    return Text(text if text == "today" else f"{text}\n(today)", "bold")


def _figures(sweep: Sweep, row: SweepRow) -> list[layout.Cell]:
    """Return a row of the table; a cell is two lines, the lower one quieter."""
    metrics, change = row.metrics, row.differences["p95_s"]
    shown = ((n, metrics[n]) for n in ("rps", "failure_ratio", "p50_s", "p95_s"))
    return [
        _label(sweep, row),
        *(layout.two_lines(*metric_lines(name, found)) for name, found in shown),
        UNDEFINED if row.value == sweep.today else layout.two_lines(*metric_lines("p95_s", change)),
        share(row.meets_target),
    ]


def _limits(sweep: Sweep, row: SweepRow) -> list[layout.Cell]:
    label = _label(sweep, row)
    if "+" not in label.plain:
        label = Text(label.plain.replace("\n", " "), label.style)
    return [label, *("\n".join(frequent(each)) for each in (row.limits, row.next_limits))]


def _answer(sweep: Sweep) -> Iterator[Group]:
    found = answers(sweep)
    if found:
        heading = f"The report's claim ({sweep.report})"
        yield layout.section(heading, *map(layout.sentence, found))
