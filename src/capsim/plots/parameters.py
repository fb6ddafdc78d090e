"""What the load tests taught about each parameter."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from capsim.calibration.posterior import Posterior, Width
from capsim.plots import style

_ROW_IN = 0.3
_AROUND_IN = 1.7
_PRIOR_AT, _TEXT_AT = -0.2, 1.34  # in lengths of the prior interval, where numbers stand
_REACH = (-0.16, 1.3)  # what lies further out is cut off; the numbers tell
_MIDDLE = "center_baseline"
_BAR, _LINE = 9.0, 4.0  # of prior and posterior, points


def plot_parameters(posterior: Posterior) -> Figure:
    """Draw the prior and the posterior 90 % interval of every parameter.

    Parameters have different units, so each row has a scale of its own: its prior interval.
    """
    widths = posterior.widths
    with style.styled():
        figure = style.new_figure(
            f"{posterior.model}: what the load tests taught about each parameter",
            "90 % intervals; each row is drawn to the log scale of its own prior",
            height_in=_AROUND_IN + _ROW_IN * len(widths),
        )
        axes = figure.subplots()
        for y, width in enumerate(widths):
            _row(axes, y, width)
        axes.set_ylim(len(widths) - 0.4, -1.1)
        axes.set_xlim(-1.28, 2.5)
        axes.set_yticks(range(len(widths)), [width.parameter for width in widths])
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels(["5 %", "of prior", "95 %"])
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_bounds(0, 1)
        axes.text(_PRIOR_AT, -0.9, "prior", fontweight="bold", ha="right", va=_MIDDLE)
        axes.text(_TEXT_AT, -0.9, "posterior median (interval)", fontweight="bold", va=_MIDDLE)
        style.legend_below(figure, _handles(), columns=2)
    return figure


def _row(axes: Axes, y: int, width: Width) -> None:
    lo, hi = width.prior
    axes.plot([0, 1], [y, y], color="#D0D0D0", linewidth=_BAR, solid_capstyle="butt", zorder=2)
    first, last = (_place(value, lo, hi) for value in width.posterior)
    axes.plot(
        [first, last],
        [y, y],
        color=style.BLUE,
        linewidth=_LINE,
        solid_capstyle="projecting",
        zorder=3,
    )
    axes.plot(
        _place(width.median, lo, hi),
        y,
        marker="o",
        markersize=6,
        color=style.BLUE,
        markeredgecolor="white",
        zorder=4,
    )
    axes.text(_PRIOR_AT, y, _range(width.parameter, width.prior), ha="right", va=_MIDDLE)
    axes.text(_TEXT_AT, y, _summary(width), va=_MIDDLE)


def _summary(width: Width) -> str:
    median = value_label(width.parameter, width.median)
    return f"{median}  ({_range(width.parameter, width.posterior)})"


def _range(parameter: str, ends: tuple[float, float]) -> str:
    """Return an interval with its unit once, where both ends have the same."""
    first, last = (value_label(parameter, value) for value in ends)
    if first.split(" ")[1:] == last.split(" ")[1:]:
        first = first.split(" ")[0]
    return f"{first} to {last}"


def _place(value: float, lo: float, hi: float) -> float:
    """Return where a value stands: 0 at the low end of the prior interval, 1 at the high end."""
    if lo == hi:
        return 0.5
    is_log = min(value, lo) > 0
    place = math.log(value / lo) / math.log(hi / lo) if is_log else (value - lo) / (hi - lo)
    return min(max(place, _REACH[0]), _REACH[1])


def value_label(parameter: str, value: float) -> str:
    """Return a parameter's value with its unit, which its name ends with."""
    return style.time_label(value) if parameter.endswith("_s") else f"{value:.3g}"


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color="#D0D0D0", linewidth=_BAR, label="prior"),
        Line2D(
            [],
            [],
            color=style.BLUE,
            linewidth=_LINE,
            marker="o",
            markersize=6,
            markeredgecolor="white",
            label="posterior, with its median",
        ),
    ]
