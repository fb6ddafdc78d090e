"""A capacity in words and as a picture: the answer, what takes from it, what is not known."""

import math
from dataclasses import replace

import pytest

from capsim import plots
from capsim.cli.output import plain_text
from capsim.experiments.hysteresis import Return
from capsim.experiments.levels_met import Level
from capsim.experiments.targets import parse_targets
from capsim.metrics.intervals import Interval
from capsim.report import capacity as report
from capsim.report import capacity_words as words
from capsim.report.capacity_caveats import hollow, left_behind, unbound
from capsim.report.context import Context
from small_capacities import CORES, LATE, TARGETS, a_capacity, a_draw, outcome, tried

CONTEXT = Context(
    model="small",
    description="",
    calibration="",
    changes={},
    is_what_if=False,
    warnings=(),
    provenance={},
)


def test_words_of_an_ordinary_capacity() -> None:
    """The answer, and that nothing odd was seen."""
    found = a_capacity(*(a_draw(float(n)) for n in range(101, 131)))
    assert words.headline(found) == "p95 < 1 s holds with 90 % confidence up to 104 users."
    monotone, burst = words.other_loads(found)
    assert monotone.startswith("Monotone in all 30 draws")
    assert burst.startswith("No hysteresis in the 30 draws tried")
    assert words.warnings(found) == []
    assert words.censored(found) == []


def test_words_of_an_odd_one() -> None:
    """Levels and draws are named: missed, met again, and not met after a burst."""
    low = a_draw(100.0, tried=(tried(50, is_met=False), tried(100, is_met=True)))
    high = a_draw(100.0, tried=(tried(404, is_met=True),), after_burst=Return.STUCK)
    found = a_capacity(low, high, a_draw(90.0, after_burst=Return.UNCLEAR), confidence=0.99)
    assert not found.is_monotone
    missed, met, burst = words.other_loads(found)
    assert "in 1 of 3 draws the target is missed below the capacity, at 50 users" in missed
    assert "in 1 of 3 draws the target is met again above the capacity, at 404 users" in met
    assert burst.startswith("Hysteresis: in 1 of 3 draws tried the system does not come back")
    assert "In 1 more" in burst
    (warning,) = words.warnings(found)
    assert "99 % confidence needs more draws than 3" in warning
    assert "--draws 100" in warning


def test_words_of_what_was_not_found() -> None:
    """Beyond the range is said, not invented."""
    more = a_capacity(a_draw(math.inf), a_draw(math.inf))
    assert "at every load tried, up to 12000 users" in words.headline(more)
    assert words.number_of(more, more.at_confidence) == ">12000"
    less = a_capacity(a_draw(0.0), a_draw(50.0))
    assert words.headline(less).endswith(
        "does not hold with 90 % confidence, not even with 1 user."
    )
    assert words.censored(less) == ["In 1 of 2 draws it is missed even with 1 user."]
    lowest = replace(tried(1.0, is_met=False), metrics={"p95_s": 1.5})
    slow = a_capacity(a_draw(0.0, tried=(lowest,)))
    (text,) = words.censored(slow)
    assert text.endswith("it is missed even with 1 user (median there: p95 1.5 s).")
    assert words.limits(a_capacity(a_draw(0.0))) == ["Not known: no load tried meets the target."]


def test_failures_that_the_target_allows_are_said() -> None:
    """A p95 of quick refusals is no service."""
    failing = Level(level=90, targets=TARGETS, outcomes=(outcome(0.5, 1.0),))
    found = replace(a_capacity(a_draw(90.0)), confirmed=failing)
    (text,) = unbound(found)
    assert text.startswith("100 % of the requests fail at 90 users")
    bound = parse_targets("p95 < 1s and failed < 1%")
    assert unbound(replace(found, targets=bound)) == []


def test_work_that_is_left_behind_takes_from_the_answer() -> None:
    """A capacity at which Celery does not keep up says so right below it, and marks the level."""
    workers = replace(CORES, name="Celery worker", kind="slots")
    outcomes = (replace(outcome(0.5), tasks=(LATE,), usages=(CORES, workers)), outcome(0.5))
    level = Level(level=90, targets=TARGETS, outcomes=outcomes)
    found = replace(a_capacity(a_draw(90.0)), confirmed=level, levels=())
    (text,) = left_behind(found)
    assert text.startswith("But work is left behind there: task mail does not keep up")
    assert "grows by 6 per second (in 50 % of the draws)" in text
    assert list(hollow([level])) == ["! work is left behind: 90 (in 50 % of the draws)."]
    shown = " ".join(plain_text(report.renderable(found, CONTEXT), width=80).split())
    assert f"up to 90 users. {text}" in shown
    assert "90 ! 100 %" in shown
    assert "The work that no answer waits for: Celery worker in 50 % of the draws." in shown
    always = a_capacity(a_draw(math.inf, behind=("task mail",)), a_draw(math.inf))
    assert "task mail does not keep up (in 50 % of the draws)" in left_behind(always)[0]
    assert left_behind(a_capacity(a_draw(90.0))) == []


@pytest.mark.parametrize("values", [(90.0, 120.0, 150.0), (0.0, 120.0, math.inf), (math.inf,)])
def test_picture(values: tuple[float, ...]) -> None:
    """Labelled axes, the confidence and the capacity in the legend, also where some are unknown."""
    found = a_capacity(*map(a_draw, values))
    figure = plots.plot_capacity(found)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "concurrent users"
    assert axes.get_ylabel() == "draws that meet the target"
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert "confidence asked: 90 %" in labels
    assert ("with that confidence: up to 90 users" in labels) == (values[0] == 90)
    low, high = axes.get_xlim()
    assert low < 200 < high


def test_picture_marks_a_hollow_answer() -> None:
    """What the table says of work that is left behind is not lost in the picture."""
    level = Level(level=90, targets=TARGETS, outcomes=(replace(outcome(0.5), tasks=(LATE,)),))
    figure = plots.plot_capacity(replace(a_capacity(a_draw(90.0)), confirmed=level))
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert "with that confidence: up to 90 users !" in labels
    assert any(label.startswith("!  work is left behind") for label in labels)
    figure.draw_without_rendering()
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_picture_shows_the_knee_of_the_bounds() -> None:
    """Where the asymptotes cross is a grey line; far outside of the picture, nothing is said."""
    found = a_capacity(*map(a_draw, (90.0, 120.0, 150.0)))
    for knee, is_seen in ((110.0, True), (9000.0, False)):
        figure = plots.plot_capacity(found, Interval(median=knee, lo=0.9 * knee, hi=1.1 * knee))
        (legend,) = figure.legends
        labels = [text.get_text() for text in legend.get_texts()]
        assert (f"knee N*: {knee:.0f} users, without failures" in labels) == is_seen
