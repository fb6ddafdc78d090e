"""What a choice between words changes: a row for each, remedies for instance."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, PercentFormatter

from capsim.experiments.sweep import Sweep, SweepRow
from capsim.plots import style
from capsim.plots.axes import TARGET_LINE, TODAY_LINE, load_label, target_handle, value_label
from capsim.plots.rows import draw_rows, show_times

_ROW_IN, _REST_IN = 0.36, 1.9  # height of a line of text, and of everything around the rows


def plot_choices(sweep: Sweep) -> Figure:
    """Draw p95, throughput and the share of failures of every value, today's as a line."""
    rows = list(reversed(sweep.rows))
    names = [value_label(row.value).replace("+", "\n+ ") for row in rows]
    varied = "remedies" if sweep.path is None else sweep.parameter
    lines = sum(0.5 + 0.5 * (name.count("\n") + 1) for name in names)
    with style.styled():
        figure = style.new_figure(
            f"{sweep.model}: the effect of {varied} {load_label(sweep)}",
            f"Medians of {len(sweep.now.outcomes)} parameter draws as points, 90 % intervals as "
            "bars; the same luck for each",
            height_in=_REST_IN + _ROW_IN * lines,
        )
        panels = figure.subplots(1, 3, sharey=True, width_ratios=(1.3, 1, 1)).tolist()
        below = _panels(panels, sweep, rows)
        _names(panels[0], sweep, rows, names)
        style.legend_below(figure, [*_handles(sweep), *below], columns=2)
    return figure


def _panels(panels: Sequence[Axes], sweep: Sweep, rows: Sequence[SweepRow]) -> list[Line2D]:
    """Draw all panels; return what else the legend has to say of them."""
    p95, rps, failures = panels
    metrics = ("p95_s", "rps", "failure_ratio")
    colors = (style.ORANGE, style.GREEN, style.PURPLE)
    for axes, metric, color in zip(panels, metrics, colors, strict=True):
        draw_rows(axes, [row.metrics[metric] for row in rows], color)
        now = sweep.now.metrics[metric].median
        axes.axvline(now, color=style.BLACK, linestyle=TODAY_LINE, linewidth=1.1, zorder=1)
    for target_s in sweep.targets_s:
        p95.axvline(target_s, color=style.VERMILION, linestyle=TARGET_LINE, linewidth=1.4)
    below = show_times(p95, [row.metrics["p95_s"] for row in rows], style.ORANGE)
    p95.set_xlabel("p95 response time")
    rps.set_xlim(left=0)
    rps.set_xlabel("requests per second")
    failures.set_xlim(-0.05, 1.05)
    failures.xaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
    failures.set_xlabel("failed requests")
    return below


def _names(axes: Axes, sweep: Sweep, rows: Sequence[SweepRow], names: Sequence[str]) -> None:
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_yticks(np.arange(len(rows)), names)
    axes.yaxis.set_minor_locator(NullLocator())
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if row.value == sweep.today else "normal")


def _handles(sweep: Sweep) -> list[Line2D]:
    name = value_label(sweep.today)
    label = name if name == "today" else f"today: {name}"
    today = Line2D([], [], color=style.BLACK, linestyle=TODAY_LINE, linewidth=1.1, label=label)
    return [target_handle(sweep), today]
