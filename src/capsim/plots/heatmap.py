"""p95 over two parameters: a cell per combination, and a line around those that are fast enough."""

import math
from collections.abc import Iterator, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter

from capsim.experiments.axes import Value, varies
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.metrics.intervals import Interval
from capsim.plots import style
from capsim.plots.axes import TODAY_LINE, axis_label, load_label, value_label

_COLOURS = "cividis"
_ROW_IN = 0.42
_MOST_WITH_INTERVALS = 5  # columns: with more, an interval is wider than its cell
_MOST_WITH_VALUES = 16  # columns: with more, a value is
_MOST_ROWS = 20  # with a name
_MOST_LETTERS = 72  # below the cells, side by side
_MOST_DRAWS = 0.5
_WIDE = 5.0  # from the lowest to the highest p95: round numbers lie between them
_BRIGHT = 0.5  # of the colours' range: letters are black from here on
_FAILING = 0.01  # of the requests: worth a mark
_CORNER = 0.35, 0.28  # of a cell, from its middle
_INSET = 0.42  # of a cell: half the side of the mark of today

Segment = tuple[tuple[float, float], tuple[float, float]]


def plot_grid(sweep: Sweep) -> Figure:
    """Draw the median p95 of every combination of two parameters, and where the target is met."""
    down, across = sweep.axes
    has_intervals = len(across.tried) <= _MOST_WITH_INTERVALS
    below = ", 90 % interval below it" if has_intervals else " (90 % intervals: --format json)"
    with style.styled():
        figure = style.new_figure(
            f"{sweep.model}: p95 response time {load_label(sweep)}",
            f"Median of {len(sweep.now.outcomes)} parameter draws{below}; "
            "the same luck in every cell",
            height_in=_height_in(down.tried, across.tried),
        )
        axes = figure.subplots()
        _cells(figure, axes, sweep, has_intervals=has_intervals)
        _name_columns(axes, across.tried)
        step = math.ceil(len(down.tried) / _MOST_ROWS)
        axes.set_yticks(*_ticks(down.tried, step))
        axes.set_xlabel(axis_label(across))
        axes.set_ylabel(axis_label(down, longest=40).replace(" (", "\n("))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        _marks(axes, sweep)
        style.legend_below(figure, _handles(sweep), columns=1)
    return figure


def _cells(figure: Figure, axes: Axes, sweep: Sweep, *, has_intervals: bool) -> None:
    p95 = [row.metrics["p95_s"] for row in sweep.rows]
    medians = np.ma.masked_invalid([found.median for found in p95])
    known = medians.compressed()
    low, high = (known.min(), known.max()) if known.size else (1.0, 1.0)
    norm = LogNorm(vmin=low * 0.999, vmax=high * 1.001)  # a single value has a range, too
    down, across = (len(axis.tried) for axis in sweep.axes)
    colours = mpl.colormaps[_COLOURS].with_extremes(bad="#DDDDDD")
    mesh = axes.pcolormesh(
        np.arange(across + 1) - 0.5,
        np.arange(down + 1) - 0.5,
        medians.reshape(down, across),
        cmap=colours,
        norm=norm,
        edgecolors="white",
        linewidth=0.8,
    )
    axes.invert_yaxis()  # the first value on top, as in the table
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label("median p95")
    bar.outline.set_visible(False)
    bar.minorticks_off()
    if high / low > _WIDE:
        style.log_ticks(bar.ax.yaxis, style.time_label)
    else:
        bar.set_ticks(FixedLocator(np.geomspace(low, high, 3).tolist()))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: style.time_label(value)))
    if across > _MOST_WITH_VALUES:
        return
    for number, found in enumerate(p95):
        is_dark = math.isfinite(found.median) and norm(found.median) < _BRIGHT
        place = number % across, number // across
        text = _text(found, has_interval=has_intervals)
        color = "white" if is_dark else "black"
        axes.text(*place, text, ha="center", va="center", color=color, linespacing=1.1)


def _text(found: Interval, *, has_interval: bool) -> str:
    """Return a median with its unit; below it the interval in the same unit, if there is room."""
    if not math.isfinite(found.median):
        return "-"
    label = style.time_label(found.median)
    if not has_interval:
        return label.replace(" ", "\n")
    if found.lo == found.hi:
        return label
    scale = 1000 if found.median < 1 else 1
    return (
        f"{label}\n{style.number_label(found.lo * scale)}..{style.number_label(found.hi * scale)}"
    )


def _name_columns(axes: Axes, values: Sequence[Value]) -> None:
    """Name the columns: words that do not fit side by side are turned, numbers are thinned out."""
    if _are_turned(values):
        axes.set_xticks(*_ticks(values, 1), rotation=40, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(*_ticks(values, math.ceil(_letters(values) / _MOST_LETTERS)))


def _are_turned(values: Sequence[Value]) -> bool:
    are_words = any(isinstance(value, str) for value in values)
    return are_words and _letters(values) > _MOST_LETTERS


def _letters(values: Sequence[Value]) -> int:
    """Return how many letters wide the names are side by side."""
    return max(len(value_label(value)) + 1 for value in values) * len(values)


def _height_in(down: Sequence[Value], across: Sequence[Value]) -> float:
    rows = min(len(down), _MOST_ROWS)
    return 2.3 + _ROW_IN * rows + (0.8 if _are_turned(across) else 0.0)


def _ticks(values: Sequence[Value], step: int) -> tuple[list[int], list[str]]:
    """Return places and names of an axis, of every `step`th value."""
    places = list(range(0, len(values), step))
    return places, [value_label(values[place]).replace("+", "\n+") for place in places]


def _marks(axes: Axes, sweep: Sweep) -> None:
    """Draw a line around cells that meet the target, a box in today's, crosses where many fail."""
    across = len(sweep.axes[1].tried)
    failing = [number for number, row in enumerate(sweep.rows) if _is_failing(row)]
    x = [number % across + _CORNER[0] for number in failing]
    y = [number // across + _CORNER[1] for number in failing]
    axes.plot(x, y, "X", color="white", markeredgecolor="black", markeredgewidth=0.8, zorder=5)
    met = np.array([_is_met(row) for row in sweep.rows]).reshape(-1, across)
    lines = LineCollection(list(_border(met)), colors=style.VERMILION, linewidths=2.4, zorder=3)
    lines.set_clip_on(False)
    lines.set_capstyle("round")
    axes.add_collection(lines)
    place = _today_place(sweep)
    if place is not None:
        corner = place % across - _INSET, place // across - _INSET
        for color, line in (("white", "-"), ("black", TODAY_LINE)):
            box = Rectangle(corner, 2 * _INSET, 2 * _INSET, fill=False)
            box.set(edgecolor=color, linestyle=line, linewidth=1.6, zorder=4)
            axes.add_patch(box)


def _is_failing(row: SweepRow) -> bool:
    return row.metrics["failure_ratio"].median > _FAILING


def _is_met(row: SweepRow) -> bool:
    return row.meets_target > _MOST_DRAWS


def _border(met: npt.NDArray[np.bool_]) -> Iterator[Segment]:
    """Yield the edges between cells that are true and those that are not, or the outside."""
    around = np.pad(met, 1)
    for y, x in zip(*np.nonzero(around[1:, :] != around[:-1, :]), strict=True):
        yield (x - 1.5, y - 0.5), (x - 0.5, y - 0.5)
    for y, x in zip(*np.nonzero(around[:, 1:] != around[:, :-1]), strict=True):
        yield (x - 0.5, y - 1.5), (x - 0.5, y - 0.5)


def _now(value: Value | None) -> str:
    return "by draw" if varies(value) else value_label(value)


def _today_place(sweep: Sweep) -> int | None:
    points = [row.point for row in sweep.rows]
    return points.index(sweep.now.point) if sweep.now.point in points else None


def _handles(sweep: Sweep) -> list[Line2D]:
    is_same = len(sweep.targets_s) == 1
    target = style.time_label(sweep.targets_s[0]) if is_same else "its target"
    label = f"p95 at most {target} in most draws"
    if not any(map(_is_met, sweep.rows)):
        label += ": nowhere"
    shown = _today_place(sweep) is not None
    pairs = zip(sweep.axes, sweep.now.point, strict=True)
    now = ", ".join(f"{axis.parameter} {_now(value)}" for axis, value in pairs if axis.paths)
    handles = [
        Line2D([], [], color=style.VERMILION, linewidth=2.4, label=label),
        Line2D(
            [],
            [],
            color=style.BLACK if shown else "none",
            linestyle=TODAY_LINE,
            linewidth=1.6,
            label=f"today: {now}" + ("" if shown else " (not among the cells)"),
        ),
    ]
    if any(map(_is_failing, sweep.rows)):
        cross = Line2D([], [], marker="X", color="white", markeredgecolor="black", linestyle="")
        cross.set_label(f"more than {style.percent_label(_FAILING)} of the requests fail")
        handles.append(cross)
    return handles
