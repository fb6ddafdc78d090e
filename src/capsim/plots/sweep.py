"""What a parameter changes: p95, throughput and failures over its values."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from capsim.experiments.sweep import Sweep, Value
from capsim.plots import style

_HEIGHT_IN = 5.6
_CLOSEST = 0.045  # of the axis: tick labels nearer to each other than this would touch
_TODAY = (0, (3, 1.5))


def plot_sweep(sweep: Sweep) -> Figure:
    """Draw p95, throughput and the share of failures over the values of a swept parameter."""
    places = _places(sweep)
    draws = len(sweep.rows[0].outcomes)
    load = f"{sweep.users} users" if sweep.users else f"scenario '{sweep.scenario}'"
    with style.styled():
        figure = style.new_figure(
            f"{sweep.model}: what {sweep.parameter} changes at {load}",
            f"Medians of {draws} parameter draws as lines, 90 % intervals as bands; "
            "the same luck at every value",
            height_in=_HEIGHT_IN,
        )
        panels = figure.subplots(3, 1, sharex=True, height_ratios=(1.5, 1, 1))
        p95, rps, failures = panels
        _draw(p95, sweep, places, "p95_s", style.ORANGE)
        _draw(rps, sweep, places, "rps", style.GREEN)
        _draw(failures, sweep, places, "failure_ratio", style.PURPLE)
        p95.axhline(sweep.target_s, color=style.VERMILION, linestyle=(0, (1, 1.2)), linewidth=1.4)
        p95.set_ylabel("p95 response time")
        style.log_seconds(p95)
        rps.set_ylabel("requests\nper second")
        rps.set_ylim(bottom=0)
        failures.set_ylabel("failed\nrequests")
        style.share_axis(failures)
        failures.set_xlabel(f"{sweep.parameter} ({sweep.path})")
        _values_axis(failures, sweep, places)
        figure.align_ylabels()
        _today(panels.tolist(), sweep)
        style.legend_below(figure, _handles(sweep), columns=3)
    return figure


def _places(sweep: Sweep) -> list[float]:
    """Return where each value stands on the x axis: words, and words only, stand side by side."""
    values = [row.value for row in sweep.rows]
    numbers = [float(v) for v in values if not isinstance(v, str)]
    return numbers if len(numbers) == len(values) else [float(i) for i in range(len(values))]


def _draw(axes: Axes, sweep: Sweep, places: Sequence[float], metric: str, color: str) -> None:
    intervals = [row.metrics[metric] for row in sweep.rows]
    order = np.argsort(places)
    style.draw_band(
        axes, np.array(places)[order], [intervals[i] for i in order], color=color, marker="o"
    )


def _values_axis(axes: Axes, sweep: Sweep, places: Sequence[float]) -> None:
    if style.is_wide(places):
        axes.set_xscale("log")
    labels = dict(zip(places, (_text(row.value) for row in sweep.rows), strict=True))
    shown = _apart(sorted(labels), logarithmic=axes.get_xscale() == "log")
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: labels.get(value, "")))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _apart(places: Sequence[float], *, logarithmic: bool) -> list[float]:
    """Return the places whose labels do not touch, the last one always among them."""
    scale = np.log(places) if logarithmic else np.array(places)
    span = float(np.ptp(scale)) or 1.0
    shown: list[int] = []
    for i in reversed(range(len(places))):
        if not shown or (scale[shown[-1]] - scale[i]) / span >= _CLOSEST:
            shown.append(i)
    return [places[i] for i in reversed(shown)]


def _today(panels: Sequence[Axes], sweep: Sweep) -> None:
    place = _today_place(sweep)
    if place is not None:
        for axes in panels:
            axes.axvline(place, color=style.BLACK, linestyle=_TODAY, linewidth=1.1, zorder=1)


def _today_place(sweep: Sweep) -> float | None:
    """Return where today's value stands; none where it is a parameter that the draws vary."""
    if all(not isinstance(row.value, str) for row in sweep.rows):
        return None if isinstance(sweep.today, str) else float(sweep.today)
    values = [row.value for row in sweep.rows]
    return float(values.index(sweep.today)) if sweep.today in values else None


def _handles(sweep: Sweep) -> list[Line2D]:
    target = Line2D(
        [],
        [],
        color=style.VERMILION,
        linestyle=(0, (1, 1.2)),
        linewidth=1.4,
        label=f"target for p95: {style.time_label(sweep.target_s)}",
    )
    drawn = _today_place(sweep) is not None
    today = Line2D(
        [],
        [],
        color=style.BLACK if drawn else "none",
        linestyle=_TODAY,
        linewidth=1.1,
        label=f"today: {_text(sweep.today)}" + ("" if drawn else " (a parameter of the draws)"),
    )
    return [target, today]


def _text(value: Value) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    return str(value)
