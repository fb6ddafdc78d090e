"""A parameter over its values, compared with today."""

from collections.abc import Iterator

from rich.console import Group
from rich.text import Text

from capsim.experiments.claims import answer_pool_claim
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.metrics.intervals import Interval
from capsim.report import layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import UNDEFINED, metric_lines, seconds, share
from capsim.report.plain import csv_text, plain

_CSV_COLUMNS = (
    "value",
    "metric",
    "median",
    "lo",
    "hi",
    "difference",
    "difference_lo",
    "difference_hi",
)
_POOL = "database.access.size"


def renderable(sweep: Sweep, context: Context) -> Group:
    """Return a table with two lines per value, medians above 90 % intervals, and the answer."""
    users = f", {sweep.users} users" if sweep.users else ""
    draws = len(sweep.rows[0].outcomes)
    columns = (
        sweep.parameter,
        "req/s",
        "failed",
        "p50",
        "p95",
        "p95 change",
        "target",
        "limited by",
    )
    rows = [_cells(sweep, row) for row in _with_today(sweep)]
    table = layout.table(columns, rows, gap=1)
    table.columns[-1].justify, table.columns[-1].no_wrap = "left", False
    return Group(
        heading(context, f"{sweep.parameter}, {sweep.scenario}{users}, {draws} draws"),
        layout.section("Median, and 90 % interval below it", table),
        *(layout.sentence(note, layout.QUIET) for note in _notes(sweep)),
        *_answer(sweep),
        *warnings(context),
    )


def as_json(sweep: Sweep, context: Context) -> dict[str, object]:
    """Return the sweep as JSON can hold it."""
    content = {
        "model": sweep.model,
        "scenario": sweep.scenario,
        "users": sweep.users,
        "draws": len(sweep.rows[0].outcomes),
        "calibrated": sweep.calibrated,
        "parameter": sweep.parameter,
        "path": sweep.path,
        "today": sweep.today,
        "today_metrics": _today(sweep).metrics,
        "target_p95_s": sweep.target_s,
        "rows": [
            {
                "value": row.value,
                "metrics": row.metrics,
                "differences": row.differences,
                "meets_target": row.meets_target,
                "limiting": row.limits,
            }
            for row in sweep.rows
        ],
        "answer": answer_pool_claim(sweep),
        **common_json(context),
    }
    made: dict[str, object] = plain(content)
    return made


def as_csv(sweep: Sweep, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per value and metric."""
    rows = (
        (row.value, name, *_bounds(found), *_bounds(row.differences[name]))
        for row in sweep.rows
        for name, found in row.metrics.items()
    )
    return csv_text(_CSV_COLUMNS, rows)


def _bounds(found: Interval) -> tuple[float, float, float]:
    return found.median, found.lo, found.hi


def _today(sweep: Sweep) -> SweepRow:
    outcomes = sweep.rows[0].today
    return SweepRow(value=sweep.today, outcomes=outcomes, today=outcomes, target_s=sweep.target_s)


def _with_today(sweep: Sweep) -> list[SweepRow]:
    """Return the rows with today's among them: at its place where values are numbers."""
    if any(row.value == sweep.today for row in sweep.rows):
        return list(sweep.rows)
    today = sweep.today
    later = [
        i
        for i, row in enumerate(sweep.rows)
        if isinstance(today, int | float)
        and isinstance(row.value, int | float)
        and row.value > today
    ]
    place = later[0] if later else (len(sweep.rows) if isinstance(today, int | float) else 0)
    return [*sweep.rows[:place], _today(sweep), *sweep.rows[place:]]


def _cells(sweep: Sweep, row: SweepRow) -> list[layout.Cell]:
    """Return a row of the table; a cell is two lines, the lower one quieter."""
    metrics, change = row.metrics, row.differences["p95_s"]
    is_today = row.value == sweep.today
    limit, often = next(iter(row.limits.items()))
    shown = ((n, metrics[n]) for n in ("rps", "failure_ratio", "p50_s", "p95_s"))
    return [
        Text(f"{row.value}\n(today)" if is_today else str(row.value), "bold" if is_today else ""),
        *(_two_lines(*metric_lines(name, found)) for name, found in shown),
        UNDEFINED if is_today else _two_lines(*metric_lines("p95_s", change)),
        share(row.meets_target),
        _two_lines(limit, f"in {share(often)}"),
    ]


def _two_lines(upper: str, lower: str) -> Text:
    return Text.assemble(upper, "\n", (lower, layout.QUIET))


def _notes(sweep: Sweep) -> Iterator[str]:
    yield (
        f"target: share of the draws whose p95 is at most {seconds(sweep.target_s)}; differences "
        "are paired, draw by draw under the same luck."
    )
    if any(row.metrics["failure_ratio"].median > 0 for row in sweep.rows):
        yield "The response times are those of all answers: fast failures count among them."
    if isinstance(sweep.today, str) and sweep.today.startswith("$"):
        yield f"{sweep.today} (today) is not known: it differs from draw to draw."
    if sweep.parameter == "pool-size" and sweep.path != _POOL:
        yield (
            f"{sweep.model} has no pool; what bounds its connections is {sweep.path}, so that is "
            "what was varied. What each connection costs PostgreSQL in memory and CPU is not in "
            "the model."
        )
    elif sweep.parameter != sweep.path:
        yield f"{sweep.parameter} is {sweep.path} of the model."


def _answer(sweep: Sweep) -> Iterator[Group]:
    answer = answer_pool_claim(sweep)
    if answer is not None:
        yield layout.section("Would a larger pool help?", layout.sentence(answer))
