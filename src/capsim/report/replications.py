"""Several runs of one load test: means, and how well so many runs know them."""

from collections.abc import Iterator

from rich.console import Group

from capsim.experiments.means import Mean
from capsim.experiments.replications import Replications
from capsim.metrics.intervals import Interval
from capsim.report import backlog, layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import label, metric_span, metric_value, number, share, share_span
from capsim.report.plain import csv_text, plain
from capsim.report.precision import as_json as precision_as_json
from capsim.report.precision import met_in_words, with_cap, within

CAP = ("runs", "--replications")  # what the most is of, and the option that sets it
_CSV_COLUMNS = ("metric", "mean", "lo", "hi", "sd", "within")
_NOTE = (
    "Runs at the central values of the parameters, to look into: not a prediction. The intervals "
    "are what so few runs leave open of the mean, and close with more; what is not known of the "
    "system is not in them. capsim predict gives that."
)


def renderable(result: Replications, context: Context) -> Group:
    """Return the means for people: how well they are known, and how far single runs lie apart."""
    users = f", {result.users} users" if result.users else ""
    runs = f"{len(result.outcomes)} runs with independent luck"
    return Group(
        heading(context, f"{result.scenario}{users}, {runs}"),
        *_metrics(result),
        *_failures(result),
        *_resources(result),
        layout.section("Note", layout.sentence(_NOTE)),
        *warnings(with_cap(context, result.precision, *CAP)),
    )


def as_json(result: Replications, context: Context) -> dict[str, object]:
    """Return the means as JSON can hold them: `mean` in place of a prediction's `median`."""
    errors = result.errors
    content = {
        "model": context.model,
        "scenario": result.scenario,
        "users": result.users,
        "note": _NOTE,
        "replications": len(result.outcomes),
        "metrics": {n: {**_mean(m), "within": errors[n]} for n, m in result.metrics.items()},
        "failures": {cause: _mean(found) for cause, found in result.failures.items()},
        "resources": [
            {**vars(r), "utilisation": _mean(r.utilisation), "queue": _mean(r.queue)}
            for r in result.resources
        ],
        "flags": result.thin,
        **common_json(with_cap(context, result.precision, *CAP)),
    }
    if result.precision is not None:
        content["precision"] = precision_as_json(result.precision, "replications")
    made: dict[str, object] = plain(content)
    return made


def as_csv(result: Replications, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per metric."""
    errors = result.errors
    rows = ((n, m.mean, m.lo, m.hi, m.sd, errors[n]) for n, m in result.metrics.items())
    return csv_text(_CSV_COLUMNS, rows)


def _mean(found: Mean) -> dict[str, float]:
    return {"mean": found.mean, "lo": found.lo, "hi": found.hi, "sd": found.sd}


def _interval(found: Mean) -> Interval:
    return Interval(median=found.mean, lo=found.lo, hi=found.hi)


def _metrics(result: Replications) -> Iterator[Group]:
    errors = result.errors
    rows = [
        (
            label(name) + (" *" if name in result.thin else ""),
            metric_value(name, found.mean),
            metric_span(name, _interval(found)),
            within(name, errors[name]),
            metric_value(name, found.sd),
        )
        for name, found in result.metrics.items()
    ]
    columns = ("metric", "mean", "90 % interval", "known within", "one run: sd")
    parts = [layout.table(columns, rows)]
    yield layout.section("What a run reports on average", *parts)
    if result.thin:
        yield Group(layout.sentence("* too few requests lie above it to trust it", layout.QUIET))
    if result.precision is not None and result.precision.is_met:
        text = met_in_words(result.precision, "runs", "the mean")
        yield Group(layout.sentence(text, layout.GOOD))


def _failures(result: Replications) -> Iterator[Group]:
    causes = {cause: found for cause, found in result.failures.items() if found.mean > 0}
    if causes:
        rows = [(c, share(m.mean), share_span(_interval(m))) for c, m in causes.items()]
        columns = ("cause of failure", "of requests", "90 % interval")
        yield layout.section("Failures", layout.table(columns, rows))


def _resources(result: Replications) -> Iterator[Group]:
    rows = [
        (
            usage.name,
            "unlimited" if usage.capacity == float("inf") else number(usage.capacity),
            share(usage.utilisation.mean),
            share_span(_interval(usage.utilisation)),
            number(usage.queue.mean),
        )
        for usage in result.resources
    ]
    columns = ("resource", "capacity", "busy", "90 %", "queue")
    yield layout.section("Resources after the ramp", layout.table(columns, rows))
    for text in backlog.sentences(result.outcomes, of="runs"):
        yield Group(layout.sentence(text, layout.BAD))
