"""What a parameter changes: p95, throughput and failures over its values."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from capsim.experiments.axes import varies
from capsim.experiments.ceilings import Ceiling
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.experiments.sweep_plan import Point
from capsim.plots import style
from capsim.plots.axes import (
    TARGET_LINE,
    TODAY_LINE,
    axis_label,
    load_label,
    target_handle,
    value_label,
)
from capsim.plots.behind import bound_handle, draw_bound
from capsim.plots.choices import plot_choices

_HEIGHT_IN = 5.6
_ROOM = 2.0  # times the highest throughput: a bound further up is not in the picture
_FURTHEST = 100.0  # below the fastest response: the same
_CLOSEST = 0.06  # of the axis: tick labels nearer to each other than this would touch


def plot_sweep(sweep: Sweep, ceilings: Mapping[Point, Ceiling] | None = None) -> Figure:
    """Draw p95, throughput and the share of failures over the values of a swept parameter.

    Values that are words, and remedies, have a row each.

    Args:
        sweep: of one parameter.
        ceilings: the bounds at each of its points, drawn behind; none: nothing is.
    """
    if any(isinstance(row.value, str) for row in sweep.rows):
        return plot_choices(sweep)
    with style.styled():
        figure = style.new_figure(
            f"{sweep.model}: the effect of {sweep.parameter} {load_label(sweep)}",
            f"Medians of {len(sweep.now.outcomes)} parameter draws as lines, 90 % intervals as "
            "bands; the same luck at every value",
            height_in=_HEIGHT_IN,
        )
        panels = figure.subplots(3, 1, sharex=True, height_ratios=(1.5, 1, 1)).tolist()
        _panels(panels, sweep)
        _values_axis(panels[-1], sweep)
        figure.align_ylabels()
        _today(panels, sweep)
        is_seen = _ceilings(panels, sweep, ceilings or {})
        handles = [*_handles(sweep), *([bound_handle()] if is_seen else [])]
        style.legend_below(figure, handles, columns=3)
    return figure


def _panels(panels: Sequence[Axes], sweep: Sweep) -> None:
    p95, rps, failures = panels
    _draw(p95, sweep, "p95_s", style.ORANGE)
    _draw(rps, sweep, "rps", style.GREEN)
    _draw(failures, sweep, "failure_ratio", style.PURPLE)
    for target_s in sweep.targets_s:
        p95.axhline(target_s, color=style.VERMILION, linestyle=TARGET_LINE, linewidth=1.4)
    p95.set_ylabel("p95 response time")
    style.log_seconds(p95)
    rps.set_ylabel("requests\nper second")
    rps.set_ylim(bottom=0)
    failures.set_ylabel("failed\nrequests")
    style.share_axis(failures)
    failures.set_xlabel(axis_label(sweep.axes[0]))


def _ceilings(panels: Sequence[Axes], sweep: Sweep, ceilings: Mapping[Point, Ceiling]) -> bool:
    """Draw the bounds behind p95 and throughput, and say whether they are in the picture."""
    known = {p: ceilings[row.point] for p, row in _rows(sweep).items() if row.point in ceilings}
    if not known:
        return False
    p95, rps, _ = panels
    means, rates = ([getattr(c, name) for c in known.values()] for name in ("mean_s", "rps"))
    low, high = p95.get_ylim()
    least = min(found.lo for found in means)
    draw_bound(p95, list(known), means)
    p95.set_ylim(low if least < low / _FURTHEST else min(low, 0.8 * least), high)
    top = rps.get_ylim()[1]
    draw_bound(rps, list(known), rates)
    fewest = min(found.lo for found in rates)
    rps.set_ylim(0, top if fewest > _ROOM * top else max(top, min(_ROOM * top, 1.1 * fewest)))
    return True


def _rows(sweep: Sweep) -> dict[float, SweepRow]:
    """Return what is drawn, today's system among it, by its place on the x axis and in order."""
    rows = (sweep.now, *sweep.rows)
    places = {float(r.value): r for r in rows if isinstance(r.value, int | float)}
    return dict(sorted(places.items()))


def _draw(axes: Axes, sweep: Sweep, metric: str, color: str) -> None:
    rows = _rows(sweep)
    intervals = [row.metrics[metric] for row in rows.values()]
    style.draw_band(axes, list(rows), intervals, color=color, marker="o")


def _values_axis(axes: Axes, sweep: Sweep) -> None:
    drawn = _rows(sweep)
    if style.is_wide(list(drawn)):
        axes.set_xscale("log")
    # The legend says what today's value is; those that were asked for are labelled.
    tried = [row.value for row in sweep.rows]
    labels = {p: value_label(row.value) for p, row in drawn.items() if row.value in tried}
    shown = _apart(list(labels), list(drawn), logarithmic=axes.get_xscale() == "log")
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: labels.get(value, "")))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _apart(places: Sequence[float], drawn: Sequence[float], *, logarithmic: bool) -> list[float]:
    """Return the places whose labels do not touch, the last one always among them."""
    scale = np.log(places) if logarithmic else np.array(places)
    span = float(np.ptp(np.log(drawn) if logarithmic else drawn)) or 1.0
    shown: list[int] = []
    for i in reversed(range(len(places))):
        if not shown or (scale[shown[-1]] - scale[i]) / span >= _CLOSEST:
            shown.append(i)
    return [places[i] for i in reversed(shown)]


def _today(panels: Sequence[Axes], sweep: Sweep) -> None:
    place = _today_place(sweep)
    if place is not None:
        for axes in panels:
            axes.axvline(place, color=style.BLACK, linestyle=TODAY_LINE, linewidth=1.1, zorder=1)


def _today_place(sweep: Sweep) -> float | None:
    """Return where today's value stands; none where the draws vary it, or it is not set."""
    return None if isinstance(sweep.today, str | None) else float(sweep.today)


def _handles(sweep: Sweep) -> list[Line2D]:
    drawn = _today_place(sweep) is not None
    today = Line2D(
        [],
        [],
        color=style.BLACK if drawn else "none",
        linestyle=TODAY_LINE,
        linewidth=1.1,
        label=f"today: {value_label(sweep.today)}"
        + " (a parameter of the draws)" * varies(sweep.today),
    )
    return [target_handle(sweep), today]
