"""What all pictures share: sizes, colours that the colour-blind can tell apart, bands, axes."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from capsim.metrics.intervals import Interval

WIDTH_IN, HEIGHT_IN = 7.0, 4.5
TEXT_PT = 9.0

# Okabe and Ito, "Color Universal Design", 2008.
BLACK, GREY = "#000000", "#6B6B6B"
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"

BAND_ALPHA = 0.22
LineStyle = Literal["-", "--"]


def styled() -> AbstractContextManager[None]:
    """Use the look of capsim's pictures while a figure is made or written, and not beyond."""
    return mpl.rc_context(
        {
            "font.size": TEXT_PT,
            "axes.titlesize": TEXT_PT + 0.5,
            "axes.titlelocation": "left",
            "axes.labelsize": TEXT_PT,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E3E3E3",
            "grid.linewidth": 0.6,
            "xtick.labelsize": TEXT_PT,
            "ytick.labelsize": TEXT_PT,
            "legend.fontsize": TEXT_PT,
            "legend.frameon": False,
            "legend.handlelength": 2.4,
            "figure.titlesize": TEXT_PT + 1.5,
            "figure.dpi": 100,
            "lines.linewidth": 1.6,
            "lines.markersize": 4.5,
            "svg.hashsalt": "capsim",
        }
    )


def new_figure(title: str, subtitle: str = "", *, height_in: float = HEIGHT_IN) -> Figure:
    """Return an empty figure with its title on the left."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    text = f"{title}\n" if subtitle else title
    figure.suptitle(text, x=0.012, horizontalalignment="left", fontweight="bold")
    if subtitle:
        below = (TEXT_PT + 1.5) * 1.75 / 72 / height_in
        figure.text(0.012, 1 - below, subtitle, va="top", color=GREY, fontsize=TEXT_PT)
    return figure


def draw_band(
    axes: Axes,
    x: npt.ArrayLike,
    intervals: Sequence[Interval],
    *,
    color: str,
    style: LineStyle = "-",
    marker: str = "",
) -> None:
    """Draw medians as a line and 90 % intervals as a band; undefined places stay empty."""
    lo, hi = [i.lo for i in intervals], [i.hi for i in intervals]
    axes.fill_between(x, lo, hi, color=color, alpha=BAND_ALPHA, linewidth=0)
    axes.plot(x, [i.median for i in intervals], color=color, linestyle=style, marker=marker)


def band_handle(label: str, color: str, style: LineStyle = "-", marker: str = "") -> Line2D:
    """Return the legend's line of a band."""
    return Line2D([], [], color=color, linestyle=style, marker=marker, label=label)


def legend_below(figure: Figure, handles: Sequence[object], columns: int = 2) -> None:
    """Put one legend for the whole figure below it, where it hides no data."""
    figure.legend(handles=list(handles), loc="outside lower left", ncols=columns)


def log_seconds(axes: Axes) -> None:
    """Make the y axis a logarithmic one of times, labelled in the unit that people say."""
    axes.set_yscale("log")
    log_ticks(axes.yaxis, time_label)


def log_ticks(axis: Axis, label: Callable[[float], str], *, room_for: float = 100) -> None:
    """Label a logarithmic axis at 1, 2 and 5 times the powers of ten, or at these alone.

    Args:
        axis: to label, with its limits.
        label: of a value.
        room_for: the ratio of its ends up to which there is room for all three.
    """
    low, high = axis.get_view_interval()
    if high / low < room_for:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: label(value)))
    axis.set_minor_formatter(NullFormatter())


def share_axis(axes: Axes) -> None:
    """Make the y axis one of shares, from none to all."""
    axes.set_ylim(-0.05, 1.05)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))


def time_label(seconds: float) -> str:
    """Return a short text such as `5 ms` or `20 s`."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def number_label(value: float) -> str:
    """Return a number as people write it: `1000`, not `1e+03`."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 (three digits)


def is_wide(values: npt.ArrayLike) -> bool:
    """Whether positive values span so much that a logarithmic axis shows them better."""
    array = np.asarray(values, dtype=float)
    return bool((array > 0).all() and array.max() / array.min() >= 8)  # noqa: PLR2004 (a choice)


def shortened(text: str, longest: int) -> str:
    """Return a text without its beginning where it is too long: URLs differ at their ends."""
    if len(text) <= longest:
        return text
    end = text[1 - longest :]
    return f"…{end[max(end.find('/'), 0) :]}"  # from a whole part of the path on


def percent_label(share: float) -> str:
    """Return a share as a short text such as `72 %`."""
    return f"{share * 100:.0f} %"
