"""One simulated load test at one point of the parameters."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

from capsim.metrics.run import Run, RunSummary
from capsim.metrics.summary import Summary
from capsim.metrics.tasks import TaskSummary
from capsim.metrics.utilisation import Usage
from capsim.report import layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import label, metric_value, number, share
from capsim.report.plain import csv_text, plain

if TYPE_CHECKING:
    import pandas as pd

_COUNTED = ("rps", "goodput_rps", "failure_ratio")
_NOTE = (
    "One run at the central values of the parameters, to look into: not a prediction. "
    "capsim predict gives intervals."
)


@dataclass(frozen=True, kw_only=True)
class SimulatedRun:
    """A run, and what of it is shown."""

    scenario: str
    users: int
    digest: RunSummary  # its resources after the ramp
    run: Run | None = None  # none: nothing else was kept
    timeline: "pd.DataFrame | None" = None


def renderable(result: SimulatedRun, context: Context) -> Group:
    """Return the run's summary, its resources and, if wanted, its course."""
    summary = result.digest.summary
    rows = [
        (label(name) + (" *" if name in summary.thin else ""), metric_value(name, value))
        for name, value in summary.metrics().items()
    ]
    counts = f"{summary.requests} requests, {summary.in_flight} in flight at the end"
    if summary.attempts > 1:
        counts += f"; {number(summary.attempts)} attempts each"
    users = f", {result.users} users" if result.users else ""
    return Group(
        heading(context, f"{result.scenario}{users}, one run"),
        layout.section(counts, layout.table(("metric", "value"), rows)),
        *_thin(summary),
        *_within(summary),
        *_failures(summary),
        layout.section("Resources after the ramp", _resources(result.digest.usages)),
        *_tasks(result.digest.tasks, result.digest.stale_share),
        *_timeline(result.timeline),
        layout.section("Note", layout.sentence(_NOTE)),
        *warnings(context),
    )


def as_json(result: SimulatedRun, context: Context) -> dict[str, object]:
    """Return the run's summary as JSON can hold it."""
    summary = result.digest.summary
    content = {
        "model": context.model,
        "scenario": result.scenario,
        "users": result.users,
        "note": _NOTE,
        "requests": summary.requests,
        "in_flight": summary.in_flight,
        "metrics": summary.metrics(),
        "failures": summary.failures,
        "resources": [vars(usage) for usage in result.digest.usages],
        "attempts": summary.attempts,
        "tasks": [vars(task) for task in result.digest.tasks],
        "stale_share": result.digest.stale_share,
        "flags": summary.thin,
        **common_json(context),
    }
    if summary.percentile_error:
        content["percentile_error"] = summary.percentile_error
    if result.timeline is not None:
        content["timeline"] = result.timeline.to_dict(orient="records")
    made: dict[str, object] = plain(content)
    return made


def as_csv(result: SimulatedRun, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per request, per slice if the course was asked for; or per metric."""
    if result.run is None:
        summary = result.digest.summary
        rows = {**summary.metrics(), "percentile_error": summary.percentile_error}
        return csv_text(("metric", "value"), rows.items())
    frame = result.run.requests if result.timeline is None else result.timeline
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def _thin(summary: Summary) -> Iterator[Group]:
    if summary.thin:
        yield Group(layout.sentence("* too few requests lie above it to trust it", layout.QUIET))


def _within(summary: Summary) -> Iterator[Group]:
    """Yield how exact the percentiles are, where they are not times that were measured."""
    if summary.percentile_error:
        text = f"Percentiles are of a histogram: within {share(summary.percentile_error)}."
        yield Group(layout.sentence(text, layout.QUIET))


def _failures(summary: Summary) -> Iterator[Group]:
    causes = [(cause, share(found)) for cause, found in summary.failures.items() if found]
    if causes:
        columns = ("cause of failure", "of requests")
        yield layout.section("Failures", layout.table(columns, causes))


def _resources(usages: tuple[Usage, ...]) -> Table:
    some_wasted = any(usage.wasted > 0 for usage in usages)
    rows = [
        (
            usage.name,
            "unlimited" if usage.capacity == float("inf") else number(usage.capacity),
            share(usage.utilisation),
            share(usage.busiest),
            number(usage.queue),
            *([share(usage.wasted)] if some_wasted else []),
        )
        for usage in usages
    ]
    columns = ("resource", "capacity", "busy", "busiest", "queue")
    return layout.table((*columns, "for clients gone") if some_wasted else columns, rows)


def _tasks(tasks: tuple[TaskSummary, ...], stale: float) -> Iterator[Group]:
    """Yield what became of the work that requests left behind, where they did."""
    if not tasks:
        return
    rows = [
        (
            task.name,
            str(task.done),
            str(task.failed),
            str(task.waiting),
            f"{task.growth_per_s:+.3g}/s",
            *(metric_value(name, getattr(task, name)) for name in ("mean_s", "p95_s", "max_s")),
        )
        for task in tasks
    ]
    columns = ("task", "done", "failed", "waiting", "growth", "mean", "p95", "slowest")
    table = layout.table(columns, rows)
    notes = []
    if not math.isnan(stale):
        text = f"Of the requests that read a replica, {share(stale)} may have missed a change."
        notes.append(layout.sentence(text))
    yield layout.section("Done later (from the request to the end of the task)", table, *notes)


def _timeline(timeline: "pd.DataFrame | None") -> Iterator[Group]:
    if timeline is None:
        return
    columns = ("time", "requests/s", "good", "failed", "mean", "p50", "p95", "in flight")
    rows = [
        (
            f"{record['time_s']:g} s",
            *(metric_value(name, record[name]) for name in _COUNTED),
            *(metric_value(name, record[name]) for name in ("mean_s", "p50_s", "p95_s")),
            str(record["in_flight"]),
        )
        for record in timeline.to_dict(orient="records")
    ]
    yield layout.section("Its course", layout.table(columns, rows, left=0))
