"""The share of the draws that meets a target, over the level of load."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from capsim.experiments.caveats import MARK, MARKED, caveats
from capsim.experiments.found_capacity import Capacity
from capsim.experiments.order_statistics import share_bounds
from capsim.metrics.intervals import Interval
from capsim.plots import style
from capsim.plots.behind import BOUND_LINE, BOUND_WIDTH, bound_handle

_MARGIN = 1.35  # of the axis, beyond the outermost level that is shown
_CONFIDENCE = (0, (1, 1.2))
_CAPACITY = (0, (4, 2))
_AXES = {False: "concurrent users", True: "arrivals per second"}


def plot_capacity(found: Capacity, bound: Interval | None = None) -> Figure:
    """Draw the share of the draws that meets the target over users, or over the arrival rate.

    The curve falls where a draw reaches its capacity. Levels asked for are points beside it: the
    share that met the target in whole load tests there.

    Args:
        found: the capacity.
        bound: the knee of the asymptotic bounds, or the arrival rate that they allow, drawn behind
            where it is in the picture; none: not known.
    """
    with style.styled():
        figure = style.new_figure(
            f"{found.model}: scenario '{found.load.scenario}', {found.targets}",
            f"Share of {len(found.draws)} parameter draws that meet it; "
            "band: 90 % interval for so few draws",
        )
        axes = figure.subplots()
        low, high = _range(found)
        shown = bound if bound is not None and low <= bound.median <= high else None
        if shown is not None:
            _bound(axes, shown, low, high)
        _curve(axes, found, low, high)
        axes.axhline(found.confidence, color=style.GREY, linestyle=_CONFIDENCE, linewidth=1.4)
        if low <= found.at_confidence <= high:
            axes.axvline(
                found.at_confidence, color=style.VERMILION, linestyle=_CAPACITY, linewidth=1.4
            )
        _points(axes, found)
        if style.is_wide([low, high]):
            axes.set_xscale("log")
            style.log_ticks(axes.xaxis, style.number_label)
        axes.set_xlim(low, high)
        axes.set_xlabel(_AXES[found.load.is_rate])
        axes.set_ylabel("draws that meet the target")
        style.share_axis(axes)
        style.legend_below(figure, [*_handles(found), *_bound_handle(found, shown)])
    return figure


def _bound(axes: Axes, bound: Interval, low: float, high: float) -> None:
    axes.axvspan(
        max(bound.lo, low),
        min(bound.hi, high),
        color=style.GREY,
        alpha=style.BAND_ALPHA / 2,
        linewidth=0,
        zorder=0.5,
    )
    axes.axvline(bound.median, color=style.GREY, linestyle=BOUND_LINE, linewidth=BOUND_WIDTH)


def _bound_handle(found: Capacity, bound: Interval | None) -> list[Line2D]:
    if bound is None:
        return []
    place = style.number_label(bound.median)
    label = (
        f"bound: {place} requests/s at most" if found.load.is_rate else f"knee N*: {place} users"
    )
    return [bound_handle(f"{label}, without failures")]


def _range(found: Capacity) -> tuple[float, float]:
    """Return the levels between which something happens."""
    shown = [value for value in found.values if 0 < value < math.inf]
    shown += [level.level for level in found.levels]
    if not shown:
        return found.scale.lowest, found.scale.highest
    if any(value == 0 for value in found.values):
        shown.append(found.scale.lowest)
    if any(math.isinf(value) for value in found.values):
        shown.append(found.scale.highest)
    return min(shown) / _MARGIN, max(shown) * _MARGIN


def _curve(axes: Axes, found: Capacity, low: float, high: float) -> None:
    """Draw steps that fall at each draw's capacity."""
    falls = sorted(value for value in found.values if low < value < high)
    # Beyond the highest level tried nothing is known.
    end = min(found.scale.highest, high) if any(map(math.isinf, found.values)) else high
    places = [low, *falls, end]
    more = [sum(value > place for value in found.values) for place in (low, *falls)]
    shares = [share_bounds(count, len(found.values)) for count in (*more, more[-1])]
    axes.fill_between(
        places,
        [share.lo for share in shares],
        [share.hi for share in shares],
        step="post",
        color=style.BLUE,
        alpha=style.BAND_ALPHA,
        linewidth=0,
    )
    axes.step(places, [share.median for share in shares], where="post", color=style.BLUE)


def _points(axes: Axes, found: Capacity) -> None:
    for level in found.levels:
        met = level.share_met
        axes.errorbar(
            level.level,
            met.median,
            yerr=[[met.median - met.lo], [met.hi - met.median]],
            color=style.ORANGE,
            marker="o",
            markersize=6,
            markeredgecolor=style.BLACK,
            linestyle="",
            capsize=3,
            zorder=5,
        )


def _handles(found: Capacity) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        style.band_handle("draws with at least this capacity", style.BLUE),
        Line2D(
            [],
            [],
            color=style.GREY,
            linestyle=_CONFIDENCE,
            linewidth=1.4,
            label=f"confidence asked: {style.percent_label(found.confidence)}",
        ),
    ]
    level = found.at_confidence
    if 0 < level < math.inf:
        unit = found.load.unit
        mark = f" {MARK}" if _is_hollow(found) else ""
        label = f"with that confidence: up to {style.number_label(level)} {unit}{mark}"
        handles.append(
            Line2D([], [], color=style.VERMILION, linestyle=_CAPACITY, linewidth=1.4, label=label)
        )
    if found.levels:
        handles.append(
            Line2D(
                [],
                [],
                color=style.ORANGE,
                marker="o",
                markersize=6,
                markeredgecolor=style.BLACK,
                linestyle="",
                label="load tests at levels asked for",
            )
        )
    if _is_hollow(found):
        handles.append(Line2D([], [], linestyle="", label=f"{MARK}  {MARKED}"))
    return handles


def _is_hollow(found: Capacity) -> bool:
    """Whether the answer is less than it looks."""
    level = found.confirmed
    return level is not None and bool(caveats(level.outcomes, level.met))
