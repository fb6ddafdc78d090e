"""A load test over time, as several draws of the parameters simulate it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from capsim.metrics.intervals import Interval, interval
from capsim.plots import style

_HEIGHT_IN = 5.8
_RESPONSES: tuple[tuple[str, str, style.LineStyle], ...] = (
    ("p50_s", style.BLUE, "-"),
    ("p95_s", style.ORANGE, "--"),
)
_RANGE_COLOR, _RANGE_ALPHA = style.VERMILION, 0.25


@dataclass(frozen=True, kw_only=True)
class ReportedRange:
    """Response times that a report gives for a part of the test."""

    begin_s: float
    end_s: float
    low_s: float
    high_s: float


def plot_timeline(
    timelines: Sequence[pd.DataFrame], *, measured: Sequence[ReportedRange] = (), title: str = ""
) -> Figure:
    """Draw response time, throughput and failures over the time of a run.

    Args:
        timelines: of `Run.timeline()`, one per draw, with equal slices.
        measured: response times that were reported of the same test.
        title: what is shown; none: a general one.
    """
    shortest = min(len(frame) for frame in timelines)
    times = timelines[0]["time_s"].to_numpy()[:shortest]
    slice_s = float(times[1] - times[0]) if shortest > 1 else 1.0
    with style.styled():
        figure = style.new_figure(
            title or "A load test over time",
            f"Medians of {len(timelines)} parameter draws as lines, 90 % intervals as bands; "
            f"slices of {slice_s:g} s",
            height_in=_HEIGHT_IN,
        )
        panels = figure.subplots(3, 1, sharex=True, height_ratios=(2, 1, 1))
        response, rps, failures = panels
        centres = times + slice_s / 2
        for metric, color, line in _RESPONSES:
            found = _over_draws(timelines, metric, shortest)
            style.draw_band(response, centres, found, color=color, style=line)
        _reported(response, measured)
        response.set_ylabel("response time")
        style.log_seconds(response)
        found = _over_draws(timelines, "rps", shortest)
        style.draw_band(rps, centres, found, color=style.GREEN)
        rps.set_ylabel("requests\nper second")
        rps.set_ylim(bottom=0)
        found = _over_draws(timelines, "failure_ratio", shortest)
        style.draw_band(failures, centres, found, color=style.PURPLE)
        failures.set_ylabel("failed\nrequests")
        style.share_axis(failures)
        failures.set_xlabel("time since the start of the test (s)")
        failures.set_xlim(0, times[-1] + slice_s)
        figure.align_ylabels()
        style.legend_below(figure, _handles(measured), columns=3)
    return figure


def _over_draws(timelines: Sequence[pd.DataFrame], metric: str, slices: int) -> list[Interval]:
    columns = np.array([frame[metric].to_numpy()[:slices] for frame in timelines])
    return [interval(column) for column in columns.T]


def _reported(axes: Axes, ranges: Sequence[ReportedRange]) -> None:
    for part in ranges:
        axes.add_patch(
            Rectangle(
                (part.begin_s, part.low_s),
                part.end_s - part.begin_s,
                part.high_s - part.low_s,
                facecolor=(_RANGE_COLOR, _RANGE_ALPHA),
                edgecolor=_RANGE_COLOR,
                hatch="////",
                linewidth=1.0,
            )
        )
    axes.autoscale_view()


def _handles(measured: Sequence[ReportedRange]) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        style.band_handle("median response time (p50)", style.BLUE),
        style.band_handle("p95 response time", style.ORANGE, "--"),
    ]
    if measured:
        handles.append(
            Patch(
                facecolor=(_RANGE_COLOR, _RANGE_ALPHA),
                edgecolor=_RANGE_COLOR,
                hatch="////",
                label="as reported",
            )
        )
    return handles
