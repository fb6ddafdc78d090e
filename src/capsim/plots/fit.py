"""How well a posterior agrees with what it was calibrated on."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from capsim.calibration.posterior import FitRow, Posterior
from capsim.plots import style

_ROW_IN = 0.158
_AROUND_IN = 1.6  # title, axis and legend
_COLUMNS = 3
_LONGEST_HEADING = 23  # what fits into a panel
_LEAST_REACH = 1.5  # the ratio axis shows at least this factor either way
_MOST_REACH = 30.0
_TICKS = (1 / 20, 1 / 10, 1 / 5, 1 / 3, 1 / 2, 2 / 3, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
_NEXT_TO_NOTHING = 0.005  # a failure ratio that is written as 0 %
_INSIDE, _OUTSIDE = style.BLUE, style.VERMILION


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One line of a panel: an observation, or the name of the part that follows."""

    y: int
    heading: str = ""
    row: FitRow | None = None


def plot_fit(posterior: Posterior) -> Figure:
    """Draw simulated over measured for every observation, with 90 % intervals, by load test."""
    tests = list(dict.fromkeys(row.load_test for row in posterior.fit))
    panels = {name: list(_lines(name, posterior.fit)) for name in tests}
    columns = min(_COLUMNS, len(tests))
    rows = math.ceil(len(tests) / columns)
    tallest = max(len(lines) for lines in panels.values())
    reach = _reach(posterior.fit)
    with style.styled():
        figure = style.new_figure(
            f"{posterior.model}: the fit to the load tests",
            "Simulated / measured, log scale: medians and 90 % intervals, without the model error",
            height_in=max(3.0, _AROUND_IN + rows * (tallest * _ROW_IN + 0.2)),
        )
        grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
        for axes, (name, lines) in zip(grid, panels.items(), strict=False):
            _panel(axes, name, lines, tallest, reach)
        for axes in grid[len(tests) :]:
            axes.set_visible(False)
        style.legend_below(figure, _handles(), columns=2)
    return figure


def _lines(name: str, fit: Sequence[FitRow]) -> Iterator[_Line]:
    rows = [row for row in fit if row.load_test == name]
    y = 0
    for part in dict.fromkeys(row.part for row in rows):
        yield _Line(y=y, heading=part)
        y += 1
        for row in rows:
            if row.part == part:
                yield _Line(y=y, row=row)
                y += 1


def _panel(axes: Axes, name: str, lines: Sequence[_Line], tallest: int, reach: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(1 / reach, reach)
    axes.set_ylim(tallest - 0.4, -0.7)
    axes.axvline(1.0, color=style.BLACK, linewidth=0.9, zorder=1)
    for line in lines:
        if line.row is None:
            text = style.shortened(line.heading, _LONGEST_HEADING)
            heading = axes.text(
                0.01,
                line.y,
                text,
                transform=axes.get_yaxis_transform(),
                va="center",
                fontweight="bold",
                color=style.GREY,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
            heading.set_in_layout(False)
        else:
            _observation(axes, line.y, line.row, reach)
    observed = [line for line in lines if line.row is not None]
    axes.set_yticks(
        [line.y for line in observed], [_metric(line.row.metric) for line in observed if line.row]
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_title(name)
    axes.set_xlabel("simulated / measured")
    axes.xaxis.set_major_locator(FixedLocator(_ticks(reach)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _observation(axes: Axes, y: int, row: FitRow, reach: float) -> None:
    if not row.measured > 0:
        none = row.hi < _NEXT_TO_NOTHING
        text = "none, as measured" if none else f"{style.percent_label(row.median)}, measured 0"
        note = axes.text(
            0.5,
            y,
            text,
            transform=axes.get_yaxis_transform(),
            horizontalalignment="center",
            verticalalignment="center_baseline",
            color=style.GREY,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
        note.set_in_layout(False)
        return
    lo, median, hi = (
        float(np.clip(value / row.measured, 1 / reach, reach))
        for value in (row.lo, row.median, row.hi)
    )
    inside = row.lo <= row.measured <= row.hi
    color = _INSIDE if inside else _OUTSIDE
    axes.plot([lo, hi], [y, y], color=color, linewidth=2.2, alpha=0.55, solid_capstyle="butt")
    axes.plot(median, y, marker="o" if inside else "D", color=color, markersize=4)


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color=_INSIDE, marker="o", label="measured value inside the interval"),
        Line2D([], [], color=_OUTSIDE, marker="D", label="measured value outside"),
    ]


def _reach(fit: Sequence[FitRow]) -> float:
    """Return the factor, either way, that the ratio axis has to show."""
    ratios = [value / row.measured for row in fit if row.measured > 0 for value in (row.lo, row.hi)]
    factors = [max(r, 1 / r) for r in ratios if r > 0 and math.isfinite(r)]
    return float(np.clip(1.08 * max(factors, default=1.0), _LEAST_REACH, _MOST_REACH))


def _ticks(reach: float) -> list[float]:
    """Return few enough ticks for a narrow panel: 1 in the middle, and one or two either way."""
    above = [tick for tick in _TICKS if 1 < tick <= reach]
    chosen = {above[-1], above[len(above) // 2 - 1]} if len(above) > 2 else set(above[-1:])  # noqa: PLR2004 (room for two)
    return sorted({1.0, *chosen, *(1 / tick for tick in chosen)})


def _metric(name: str) -> str:
    names = {
        "failure_ratio": "failures",
        "rps": "req/s",
        "goodput_rps": "good/s",
        "p999_s": "p99.9",
    }
    return names.get(name, name.removesuffix("_s"))
