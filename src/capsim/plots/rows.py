"""Intervals below each other, a row for each: points for medians, bars for intervals."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from capsim.metrics.intervals import Interval
from capsim.plots import style

_SHORTEST_S = 0.001  # shorter times would squeeze all others
_BELOW = 0.7  # where the axis begins, of the shortest time
_FEW_LABELS = 30  # in half a picture


def draw_rows(axes: Axes, found: Sequence[Interval], color: str, marker: str = "o") -> None:
    """Draw intervals, the first one lowest."""
    places = np.arange(len(found))
    axes.hlines(
        places, [i.lo for i in found], [i.hi for i in found], color, linewidth=4, alpha=0.45
    )
    middle = [i.median for i in found]
    axes.plot(middle, places, marker, color=color, markeredgecolor="black", markeredgewidth=0.6)


def show_times(axes: Axes, found: Sequence[Interval], color: str) -> list[Line2D]:
    """Make the x axis one of times, as logarithms, and mark what begins before it.

    Args:
        axes: where intervals are drawn.
        found: the intervals, in seconds; a quick refusal may take none.
        color: of the marks.

    Returns:
        What the legend says of the marks; empty: there are none.
    """
    shown = [time_s for i in found for time_s in (i.lo, i.median) if time_s >= _SHORTEST_S]
    axes.set_xscale("log")
    axes.set_xlim(left=_BELOW * min(shown, default=_SHORTEST_S))
    style.log_ticks(axes.xaxis, style.time_label, room_for=_FEW_LABELS)
    left = axes.get_xlim()[0]
    places = [place for place, i in enumerate(found) if i.lo < left]
    marks = axes.plot(
        np.full(len(places), left),
        places,
        marker="<",
        color=color,
        linestyle="",
        clip_on=False,
        label="goes on to shorter times",
    )
    return marks if places else []
