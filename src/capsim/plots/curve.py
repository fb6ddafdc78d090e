"""Throughput and response time over the number of users, with what was measured on top."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from capsim.experiments.beliefs import Belief
from capsim.experiments.curve import Cliff, Curve
from capsim.experiments.demands import demands
from capsim.loadtest.observations import Dataset, LoadTest
from capsim.metrics.intervals import Interval, interval
from capsim.model.model import Model
from capsim.plots import style
from capsim.plots.behind import bound_handle, draw_behind

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_RPS = style.GREEN
_P50, _P95 = style.BLUE, style.ORANGE
_P95_LINE: style.LineStyle = "--"
_CLIFF_ALPHA = 0.16


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A load test as points of the picture."""

    name: str
    test: LoadTest
    marker: str
    same_workload: bool

    @property
    def label(self) -> str:
        remarks = []
        if self.test.held_out:
            remarks.append("held out")
        if not self.same_workload:
            remarks.append("other workload")
        if self.test.total.failure_ratio:
            remarks.append(f"{style.percent_label(self.test.total.failure_ratio)} failed")
        return f"measured: {self.name}" + (f" ({', '.join(remarks)})" if remarks else "")

    def draw(self, axes: Axes, value: float | None, color: str) -> None:
        if value is not None:
            face = color if self.same_workload else "white"
            axes.plot(
                self.test.users,
                value,
                marker=self.marker,
                markersize=7,
                markerfacecolor=face,
                markeredgecolor=style.BLACK if self.same_workload else color,
                markeredgewidth=1.0 if self.same_workload else 1.5,
                linestyle="",
                zorder=5,
            )

    def handle(self) -> Line2D:
        face = style.GREY if self.same_workload else "white"
        return Line2D(
            [],
            [],
            marker=self.marker,
            markersize=6,
            markerfacecolor=face,
            markeredgecolor=style.BLACK if self.same_workload else style.GREY,
            linestyle="",
            label=self.label,
        )


def plot_curve(
    curve: Curve, *, belief: Belief, scenario: str, dataset: Dataset | None, cliff: Cliff
) -> Figure:
    """Draw throughput and response time over users, with bounds, target, cliff and measurements.

    Load tests of another workload than the scenario's (other think times or requests) are hollow:
    the curve does not speak of them.

    Args:
        curve: the simulated levels.
        belief: that the curve was made from.
        scenario: whose workload was simulated.
        dataset: whose load tests are drawn on top; none: none.
        cliff: where the curve leaves the target.
    """
    model = belief.central()
    measured = list(_measured(dataset, model, scenario))
    draws = len(curve.outcomes[0])
    with style.styled():
        figure = style.new_figure(
            f"{model.name}: scenario '{scenario}' over the number of users",
            f"Medians of {draws} parameter draws as lines, 90 % intervals as bands; "
            "bounds hold without failures",
        )
        left, right = figure.subplots(1, 2, sharex=True)
        _throughput(left, curve, measured)
        _response(right, curve, measured, cliff.target_s)
        known = [demands(each, scenario) for each in belief.models(draws)]
        draw_behind(left, right, known, (curve.users[0], curve.users[-1]))
        handles = _handles(cliff, measured)
        style.log_ticks(left.yaxis, style.number_label)
        style.log_seconds(right)
        for axes in (left, right):
            _cliff_band(axes, cliff, curve)
            _users_axis(axes, curve, measured)
        style.legend_below(figure, handles)
    return figure


def _measured(dataset: Dataset | None, model: Model, scenario: str) -> Iterator[_Measured]:
    tests = dataset.load_tests if dataset else {}
    workload = model.scenario(scenario).user_classes
    for number, (name, test) in enumerate(tests.items()):
        spec = model.scenarios.get(name)
        yield _Measured(
            name=name,
            test=test,
            marker=_MARKERS[number % len(_MARKERS)],
            same_workload=spec is not None and spec.user_classes == workload,
        )


def _throughput(axes: Axes, curve: Curve, measured: Sequence[_Measured]) -> None:
    style.draw_band(axes, curve.users, _intervals(curve, "rps"), color=_RPS, marker=".")
    for point in measured:
        point.draw(axes, point.test.rps, _RPS)
    axes.set_title("Throughput, failed requests included")
    axes.set_ylabel("requests per second")
    axes.set_yscale("log")


def _response(axes: Axes, curve: Curve, measured: Sequence[_Measured], target_s: float) -> None:
    style.draw_band(axes, curve.users, _intervals(curve, "p50_s"), color=_P50, marker=".")
    p95 = _intervals(curve, "p95_s")
    style.draw_band(axes, curve.users, p95, color=_P95, style=_P95_LINE, marker=".")
    for point in measured:
        figures = point.test.measured()
        point.draw(axes, figures.get("p50_s"), _P50)
        point.draw(axes, figures.get("p95_s"), _P95)
    axes.axhline(target_s, color=style.VERMILION, linestyle=(0, (1, 1.2)), linewidth=1.4)
    axes.set_title("Response time, p50 and p95")
    axes.set_ylabel("response time")
    axes.set_yscale("log")


def _cliff_band(axes: Axes, cliff: Cliff, curve: Curve) -> None:
    band = cliff.within_target
    if math.isfinite(band.lo):
        last = min(band.hi, curve.users[-1])
        axes.axvspan(band.lo, last, color=style.VERMILION, alpha=_CLIFF_ALPHA, linewidth=0.8)


def _users_axis(axes: Axes, curve: Curve, measured: Sequence[_Measured]) -> None:
    shown = [*curve.users, *(point.test.users for point in measured)]
    axes.set_xscale("log")
    axes.set_xlim(min(shown) * 0.85, max(shown) * 1.18)
    axes.set_xlabel("concurrent users")
    style.log_ticks(axes.xaxis, style.number_label)


def _handles(cliff: Cliff, measured: Sequence[_Measured]) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        style.band_handle("throughput", _RPS, marker="."),
        style.band_handle("median response time (p50)", _P50, marker="."),
        style.band_handle("p95 response time", _P95, _P95_LINE, "."),
        bound_handle(),
        Line2D(
            [],
            [],
            color=style.VERMILION,
            linestyle=(0, (1, 1.2)),
            linewidth=1.4,
            label=f"target for p95: {style.time_label(cliff.target_s)}",
        ),
    ]
    if math.isfinite(cliff.within_target.lo):
        label = f"p95 leaves the target: {_range(cliff.within_target, cliff.highest)} users"
        handles.append(Patch(color=style.VERMILION, alpha=_CLIFF_ALPHA, label=label))
    return handles + [point.handle() for point in measured]


def _range(found: Interval, highest: int) -> str:
    last = f"{found.hi:.0f}" if math.isfinite(found.hi) else f"over {highest}"
    return f"{found.lo:.0f} to {last}"


def _intervals(curve: Curve, metric: str) -> list[Interval]:
    return [interval(row) for row in curve.values(metric)]
