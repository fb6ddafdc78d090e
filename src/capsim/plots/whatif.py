"""Remedies beside each other: what comes in time, and how slow the slowest twentieth is."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from capsim.experiments.caveats import MARK, MARKED
from capsim.experiments.found_whatif import GAIN, WhatIf, WhatIfRow
from capsim.metrics.intervals import Interval
from capsim.model.remedy import TODAY
from capsim.plots import style
from capsim.plots.rows import draw_rows, show_times

_ROW_IN, _REST_IN = 0.34, 1.75  # height of a row, and of everything around them
_MARGIN = -0.03  # of the axis, below zero: points there are seen whole
_TARGET = (0, (1, 1.2))


def plot_whatif(found: WhatIf) -> Figure:
    """Draw answers in time per second and p95 of every remedy, in the order of the ranking."""
    rows = list(reversed(found.rows))
    draws = len(found.today.outcomes)
    with style.styled():
        figure = style.new_figure(
            f"{found.model}: remedies at {found.users} users, the least regret on top",
            f"Medians of {draws} parameter draws as points, 90 % intervals as bars; "
            "the same luck for each",
            height_in=_REST_IN + _ROW_IN * len(rows),
        )
        gain, p95 = figure.subplots(1, 2, sharey=True)
        _draw(gain, rows, GAIN, style.GREEN, "o")
        times = _draw(p95, rows, "p95_s", style.ORANGE, "s")
        gain.set_xlabel(f"answers within {style.time_label(found.target_s)}, per second")
        gain.set_xlim(left=_MARGIN * gain.get_xlim()[1])
        below = show_times(p95, times, style.ORANGE)
        p95.set_xlabel("p95 response time, failures included")
        p95.axvline(found.target_s, color=style.VERMILION, linestyle=_TARGET, linewidth=1.4)
        _names(gain, rows)
        style.legend_below(figure, [*_handles(found), *below], columns=2)
    return figure


def _draw(
    axes: Axes, rows: list[WhatIfRow], metric: str, color: str, marker: str
) -> list[Interval]:
    intervals = [row.metrics[metric] for row in rows]
    draw_rows(axes, intervals, color, marker)
    today = next(row for row in rows if row.name == TODAY).metrics[metric].median
    axes.axvline(today, color=style.BLACK, linestyle=(0, (3, 1.5)), linewidth=1.0, zorder=1)
    return intervals


def _names(axes: Axes, rows: list[WhatIfRow]) -> None:
    names = [f"{row.name} {MARK}" if row.caveats else row.name for row in rows]
    axes.set_yticks(np.arange(len(rows)), names)
    axes.yaxis.set_minor_locator(NullLocator())
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if row.name == TODAY else "normal")


def _handles(found: WhatIf) -> list[Line2D]:
    target = f"target for p95: {style.time_label(found.target_s)}"
    handles = [
        Line2D([], [], color=style.BLACK, linestyle=(0, (3, 1.5)), linewidth=1.0, label="today"),
        Line2D([], [], color=style.VERMILION, linestyle=_TARGET, linewidth=1.4, label=target),
    ]
    if any(row.caveats for row in found.rows):
        handles.append(Line2D([], [], linestyle="", label=f"{MARK}  {MARKED}"))
    return handles
