"""A prediction at one number of users."""

import math
from collections.abc import Iterator, Mapping

from rich.console import Group

from capsim.experiments.predict import Prediction
from capsim.metrics.intervals import Interval, interval
from capsim.report import backlog, cliff, layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import label, metric_span, metric_value, number, share, share_span, span
from capsim.report.plain import csv_text, plain
from capsim.report.precision import as_json as precision_as_json
from capsim.report.precision import met_in_words, with_cap, within

CAP = ("draws", "--draws")  # what the most is of, and the option that sets it
_CSV_COLUMNS = ("metric", "median", "lo", "hi", "measured")


def renderable(prediction: Prediction, context: Context) -> Group:
    """Return the prediction for people: what, why, where the cliff is, and what to doubt."""
    p = prediction
    parts = [
        heading(context, f"{p.scenario}, {p.users} users, {len(p.draws)} draws"),
        *_metrics(p),
        *_precision(p),
        *_failures(p),
        *_resources(p),
        *_cliff(p),
        *_doubts("Extrapolation", p.extrapolations),
        *_comparison(p, context),
        *warnings(with_cap(context, p.precision, *CAP)),
    ]
    return Group(*parts)


def as_json(prediction: Prediction, context: Context) -> dict[str, object]:
    """Return the prediction as JSON can hold it."""
    p = prediction
    content = {
        "model": p.model,
        "scenario": p.scenario,
        "users": p.users,
        "draws": len(p.draws),
        "calibrated": p.calibrated,
        "metrics": p.metrics,
        "failures": p.failures,
        "resources": [vars(usage) for usage in p.usages],
        "limiting": p.limits,
        "tasks": {
            name: {"growth_per_s": interval(rates)}
            for name, rates in backlog.growth(p.outcomes).items()
        },
        "cliff": cliff.as_json(p.cliff) if p.cliff else None,
        "measured": p.measured,
        "held_out": p.held_out,
        "verdicts": {v.metric: "inside" if v.inside else "outside" for v in p.verdicts},
        "extrapolation": p.extrapolations,
        "contradictions": p.contradictions,
        "influences": [{**vars(i), "prior_speaks": i.prior_speaks} for i in p.influences],
        "flags": p.thin,
        "within": p.errors_of_draws,
        **common_json(with_cap(context, p.precision, *CAP)),
    }
    if p.precision is not None:
        content["precision"] = {
            **precision_as_json(p.precision, "draws"),
            "calibration": {
                "effective_draws": p.effective_draws,
                "within": p.errors_of_calibration,
            },
        }
    made: dict[str, object] = plain(content)
    return made


def as_csv(prediction: Prediction, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per metric; with a precision, also to within what its figures are known."""
    errors = prediction.precision.errors if prediction.precision else {}
    figures = ("median", "lo", "hi") if errors else ()
    rows = (
        (
            *(name, found.median, found.lo, found.hi, prediction.measured.get(name)),
            *(errors.get(name, {}).get(figure) for figure in figures),
        )
        for name, found in prediction.metrics.items()
    )
    return csv_text((*_CSV_COLUMNS, *(f"{figure}_within" for figure in figures)), rows)


def _metrics(prediction: Prediction) -> Iterator[Group]:
    verdicts = {v.metric: v.inside for v in prediction.verdicts}
    columns = ["metric", "median", "90 % interval"]
    worst = prediction.precision.worst if prediction.precision else {}
    columns += ["known within"] if worst else []
    columns += ["measured", ""] if verdicts else []
    rows = []
    for name, found in prediction.metrics.items():
        flag = " *" if name in prediction.thin else ""
        row: list[layout.Cell] = [
            label(name) + flag,
            metric_value(name, found.median),
            metric_span(name, found),
        ]
        if worst:
            row.append(within(name, worst[name]) if name in worst else "")
        if name in verdicts:
            row.append(metric_value(name, prediction.measured[name]))
            row.append(layout.verdict(good=verdicts[name]))
        rows.append(row)
    yield layout.section("What a load test would report", layout.table(columns, rows))
    if prediction.thin:
        yield Group(layout.sentence("* too few requests lie above it to trust it", layout.QUIET))
    if not worst:
        yield Group(layout.sentence(_luck(prediction), layout.QUIET))


def _luck(prediction: Prediction) -> str:
    """Say how far the medians may be off for want of more draws."""
    errors = {name: found["median"] for name, found in prediction.errors_of_draws.items()}
    listed = [f"{label(name)} {within(name, e)}" for name, e in errors.items() if math.isfinite(e)]
    draws = f"{len(prediction.draws)} draws"
    if not listed:
        return f"{draws} are too few to say how well these medians are known; see --draws."
    return (
        f"{draws} know these medians to within: {', '.join(listed)}. --precision adds draws until "
        "they are known as well as you need."
    )


def _precision(prediction: Prediction) -> Iterator[Group]:
    reached = prediction.precision
    if reached is None:
        return
    figures = "the median and both ends of the 90 % interval"
    text = (
        "Known within: of median and ends, the figure that is known least. More draws bring it "
        "down; they do not narrow the intervals, which are what is not known of the system."
    )
    if prediction.effective_draws is not None:
        text += (
            f" The calibration itself rests on {number(prediction.effective_draws)} effective "
            "draws. What they leave open is not counted in this; alone, it is up to about: "
            f"{_left_by_calibration(prediction)}."
        )
    met = [met_in_words(reached, "draws", figures)] if reached.is_met else []
    parts = [*(layout.sentence(each, layout.GOOD) for each in met), layout.sentence(text)]
    yield layout.section("Precision", *parts)


def _left_by_calibration(prediction: Prediction) -> str:
    errors = prediction.errors_of_calibration
    return ", ".join(f"{label(name)} {within(name, error)}" for name, error in errors.items())


def _failures(prediction: Prediction) -> Iterator[Group]:
    causes = {c: found for c, found in prediction.failures.items() if found.hi > 0}
    if not causes:
        rare = any(found for o in prediction.outcomes for found in o.failures.values())
        text = "none in at least 95 % of the draws" if rare else "none"
        yield layout.section("Failures", layout.sentence(text))
        return
    rows = [(cause, share(found.median), share_span(found)) for cause, found in causes.items()]
    columns = ("cause of failure", "of requests", "90 % interval")
    yield layout.section("Failures", layout.table(columns, rows))


def _resources(prediction: Prediction) -> Iterator[Group]:
    used = _in_use(prediction)
    limits = prediction.limits
    rows = [
        (
            usage.name,
            f"{number(used[usage.name].median)} of {_capacity(usage.capacity)}",
            share(usage.utilisation.median),
            share_span(usage.utilisation),
            number(usage.queue.median),
            share(limits.get(usage.name, 0.0)),
        )
        for usage in prediction.usages
    ]
    columns = ("resource", "in use", "busy", "90 %", "queue", "limits in")
    shares = ", ".join(f"{name} in {share(often)}" for name, often in limits.items())
    yield layout.section(
        "Resources after the ramp",
        layout.table(columns, rows),
        layout.sentence(f"What limits: {shares} of the draws."),
    )
    for text in backlog.sentences(prediction.outcomes):
        yield Group(layout.sentence(text, layout.BAD))
    wasted = {u.name: u.wasted for u in prediction.usages if u.wasted.hi > 0}
    if wasted:
        parts = ", ".join(
            f"{name} {share(found.median)} ({share_span(found)})" for name, found in wasted.items()
        )
        text = f"Of what was used, for clients that had gone: {parts}."
        yield Group(layout.sentence(text))


def _in_use(prediction: Prediction) -> Mapping[str, Interval]:
    columns = zip(*(outcome.usages for outcome in prediction.outcomes), strict=True)
    return {column[0].name: interval([usage.used for usage in column]) for column in columns}


def _capacity(capacity: Interval) -> str:
    if math.isinf(capacity.median):
        return "unlimited"
    return number(capacity.median) if capacity.lo == capacity.hi else span(capacity)


def _cliff(prediction: Prediction) -> Iterator[Group]:
    if prediction.cliff is not None:
        yield layout.section("The cliff", layout.bullets(cliff.sentences(prediction.cliff)))


def _doubts(name: str, sentences: tuple[str, ...]) -> Iterator[Group]:
    if sentences:
        yield layout.section(name, layout.bullets(sentences))


def _comparison(prediction: Prediction, context: Context) -> Iterator[Group]:
    if context.is_what_if:
        text = "Another system than the measured one: not compared with measurements."
        yield layout.section("Measured", layout.sentence(text, layout.QUIET))
    if not prediction.verdicts:
        return
    inside = sum(v.inside for v in prediction.verdicts)
    kept_out = ", which was kept out of the calibration" if prediction.held_out else ""
    text = (
        f"Measured {prediction.scenario}{kept_out}: {inside} of {len(prediction.verdicts)} "
        "figures inside."
    )
    outside = ", ".join(label(v.metric) for v in prediction.verdicts if not v.inside)
    if outside:
        text += f" Outside: {outside}."
    if prediction.contradictions:
        text += f" This reading of the system cannot produce the measured {outside}."
    style = layout.BAD if outside else layout.GOOD
    yield layout.section("Measured", layout.sentence(text, style))
    yield from _doubts("Contradicted by", prediction.contradictions)
