"""Bounds behind other curves: what no system with the same demands can beat."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from capsim.experiments.demands import Demands
from capsim.metrics.intervals import Interval, interval
from capsim.plots import style

BOUND_LINE = (0, (4, 2))
BOUND_WIDTH = 1.1
_BAND_ALPHA = 0.11
_POINTS = 80


def draw_bound(axes: Axes, users: npt.ArrayLike, found: Sequence[Interval]) -> None:
    """Draw a bound as a grey line, and what it is uncertain by as a band, behind everything."""
    axes.fill_between(
        users,
        [value.lo for value in found],
        [value.hi for value in found],
        color=style.GREY,
        alpha=_BAND_ALPHA,
        linewidth=0,
        zorder=0.5,
    )
    axes.plot(
        users,
        [value.median for value in found],
        color=style.GREY,
        linestyle=BOUND_LINE,
        linewidth=BOUND_WIDTH,
        zorder=1,
    )


def draw_behind(
    throughput: Axes, response: Axes, known: Sequence[Demands], ends: tuple[float, float]
) -> None:
    """Draw the optimistic bounds of several systems, without widening the axes much for them.

    Args:
        throughput: panel of requests per second over users.
        response: panel of response times over users, in seconds.
        known: demands of each system, e.g. of each draw.
        ends: the fewest and the most users.
    """
    grid = np.geomspace(*ends, _POINTS) if ends[0] < ends[1] else np.array([ends[0]])
    pairs = [demands.bounds(grid) for demands in known]
    for axes, rows in zip((throughput, response), zip(*pairs, strict=True), strict=True):
        limits = axes.get_ylim()
        found = [interval(column) for column in np.array(rows).T]
        draw_bound(axes, grid, found)
        lowest, highest = min(i.median for i in found), max(i.median for i in found)
        axes.set_ylim(min(limits[0], lowest * 0.8), max(limits[1], highest * 1.25))


def bound_handle(label: str = "bound on throughput and mean, 90 %") -> Line2D:
    """Return the legend's line of a bound."""
    return Line2D(
        [], [], color=style.GREY, linestyle=BOUND_LINE, linewidth=BOUND_WIDTH, label=label
    )
