"""Bounds without simulation: what a request needs, the knee, bounds over users, the fitted law."""

import math
from collections.abc import Iterator

from rich.console import Group, RenderableType

from capsim.calibration.scalability import Estimate, UslFit
from capsim.experiments.bounded import Bounds, Levels, Resource
from capsim.experiments.envelopes import MEAN, RPS
from capsim.metrics.intervals import Interval
from capsim.report import bounds_measured as measured
from capsim.report import bounds_words as words
from capsim.report import layout
from capsim.report.context import Context, common_json, heading, warnings
from capsim.report.numbers import UNDEFINED, metric_lines, number
from capsim.report.plain import csv_text, plain

_MVA = {"data": "one queue"}
_CSV_COLUMNS = ("users", "metric", "median", "lo", "hi")
_DIGITS = 6
_REMARKS = {"held": " (held)"}


def renderable(found: Bounds, context: Context) -> Group:
    """Return the bounds as tables and sentences."""
    return Group(
        heading(context, _facts(found)),
        *measured.section(found),
        *_resources(found),
        *([layout.section("The knee", layout.bullets(words.knee(found)))] if found.systems else []),
        *_levels(found),
        *_usl(found),
        layout.section("How far to trust it", layout.bullets(words.trust(found))),
        *warnings(context),
    )


def as_json(found: Bounds, context: Context) -> dict[str, object]:
    """Return the bounds as JSON can hold them; null: unknown, or without a limit."""
    levels = found.levels
    known = found.systems
    content = {
        "model": context.model,
        "kind": found.kind,
        "scenario": found.scenario,
        "systems": len(known),
        "think_s": found.think_s if known else None,
        "alone_s": found.alone_s if known else None,
        "knee_users": found.knee if known else None,
        "capacity_rps": found.capacity_rps if known else None,
        "bottlenecks": found.bottlenecks if known else {},
        "resources": [vars(resource) for resource in found.resources],
        "parameter": "users",
        "rows": [
            {"value": users, "metrics": metrics}
            for users, metrics in (levels.rows if levels is not None else ())
        ],
        "stations": [vars(each) for each in levels.visits.stations] if levels else [],
        "user_classes": [vars(each) for each in levels.visits.classes] if levels else [],
        "load_tests": [measured.as_json(reading) for reading in found.readings],
        "contradicted": found.contradicted,
        "usl": None if found.usl is None else _fit(found.usl),
        "notes_on_load_tests": [*words.of_readings(found), *words.usl(found)],
        "assumptions": words.trust(found),
        "mva_leaves_out": found.leaves_out,
        **common_json(context),
    }
    made: dict[str, object] = plain(content)
    return made


def as_csv(found: Bounds, context: Context) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per number of users and metric."""
    rows = found.levels.rows if found.levels is not None else ()
    return csv_text(
        _CSV_COLUMNS,
        [
            (users, name, value.median, value.lo, value.hi)
            for users, metrics in rows
            for name, value in metrics.items()
        ],
    )


def _facts(found: Bounds) -> str:
    if found.kind == "model":
        return f"{found.scenario}, bounds without simulation, {len(found.systems)} draws"
    if found.kind == "data":
        tests = {reading.load_test for reading in found.readings}
        what = f"{len(tests)} load tests" if len(tests) > 1 else f"load test {next(iter(tests))}"
        return f"bounds from {what} alone"
    return "bounds without simulation"


def _lines(found: Bounds, metric: str, value: Interval) -> tuple[str, str]:
    """Return a figure, and its interval."""
    if math.isnan(value.median):
        return UNDEFINED, ""
    if math.isinf(value.median):
        return "no limit", ""
    if words.exact(found):
        return f"{value.median:.{_DIGITS}g}" + (" s" if metric == "mean_s" else ""), ""
    return metric_lines(metric, value)


def _resources(found: Bounds) -> Iterator[Group]:
    if found.systems and found.kind != "data":
        rows = [
            (
                resource.name + _REMARKS.get(resource.kind, ""),
                layout.two_lines(*_lines(found, "mean_s", resource.seconds)),
                layout.two_lines(*_servers(resource)),
                layout.two_lines(*_lines(found, "rps", resource.capacity_rps)),
            )
            for resource in found.resources
        ]
        most = "requests/s, idle mix" if found.has_classes else "requests/s at most"
        columns = ("resource", "time of a request", "servers", most)
        yield layout.section("What a request needs", layout.table(columns, rows))


def _servers(resource: Resource) -> tuple[str, str]:
    if math.isinf(resource.servers.median):
        return UNDEFINED, ""
    return metric_lines("rps", resource.servers)


def _levels(found: Bounds) -> Iterator[Group]:
    levels = found.levels
    if levels is None:
        return
    mva = _MVA.get(found.kind, "exact MVA")
    for title, metric, names in (
        ("Throughput in requests per second", "rps", RPS),
        ("Mean response time", "mean_s", MEAN),
    ):
        headings = ("at least", "balanced", mva, "balanced", "at most")
        known = zip(names, headings, strict=True)
        columns = [(name, text) for name, text in known if levels.envelope.has(name)]
        rows = [
            [str(users), *(_cell(found, metric, metrics[name]) for name, _ in columns)]
            for users, metrics in levels.rows
        ]
        table = layout.table(("users", *(text for _, text in columns)), rows, left=0)
        yield layout.section(title, table)
    if levels.visits.stations:
        yield _stations(found, levels)
    if len(levels.visits.classes) > 1:
        yield _classes(found, levels)


def _cell(found: Bounds, metric: str, value: Interval) -> str:
    upper, lower = _lines(found, metric, value)
    return f"{upper}\n{lower}" if lower else upper


def _stations(found: Bounds, levels: Levels) -> Group:
    busy = "rps" if words.exact(found) else "failure_ratio"  # a number, or percent
    rows = [
        (
            station.name,
            _cell(found, busy, station.utilisation),
            _cell(found, "rps", station.queue),
            _cell(found, "mean_s", station.mean_s),
        )
        for station in levels.visits.stations
    ]
    columns = ("station", "utilisation", "mean number there", "mean time there")
    return layout.section(
        f"Stations at {levels.shown[-1]} users, by exact MVA", layout.table(columns, rows)
    )


def _classes(found: Bounds, levels: Levels) -> Group:
    rows = [
        (
            each.name,
            str(each.users),
            _cell(found, "rps", each.rps),
            _cell(found, "mean_s", each.mean_s),
        )
        for each in levels.visits.classes
    ]
    columns = ("user class", "users", "requests/s", "mean")
    return layout.section("User classes, by exact MVA", layout.table(columns, rows))


def _usl(found: Bounds) -> Iterator[Group]:
    sentences = words.usl(found)
    if not sentences:
        return
    parts: list[RenderableType] = []
    if found.usl is not None:
        rows = [
            (name, number(value.best), words.estimate_span(value))
            for name, value in _parameters(found.usl).items()
        ]
        parts.append(layout.table(("parameter", "best fit", "90 % interval"), rows))
    yield layout.section("Universal Scalability Law", *parts, layout.bullets(sentences))


def _parameters(fit: UslFit) -> dict[str, Estimate]:
    return {
        "one user, requests/s (lambda)": fit.unit_rate,
        "contention (sigma)": fit.contention,
        "coherency (kappa)": fit.coherency,
        "peak, users": fit.peak,
    }


def _fit(fit: UslFit) -> dict[str, object]:
    return {
        "users": fit.users.tolist(),
        "rps": fit.rps.tolist(),
        "unit_rate": vars(fit.unit_rate),
        "contention": vars(fit.contention),
        "coherency": vars(fit.coherency),
        "peak_users": vars(fit.peak),
        "extrapolated": fit.is_beyond,
        "relative_error": fit.error,
    }
