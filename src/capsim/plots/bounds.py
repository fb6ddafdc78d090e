"""Bounds over the number of users, with exact mean values, measurements and the fitted law."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from capsim.experiments.bounded import Bounds, Levels
from capsim.experiments.readings import Reading
from capsim.metrics.intervals import Interval
from capsim.plots import style
from capsim.plots.behind import bound_handle, draw_bound

_MVA_RPS, _MVA_MEAN = style.GREEN, style.BLUE
_LAW = style.PURPLE
_POSSIBLE_ALPHA, _BALANCED_ALPHA = 0.10, 0.16
_KNEE_LINE = (0, (1, 1.2))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_POINTS = 24  # of the law, on either side of where the data end
_SPREADS = {
    "model": "Medians of {count} parameter draws as lines, 90 % intervals as bands",
    "data": "{count} load test{s} read as one queue: medians as lines, 90 % intervals as bands",
    "network": "Exact for the network that was given: there are no 90 % intervals",
}


def plot_bounds(found: Bounds) -> Figure:
    """Draw what lies between the bounds on throughput and mean response time, over users.

    Args:
        found: with bounds over users.

    Raises:
        ValueError: there are none.
    """
    levels = found.levels
    if levels is None:
        raise ValueError("found must have levels, got none")
    title = f"{found.name}: bounds" + (f" of scenario '{found.scenario}'" * bool(found.scenario))
    count = len(found.systems)
    subtitle = _SPREADS[found.kind].format(count=count, s="s" * (count > 1))
    with style.styled():
        figure = style.new_figure(title, subtitle)
        left, right = figure.subplots(1, 2, sharex=True)
        _panel(left, levels, ("rps_at_least", "rps_at_most"), "rps_balanced", "rps_mva", _MVA_RPS)
        mean = ("mean_s_at_least", "mean_s_at_most")
        _panel(right, levels, mean, "mean_s_balanced", "mean_s_mva", _MVA_MEAN)
        measured = [r for r in found.readings if r.users is not None]
        markers = dict(zip(dict.fromkeys(r.load_test for r in measured), _MARKERS, strict=False))
        for reading in measured:
            _point(left, reading, reading.rps, _MVA_RPS, markers)
            _point(right, reading, reading.mean_s, _MVA_MEAN, markers)
        _law(left, found, levels)
        _label(left, right)
        for axes in (left, right):
            _knee(axes, found, levels)
            _users_axis(axes, levels, measured)
        style.legend_below(figure, _handles(found, levels, measured, markers))
    return figure


def _panel(
    axes: Axes,
    levels: Levels,
    bounds: tuple[str, str],
    balanced: str,
    mva: str,
    color: str,
) -> None:
    known = levels.envelope
    users = known.users
    low, high = (known.intervals(name) for name in bounds)
    _between(axes, users, low, high, _POSSIBLE_ALPHA)
    if known.has(f"{balanced}_least"):
        inner = (known.intervals(f"{balanced}_{end}") for end in ("least", "most"))
        _between(axes, users, next(inner), next(inner), _BALANCED_ALPHA)
    for each in (low, high):
        if not all(math.isnan(value.median) for value in each):
            draw_bound(axes, users, each)
    style.draw_band(axes, users, known.intervals(mva), color=color)


def _between(
    axes: Axes,
    users: npt.NDArray[np.int64],
    low: Sequence[Interval],
    high: Sequence[Interval],
    alpha: float,
) -> None:
    """Shade what is possible in most of the systems."""
    lows, highs = [value.lo for value in low], [value.hi for value in high]
    axes.fill_between(users, lows, highs, color=style.GREY, alpha=alpha, linewidth=0, zorder=0)


def _point(
    axes: Axes, reading: Reading, value: float | None, color: str, markers: dict[str, str]
) -> None:
    if value is not None and reading.users is not None:
        axes.plot(
            reading.users,
            value,
            marker=markers.get(reading.load_test, _MARKERS[0]),
            markersize=7,
            markerfacecolor="white" if reading.held_out else color,
            markeredgecolor=style.BLACK,
            linestyle="",
            zorder=5,
        )


def _law(axes: Axes, found: Bounds, levels: Levels) -> None:
    """Draw the fitted law: dotted beyond the loads that were measured."""
    if found.usl is None:
        return
    lowest, highest = float(levels.envelope.users[0]), float(levels.envelope.users[-1])
    ends = [lowest, float(found.usl.users.max()), highest]
    for begin, end, line in ((ends[0], ends[1], "-"), (ends[1], ends[2], ":")):
        if end > begin:
            grid = np.geomspace(max(1.0, begin), end, _POINTS)
            each = [found.usl.interval(users) for users in grid]
            axes.fill_between(
                grid,
                [e.lo for e in each],
                [e.hi for e in each],
                color=_LAW,
                alpha=0.15,
                linewidth=0,
            )
            axes.plot(grid, [e.best for e in each], color=_LAW, linestyle=line)


def _knee(axes: Axes, found: Bounds, levels: Levels) -> None:
    place, last = found.knee, float(levels.envelope.users[-1])
    if place.median <= last:
        axes.axvline(place.median, color=style.VERMILION, linestyle=_KNEE_LINE, linewidth=1.4)
        axes.axvspan(place.lo, min(place.hi, last), color=style.VERMILION, alpha=0.10, linewidth=0)


def _label(left: Axes, right: Axes) -> None:
    left.set_title("Throughput")
    left.set_ylabel("requests per second")
    left.set_yscale("log")
    style.log_ticks(left.yaxis, style.number_label)
    right.set_title("Mean response time")
    right.set_ylabel("response time")
    style.log_seconds(right)


def _users_axis(axes: Axes, levels: Levels, measured: Sequence[Reading]) -> None:
    shown = [*levels.envelope.users.tolist(), *(r.users for r in measured if r.users)]
    axes.set_xscale("log")
    axes.set_xlim(min(shown) * 0.85, max(shown) * 1.18)
    axes.set_xlabel("concurrent users")
    style.log_ticks(axes.xaxis, style.number_label)


def _handles(
    found: Bounds, levels: Levels, measured: Sequence[Reading], markers: dict[str, str]
) -> list[Line2D | Patch]:
    known = levels.envelope
    handles: list[Line2D | Patch] = [
        bound_handle("bounds"),
        Patch(color=style.GREY, alpha=2 * _POSSIBLE_ALPHA, label="possible between them"),
    ]
    if known.has("rps_balanced_least"):
        inner = _POSSIBLE_ALPHA + 2 * _BALANCED_ALPHA
        handles.append(Patch(color=style.GREY, alpha=inner, label="balanced job bounds"))
    if known.has("rps_mva"):
        solved = "one queue" if found.kind == "data" else "exact MVA"
        handles.append(style.band_handle(f"{solved}, throughput", _MVA_RPS))
        handles.append(style.band_handle(f"{solved}, mean response time", _MVA_MEAN))
    if found.knee.median <= float(known.users[-1]):
        label = f"knee N*: {style.number_label(found.knee.median)} users"
        knee = Line2D([], [], color=style.VERMILION, linestyle=_KNEE_LINE, linewidth=1.4)
        knee.set_label(label)
        handles.append(knee)
    if found.usl is not None:
        handles.append(style.band_handle("scalability law (dotted: beyond the data)", _LAW))
    return handles + [_measured_handle(reading, markers) for reading in _first_of_each(measured)]


def _first_of_each(measured: Sequence[Reading]) -> list[Reading]:
    return list({reading.load_test: reading for reading in reversed(measured)}.values())[::-1]


def _measured_handle(reading: Reading, markers: dict[str, str]) -> Line2D:
    remarks = ["held out"] if reading.held_out else []
    if reading.failure_ratio:
        remarks.append(f"{style.percent_label(reading.failure_ratio)} failed")
    label = f"measured: {reading.load_test}" + (f" ({', '.join(remarks)})" if remarks else "")
    return Line2D(
        [],
        [],
        marker=markers.get(reading.load_test, _MARKERS[0]),
        markersize=6,
        markerfacecolor="white" if reading.held_out else style.GREY,
        markeredgecolor=style.BLACK,
        linestyle="",
        label=label,
    )
