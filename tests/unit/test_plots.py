"""Pictures: what they show of a result, how they are labelled, and how they are written."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from capsim import load, load_dataset, plots
from capsim.calibration.posterior import FitRow, Posterior, Width
from capsim.errors import InputError
from capsim.experiments.axes import Axis, Value, combinations
from capsim.experiments.beliefs import Belief
from capsim.experiments.bounds import bounds_of_data, bounds_of_network
from capsim.experiments.ceilings import Ceiling
from capsim.experiments.closed_systems import ClosedSystem, Station, of_network
from capsim.experiments.curve import Cliff, Curve, find_cliff
from capsim.experiments.demands import demands
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.experiments.trials import Outcome
from capsim.loadtest.observations import Dataset
from capsim.metrics.intervals import Interval
from capsim.plots import style
from capsim.plots.axes import axis_label
from capsim.plots.rows import draw_rows, show_times

USERS = (25, 100, 400, 1000)
SMALLEST_TEXT_PT = 9


def outcome(p50_s: float, rps: float, failure_ratio: float = 0.0) -> Outcome:
    """Return an outcome with plausible other metrics."""
    metrics = {
        "rps": rps,
        "goodput_rps": rps * (1 - failure_ratio),
        "failure_ratio": failure_ratio,
        "mean_s": p50_s,
        "p50_s": p50_s,
        "p90_s": 2 * p50_s,
        "p95_s": 3 * p50_s,
        "p99_s": 4 * p50_s,
        "max_s": 5 * p50_s,
    }
    return Outcome(metrics=metrics, failures={}, usages=(), thin=())


def a_curve(slowest_s: float = 20.0) -> Curve:
    """Return three draws at four numbers of users."""
    levels = zip(USERS, np.geomspace(0.005, slowest_s, len(USERS)), strict=True)
    rows = [tuple(outcome(s * f, 50 * f) for f in (0.8, 1, 1.3)) for _, s in levels]
    return Curve(users=USERS, outcomes=tuple(rows))


def curve_figure(*, measured: bool = True, slowest_s: float = 20.0) -> Figure:
    """Draw the curve above as if it were the burst of the files' reading."""
    curve = a_curve(slowest_s)
    return plots.plot_curve(
        curve,
        belief=Belief(template=load("p43-results")),
        scenario="burst",
        dataset=load_dataset("p43/results") if measured else None,
        cliff=find_cliff(curve, 1.0),
    )


def a_sweep(values: tuple[Value, ...] = (50, 100, 500, 1000), today: Value = 100) -> Sweep:
    """Return a sweep of two draws."""
    axis = Axis(parameter="pool-size", tried=values, paths=("database.access.size",), today=today)
    return swept(axis)


def a_grid(
    down: tuple[Value, ...] = (50, 100, 500), across: tuple[Value, ...] = (1, 2), today: Value = 2
) -> Sweep:
    """Return a sweep of two draws over two parameters."""
    pool = Axis(parameter="pool-size", tried=down, paths=("database.access.size",), today=100)
    workers = Axis(parameter="workers", tried=across, paths=("server.workers",), today=today)
    return swept(pool, workers, target_s=10.0)


def swept(*axes: Axis, target_s: float = 1.0) -> Sweep:
    """Return a sweep of two draws, row i with a p95 of 30 s / i and 36 s / i."""
    now = (outcome(10, 50, 1.0), outcome(12, 60, 1.0))
    point = tuple(axis.today for axis in axes)
    rows = [
        SweepRow(
            point=each,
            outcomes=(outcome(10 / i, 50 * i, 1 / i), outcome(12 / i, 60 * i, 0.5 / i)),
            today=now,
            target_s=target_s,
            next_limits={},
        )
        for i, each in enumerate(combinations(axes), start=1)
    ]
    return Sweep(
        model="small",
        scenario="burst",
        users=1000,
        axes=axes,
        target_s=target_s,
        calibrated=True,
        rows=tuple(rows),
        now=SweepRow(point=point, outcomes=now, today=now, target_s=target_s, next_limits={}),
    )


def fit_row(load_test: str, metric: str, ratio: float, *, measured: float = 2.0) -> FitRow:
    """Return an observation that is met within 10 % up to a ratio."""
    middle = measured * ratio
    return FitRow(
        load_test=load_test,
        part="total",
        metric=metric,
        measured=measured,
        median=middle,
        lo=0.9 * middle,
        hi=1.1 * middle,
    )


def a_posterior() -> Posterior:
    """Return a posterior of two parameters and two load tests."""
    widths = (
        Width(
            parameter="page_cpu_s",
            prior=(0.001, 0.1),
            posterior=(0.005, 0.02),
            median=0.01,
            ratio=0.3,
        ),
        Width(parameter="workers", prior=(2, 9), posterior=(4, 4), median=4, ratio=0.5),
    )
    fit = (
        fit_row("one", "rps", 1.0),
        fit_row("one", "p50_s", 1.5),
        fit_row("two", "failure_ratio", 1.0, measured=0.0),
        fit_row("two", "p999_s", 0.95),
    )
    return Posterior(
        model="small",
        parameters=("page_cpu_s", "workers"),
        draws=np.ones((1, 2)),
        weights=np.ones(1),
        effective_sample_size=1.0,
        widths=widths,
        fit=fit,
        provenance={},
    )


def timelines() -> list[pd.DataFrame]:
    """Return two draws of a run of 50 s; in the third slice, no request of theirs ended."""
    frames = []
    for factor in (1.0, 2.0):
        p50 = np.array([0.01, 0.1, np.nan, 5, 10]) * factor
        frames.append(
            pd.DataFrame(
                {
                    "time_s": np.arange(5) * 10.0,
                    "rps": np.array([50, 60, 0, 40, 50]) * factor,
                    "failure_ratio": [0, 0, np.nan, 0.5, 1],
                    "p50_s": p50,
                    "p95_s": 2 * p50,
                }
            )
        )
    return frames


def a_ceiling(rps: float) -> Ceiling:
    """Return bounds that all draws share."""
    return Ceiling(
        rps=Interval(median=rps, lo=rps, hi=rps), mean_s=Interval(median=2.0, lo=2.0, hi=2.0)
    )


def bounds_figure() -> Figure:
    """Draw the bounds of a network of three stations."""
    return plots.plot_bounds(bounds_of_network(a_network(), (1, 30)))


def a_network() -> ClosedSystem:
    """Return two servers and a delay."""
    stations = [
        Station(name="app", demands_s=(0.1,)),
        Station(name="database", demands_s=(0.2,)),
        Station(name="network", demands_s=(0.05,), servers=float("inf")),
    ]
    return of_network(stations, think_s=[1.0], users=[1])


def measured_bounds_figure() -> Figure:
    """Draw what five load tests say, with the fitted law."""
    tests = {
        f"u{n}": {
            "source": "made up",
            "duration_s": 100.0,
            "users": n,
            "held_out": n == 400,
            "think_s": 1.0,
            "total": {"rps": n / (1.05 + 0.001 * n), "mean_ms": 50.0 + n},
        }
        for n in (10, 25, 50, 100, 400)
    }
    content = {"name": "shop", "source": "made up", "tool": "exact", "load_tests": tests}
    return plots.plot_bounds(bounds_of_data(Dataset.model_validate(content)))


REMEDIES = ("today", "debug-off", "pool-500", "twice-the-workers", "debug-off+twice-the-workers")
PICTURES: dict[str, Callable[[], Figure]] = {
    "curve": curve_figure,
    "curve without data": lambda: curve_figure(measured=False),
    "bounds": bounds_figure,
    "bounds of load tests": measured_bounds_figure,
    "sweep with bounds": lambda: plots.plot_sweep(
        a_sweep(), {row.point: a_ceiling(230.0) for row in a_sweep().rows}
    ),
    "sweep": lambda: plots.plot_sweep(a_sweep()),
    "sweep over words": lambda: plots.plot_sweep(a_sweep(REMEDIES, "today")),
    "grid": lambda: plots.plot_grid(a_grid()),
    "grid of many": lambda: plots.plot_grid(a_grid(tuple(range(9)), tuple(range(1, 16)))),
    "grid of words": lambda: plots.plot_grid(a_grid(across=REMEDIES, today="today")),
    "fit": lambda: plots.plot_fit(a_posterior()),
    "parameters": lambda: plots.plot_parameters(a_posterior()),
    "timeline": lambda: plots.plot_timeline(timelines()),
}


def texts(figure: Figure) -> list[Text]:
    """Return every visible text of a figure."""
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def shown(figure: Figure) -> str:
    """Return everything that a figure says, as one text."""
    return "\n".join(text.get_text() for text in texts(figure))


def bands(axes: Axes) -> list[PolyCollection]:
    """Return the interval bands of a panel."""
    return [c for c in axes.collections if isinstance(c, PolyCollection)]


def points(axes: Axes) -> list[tuple[float, float, bool]]:
    """Return the measured points of a panel, and whether each is filled."""
    return [
        (
            float(np.asarray(line.get_xdata())[0]),
            float(np.asarray(line.get_ydata())[0]),
            line.get_markerfacecolor() != "white",
        )
        for line in axes.lines
        if line.get_linestyle() == "None" and line.get_marker() != "."
    ]


def grey_lines(axes: Axes) -> list[Line2D]:
    """Return the bounds of a panel."""
    return [
        line
        for line in axes.lines
        if line.get_color() == style.GREY and line.get_linestyle() == "--"
    ]


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES.keys())
def test_text_is_large_enough(make: Callable[[], Figure]) -> None:
    """No text is smaller than 9 points at 7 inches, so half the size is still readable."""
    figure = make()
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] == pytest.approx(7.0)
    assert min(text.get_fontsize() for text in texts(figure)) >= SMALLEST_TEXT_PT


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES.keys())
def test_legend_hides_no_data(make: Callable[[], Figure]) -> None:
    """The legend stands beside the panels, and within the picture."""
    figure = make()
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert all(not box.overlaps(axes.get_window_extent()) for axes in figure.axes)
    assert figure.bbox.containsx(box.x1)
    assert figure.bbox.containsy(box.y0)


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES.keys())
def test_titles_fit_into_the_picture(make: Callable[[], Figure]) -> None:
    """The title and what the bands mean are said, and not cut off."""
    figure = make()
    figure.draw_without_rendering()
    assert "90 %" in shown(figure)
    for text in figure.texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1


def test_times_too_short_for_the_axis_are_marked() -> None:
    """A quick refusal takes no time, which no logarithmic axis has: its row is not left empty."""
    found = [Interval(median=0.0, lo=0.0, hi=0.5), Interval(median=0.02, lo=0.01, hi=1.0)]
    axes = Figure().subplots()
    draw_rows(axes, found, style.ORANGE)
    assert show_times(axes, found, style.ORANGE)
    assert 0 < axes.get_xlim()[0] < 0.01
    (marks,) = (line for line in axes.lines if line.get_marker() == "<")
    assert np.asarray(marks.get_ydata()).tolist() == [0]
    assert not show_times(Figure().subplots(), found[1:], style.ORANGE)


def test_settings_of_matplotlib_stay() -> None:
    """Drawing leaves the user's settings as they were."""
    before = dict(mpl.rcParams)
    for make in PICTURES.values():
        make()
    assert dict(mpl.rcParams) == before


def test_no_global_figures() -> None:
    """The interactive interface, with its global list of figures, is never loaded."""
    code = "import sys, capsim.plots; print('matplotlib.pyplot' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.strip() == b"False"


def test_curve_has_bands_target_and_labels() -> None:
    """Throughput and both percentiles have lines and bands, and axes have units."""
    left, right = curve_figure().axes
    assert len(bands(left)) == 1 + 1  # and that of the bound
    assert len(bands(right)) == 2 + 1
    assert left.get_xscale() == right.get_xscale() == right.get_yscale() == "log"
    assert (left.get_ylabel(), right.get_ylabel()) == ("requests per second", "response time")
    assert any(np.allclose(line.get_ydata(), 1.0) for line in right.lines)


def test_curve_shows_measurements() -> None:
    """The held-out test of the same workload is filled; tests of others are hollow and named so."""
    figure = curve_figure()
    left, right = figure.axes
    assert [(x, filled) for x, _, filled in points(left)] == [
        (100, False),
        (50, False),
        (200, False),
        (1000, True),
    ]
    assert (1000, 19.0, True) in points(right)
    assert (1000, 25.0, True) in points(right)
    assert (200, 0.13, False) in points(right)
    assert "measured: cab (other workload, 12 % failed)" in shown(figure)
    assert "measured: burst (held out, 100 % failed)" in shown(figure)


def test_curve_shows_its_bound() -> None:
    """The bound on throughput is that of the draws' demands: their median as a line."""
    left, _ = curve_figure().axes
    models = Belief(template=load("p43-results")).models(3)
    each = [demands(model, "burst").bounds([25, 1000])[0] for model in models]
    bound = np.asarray(grey_lines(left)[0].get_ydata(), dtype=float)
    assert bound[[0, -1]] == pytest.approx(np.median(each, axis=0))


@pytest.mark.parametrize(("rps", "is_seen"), [(230.0, True), (100_000.0, False)])
def test_sweep_shows_its_bounds(rps: float, *, is_seen: bool) -> None:
    """Bounds stand behind p95 and throughput; far above it, they do not squeeze the picture."""
    sweep = a_sweep()
    figure = plots.plot_sweep(sweep, {row.point: a_ceiling(rps) for row in sweep.rows})
    p95, throughput, failures = figure.axes
    assert [len(grey_lines(axes)) for axes in (p95, throughput, failures)] == [1, 1, 0]
    assert "bound on throughput and mean" in shown(figure)
    assert (throughput.get_ylim()[1] > rps) == is_seen
    assert throughput.get_ylim()[1] < 1000
    assert grey_lines(plots.plot_sweep(sweep).axes[0]) == []


def test_bounds_show_what_is_possible() -> None:
    """Bounds from both sides, mean values between them, and the knee at its place."""
    figure = bounds_figure()
    for axes in figure.axes:
        assert len(grey_lines(axes)) == 2
        assert any(np.allclose(line.get_xdata(), 1.35 / 0.2) for line in axes.lines)
    throughput = figure.axes[0]
    (exact,) = (line for line in throughput.lines if line.get_color() == style.GREEN)
    low, high = (np.asarray(line.get_ydata(), dtype=float) for line in grey_lines(throughput))
    middle = np.asarray(exact.get_ydata(), dtype=float)
    assert (low <= middle * (1 + 1e-9)).all()
    assert (middle <= high * (1 + 1e-9)).all()


def test_bounds_show_measurements_and_the_law() -> None:
    """Load tests are points, a held-out one hollow; the law is dotted beyond what it rests on."""
    figure = measured_bounds_figure()
    throughput = figure.axes[0]
    assert [(x, filled) for x, _, filled in points(throughput)] == [
        *((10, True), (25, True), (50, True), (100, True)),
        (400, False),
    ]
    law = [line for line in throughput.lines if line.get_color() == style.PURPLE]
    assert [line.get_linestyle() for line in law] == ["-", ":"]
    assert np.asarray(law[0].get_xdata())[-1] == pytest.approx(100)
    assert "measured: u400 (held out)" in shown(figure)


def test_bounds_without_a_curve_are_refused() -> None:
    """Without a think time there is nothing over users to draw."""
    found = replace(bounds_of_network(a_network(), (1, 3)), levels=None)
    with pytest.raises(ValueError, match="must have levels"):
        plots.plot_bounds(found)


def test_cliff_is_a_band_when_it_is_there() -> None:
    """A finite cliff is shaded and told in numbers; where the target is always met, it is not."""
    there, never = curve_figure(), curve_figure(slowest_s=0.1)
    left, _ = there.axes
    assert "p95 leaves the target: " in shown(there)
    assert any(isinstance(patch, Rectangle) for patch in left.patches)
    assert "p95 leaves the target" not in shown(never)
    assert not any(axes.patches for axes in never.axes)


def test_cliff_beyond_the_range_is_open() -> None:
    """A cliff that some draws do not reach says so, and is shaded to the end of the curve."""
    open_ended = Cliff(
        target_s=1.0,
        within_target=Interval(median=800, lo=300, hi=float("inf")),
        growth_ends=Interval(median=1, lo=1, hi=1),
        good_growth_ends=None,
        lowest=25,
        highest=1000,
    )
    belief = Belief(template=load("p43-results"))
    figure = plots.plot_curve(
        a_curve(), belief=belief, scenario="burst", dataset=None, cliff=open_ended
    )
    assert "300 to over 1000 users" in shown(figure)
    (patch,) = (p for p in figure.axes[0].patches if isinstance(p, Rectangle))
    assert patch.get_x() + patch.get_width() == pytest.approx(1000)


def test_sweep_marks_today() -> None:
    """Today's value is marked in every panel, and the target in that of p95."""
    figure = plots.plot_sweep(a_sweep())
    p95, rps, failures = figure.axes
    for axes in (p95, rps, failures):
        assert any(np.allclose(line.get_xdata(), 100) for line in axes.lines)
        assert len(bands(axes)) == 1
    assert "today: 100" in shown(figure)
    assert failures.get_xlabel() == "pool-size (database.access.size)"
    figure.draw_without_rendering()
    assert [t.get_text() for t in failures.get_xticklabels()] == ["50", "100", "500", "1000"]


def test_sweep_of_a_parameter_that_varies() -> None:
    """Where today's value is a parameter of the draws, it is named and not placed."""
    figure = plots.plot_sweep(a_sweep(today="$workers"))
    assert "today: $workers (a parameter of the draws)" in shown(figure)
    assert not any(np.allclose(line.get_xdata(), 100) for line in figure.axes[1].lines)


def test_sweep_over_words() -> None:
    """Values that are words have a row each, beside their names, and a line shows today."""
    figure = plots.plot_sweep(a_sweep(values=("process", "system"), today="system"))
    figure.draw_without_rendering()
    labels = {t.get_text(): t.get_fontweight() for t in figure.axes[0].get_yticklabels()}
    assert labels == {"process": "normal", "system": "bold"}
    assert any(np.allclose(line.get_xdata(), [30, 30]) for line in figure.axes[0].lines)


def test_close_values_keep_their_labels_apart() -> None:
    """Of values that lie close together, only some are labelled, the last one always."""
    figure = plots.plot_sweep(a_sweep(values=(1, 980, 990, 1000)))
    figure.draw_without_rendering()
    labels = [t.get_text() for t in figure.axes[-1].get_xticklabels()]
    assert labels == ["1", "1000"]


def test_sweep_of_one_value() -> None:
    """A single value is drawn too."""
    figure = plots.plot_sweep(a_sweep(values=(100,)))
    figure.draw_without_rendering()


def test_grid_marks_today_and_where_the_target_is_met() -> None:
    """Cells hold median and interval; a line goes around those that are fast enough in most draws.

    These are the last three of six: the line is as long as the border of an L of three cells.
    """
    figure = plots.plot_grid(a_grid())
    cells = figure.axes[0]
    assert "30 s\n30..36" in shown(figure)
    (line,) = (c for c in cells.collections if isinstance(c, LineCollection))
    assert len(line.get_segments()) == 8
    boxes = [patch.get_bbox() for patch in cells.patches if isinstance(patch, Rectangle)]
    assert all((box.x0 + box.x1, box.y0 + box.y1) == pytest.approx((2, 2)) for box in boxes)
    assert len(boxes) == 2
    assert cells.get_xlabel() == "workers (server.workers)"
    assert "today: pool-size 100, workers 2" in shown(figure)
    assert "more than 1 % of the requests fail" in shown(figure)


def test_grid_without_today_and_target() -> None:
    """Where no cell is today's or fast enough, the legend says so; no value is no error."""
    grid = a_grid(down=(1, 2), across=(1,))
    (first, second) = grid.rows
    empty = (outcome(float("nan"), 0.0),) * 2
    figure = plots.plot_grid(replace(grid, rows=(replace(first, outcomes=empty), second)))
    assert "in most draws: nowhere" in shown(figure)
    assert "not among the cells" in shown(figure)


@pytest.mark.parametrize("count", [5, 6, 16])
def test_values_stay_in_their_cells(count: int) -> None:
    """No text of a heat map is wider than its cell, however many there are."""
    figure = plots.plot_grid(a_grid(across=tuple(range(1, count + 1))))
    figure.draw_without_rendering()
    cells = figure.axes[0]
    widest = max(text.get_window_extent().width for text in cells.texts)
    assert widest < cells.get_window_extent().width / count


def test_names_of_many_columns_do_not_touch() -> None:
    """Where names of numbers would touch, only some of the columns have one."""
    figure = plots.plot_grid(a_grid(across=tuple(range(1000, 41000, 1000))))
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(boxes) > 5
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


@pytest.mark.parametrize(
    ("paths", "label"),
    [
        (("scenarios.burst.client.timeout_s",), "p (scenarios.burst.client.timeout_s), in seconds"),
        (("requests.page.query_s.mean", "requests.list.query_s.mean"), "p, in seconds"),
        (("requests.page.query_s.cv",), "p (requests.page.query_s.cv)"),
        ((), "p"),
    ],
)
def test_axes_have_units(paths: tuple[str, ...], label: str) -> None:
    """What is a time in the model is in seconds on the axis; many paths leave no room for them."""
    assert axis_label(Axis(parameter="p", tried=(1,), paths=paths)) == label


def test_fit_groups_by_load_test() -> None:
    """Each load test has a panel with a row per observation."""
    figure = plots.plot_fit(a_posterior())
    first, second = (axes for axes in figure.axes if axes.get_visible())
    assert (first.get_title("left"), second.get_title("left")) == ("one", "two")
    assert [t.get_text() for t in first.get_yticklabels()] == ["req/s", "p50"]
    assert [t.get_text() for t in second.get_yticklabels()] == ["failures", "p99.9"]


def test_fit_shows_ratios_and_who_is_outside() -> None:
    """A point lies at simulated over measured, in another colour when 1 is not in its interval."""
    axes = plots.plot_fit(a_posterior()).axes[0]
    found = {
        float(np.asarray(line.get_xdata())[0]): line.get_color()
        for line in axes.lines
        if line.get_marker() in {"o", "D"}
    }
    assert found == {1.0: style.BLUE, 1.5: style.VERMILION}
    assert axes.get_xscale() == "log"


def test_fit_says_where_there_is_no_ratio() -> None:
    """A measured zero has no ratio; the simulated value is written instead."""
    assert "none, as measured" in shown(plots.plot_fit(a_posterior()))


def test_parameters_tell_both_intervals() -> None:
    """Each row names prior and posterior in the parameter's unit."""
    text = shown(plots.plot_parameters(a_posterior()))
    assert "1 to 100 ms" in text
    assert "10 ms  (5 to 20 ms)" in text
    assert "4  (4 to 4)" in text


def test_timeline_has_gaps_where_nothing_ended() -> None:
    """A slice without an answer leaves a gap, and lines are medians over the draws."""
    figure = plots.plot_timeline(timelines(), title="A run")
    response, rps, failures = figure.axes
    p50 = np.asarray(response.lines[0].get_ydata(), dtype=float)
    assert np.isnan(p50[2])
    assert p50[[0, 1, 3, 4]] == pytest.approx([0.01, 0.1, 5, 10])
    assert len(bands(response)) == 2
    assert len(bands(rps)) == len(bands(failures)) == 1
    assert "A run" in shown(figure)
    assert failures.get_xlabel() == "time since the start of the test (s)"


def test_timeline_shows_what_was_reported() -> None:
    """Ranges of response times from a report are drawn and named."""
    part = plots.ReportedRange(begin_s=10, end_s=20, low_s=0.1, high_s=0.5)
    figure = plots.plot_timeline(timelines(), measured=[part])
    (box,) = (p for p in figure.axes[0].patches if isinstance(p, Rectangle))
    assert box.get_bbox().bounds == pytest.approx((10, 0.1, 10, 0.4))
    assert "as reported" in shown(figure)


@pytest.mark.parametrize(
    ("suffix", "begin"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")]
)
def test_save_by_suffix(tmp_path: Path, suffix: str, begin: bytes) -> None:
    """The suffix decides the format, and equal figures give equal files."""
    figure = plots.plot_fit(a_posterior())
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    plots.save(figure, first)
    plots.save(plots.plot_fit(a_posterior()), str(second))
    assert first.read_bytes().startswith(begin)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["picture.gif", "picture", "missing/picture.png"])
def test_save_refuses(tmp_path: Path, name: str) -> None:
    """An unknown suffix and a missing folder are input errors, and leave no file."""
    with pytest.raises(InputError):
        plots.save(plots.plot_fit(a_posterior()), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0005, "0.5 ms"), (0.1, "100 ms"), (1, "1 s"), (20, "20 s")]
)
def test_times_have_units(seconds: float, text: str) -> None:
    """Times are written in the unit that people say."""
    assert style.time_label(seconds) == text


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("first 61 s", "first 61 s"),
        ("POST /api/v1/deployments/", "…/api/v1/deployments/"),
        ("a part without slashes in its name", "…t slashes in its name"),
    ],
)
def test_long_names_keep_their_ends(text: str, short: str) -> None:
    """A name that is too long loses its beginning, a path at a slash."""
    assert style.shortened(text, 22) == short


def test_colours_are_of_the_palette() -> None:
    """The lines of one panel differ in colour and in style, for eyes that see no colour."""
    _, right = curve_figure(measured=False).axes
    p50, p95 = (line for line in right.lines if line.get_marker() == ".")
    assert to_rgba(p50.get_color()) != to_rgba(p95.get_color())
    assert p50.get_linestyle() != p95.get_linestyle()
