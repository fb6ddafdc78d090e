"""Load tests beside bounds: what they measured, and what that says of one queue."""

from collections.abc import Iterator

from rich.console import Group, RenderableType

from capsim.experiments.bounded import Bounds
from capsim.experiments.readings import Reading
from capsim.report import bounds_words as words
from capsim.report import layout
from capsim.report.numbers import UNDEFINED, number, seconds, share


def section(found: Bounds) -> Iterator[Group]:
    """Yield what load tests measured; without a model, what that says of one queue, too."""
    if not found.readings:
        return
    columns = ("load test", "users", "requests/s", "mean", "think", "failed")
    parts: list[RenderableType] = [
        layout.table(columns, [_figures(found, reading) for reading in found.readings])
    ]
    if found.kind == "data":
        queue = ("as one queue", "in system", "active users", "demand", "busy", "at most", "N*")
        parts += ["", layout.table(queue, [_as_queue(reading) for reading in found.readings])]
    notes = words.of_readings(found)
    yield layout.section("Load tests", *parts, *([layout.bullets(notes)] if notes else []))


def _figures(found: Bounds, reading: Reading) -> list[str]:
    return [
        _name(reading),
        _number(reading.users),
        number(reading.rps) + _mark(found, reading),
        _time(reading.mean_s),
        _time(reading.think_s),
        UNDEFINED if reading.failure_ratio is None else share(reading.failure_ratio),
    ]


def _mark(found: Bounds, reading: Reading) -> str:
    """Return a mark where a throughput is more than its bound."""
    levels = found.levels
    if levels is None or reading.users is None:
        return ""
    places = list(levels.envelope.users)
    if round(reading.users) not in places:
        return ""
    most = levels.envelope.intervals("rps_at_most")[places.index(round(reading.users))]
    return " ABOVE THE BOUND" if words.verdict(reading, most) == "ABOVE" else ""


def _as_queue(reading: Reading) -> list[str]:
    return [
        _name(reading),
        _number(reading.in_system),
        _number(reading.active_users),
        _time(reading.demand_s),
        UNDEFINED if reading.utilisation is None else share(reading.utilisation),
        UNDEFINED if reading.capacity_rps is None else f"{number(reading.capacity_rps)}/s",
        _number(reading.knee),
    ]


def _name(reading: Reading) -> str:
    remarks = [] if reading.part == "whole" else [reading.part]
    remarks += ["held out"] if reading.held_out else []
    return reading.load_test + (f" ({', '.join(remarks)})" if remarks else "")


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else number(value)


def _time(value_s: float | None) -> str:
    return UNDEFINED if value_s is None else seconds(value_s)


def as_json(reading: Reading) -> dict[str, object]:
    """Return a load test and what it says of one queue."""
    return {
        **vars(reading),
        "in_system": reading.in_system,
        "active_users": reading.active_users,
        "demand_s": reading.demand_s,
        "utilisation": reading.utilisation,
        "capacity_rps": reading.capacity_rps,
        "knee_users": reading.knee,
    }
