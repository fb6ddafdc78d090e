"""Capacities over draws: what surrounds one draw's capacity, quantiles, words and the picture."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from capsim import plots
from capsim.experiments import draw_capacity
from capsim.experiments.draw_capacity import DrawCapacity, DrawTask, Tried, search_draw
from capsim.experiments.found_capacity import Capacity
from capsim.experiments.hysteresis import Return
from capsim.experiments.levels_met import Level
from capsim.experiments.loads import Load
from capsim.experiments.open_load import at_rate, peak_rate, request_mix
from capsim.experiments.order_statistics import fewest_draws, quantile_bounds, share_bounds
from capsim.experiments.search import Ending, Scale
from capsim.experiments.targets import parse_targets
from capsim.experiments.trials import Outcome, Trial
from capsim.metrics.intervals import Interval
from capsim.metrics.utilisation import Usage
from capsim.model.toml import load
from capsim.report import capacity_words as words

TARGETS = parse_targets("p95 < 1s")
MODEL = load("p43-report").bind({})
SCALE = Scale(lowest=1, highest=12_000, whole=True)
CORES = Usage(
    name="app CPU",
    kind="cores",
    capacity=2,
    used=2,
    utilisation=1,
    busiest=1,
    queue=9,
    wasted=0,
)


def outcome(p95_s: float, failure_ratio: float = 0.0) -> Outcome:
    """Return an outcome with a p95 and plausible other metrics."""
    metrics = dict.fromkeys(("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "max_s"), p95_s)
    metrics |= {"rps": 100.0, "goodput_rps": 100.0, "failure_ratio": failure_ratio}
    return Outcome(metrics=metrics, failures={}, usages=(CORES,), thin=())


def searched(monkeypatch: pytest.MonkeyPatch, p95_s: Callable[[int, bool], float]) -> DrawCapacity:
    """Search a draw of a synthetic system: p95 of (users, whether it is a quick look)."""

    def run(trial: Trial) -> Outcome:
        assert trial.users is not None
        return outcome(p95_s(trial.users, trial.steady_s is not None))

    monkeypatch.setattr(draw_capacity, "run_trial", run)
    task = DrawTask(
        model=MODEL,
        load=Load(scenario="burst"),
        targets=TARGETS,
        scale=SCALE,
        factor=1.0,
        seed=1,
        replication=0,
        has_burst=False,
    )
    return search_draw(task)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(root=st.integers(2, 2000), power=st.floats(0.5, 4.0))
def test_a_monotone_system(monkeypatch: pytest.MonkeyPatch, root: int, power: float) -> None:
    """Its capacity is found to 2 % or one user, and nothing odd is said of it."""
    found = searched(monkeypatch, lambda users, _: (users / (root + 0.5)) ** power)
    assert found.ending == Ending.FOUND
    assert found.level <= root < found.beyond <= max(found.level + 1, found.level * 1.02)
    assert (found.missed_below, found.met_above, found.idle_below) == ((), (), ())
    assert (found.limit, found.limit_beyond) == ("app CPU", "app CPU")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(root=st.integers(10, 2000))
def test_a_system_that_recovers_with_load(monkeypatch: pytest.MonkeyPatch, root: int) -> None:
    """Missed from a level to three times that, then met again up to five times: it is said."""

    def p95_s(users: int, _: bool) -> float:  # noqa: FBT001 (as the search calls it)
        return 2.0 if root < users < 3 * root or users > 5 * root else 0.5

    found = searched(monkeypatch, p95_s)
    assert found.missed_below or found.met_above
    assert all(root < level < 3 * root for level in found.missed_below)
    assert all(3 * root <= level <= 5 * root for level in found.met_above)


def test_whole_load_tests_overrule_quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that see twice the capacity only cost time; what is odd in them alone is not said."""
    found = searched(monkeypatch, lambda users, look: users / (800.5 if look else 400.5))
    assert found.level <= 400 < found.beyond
    assert found.met_above == ()
    decided = {tried.level: tried.is_look for tried in found.tried}
    assert not decided[found.level]
    assert not decided[found.beyond]


def test_a_journal_gives_back_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of a draw is the draw."""
    found = searched(monkeypatch, lambda users, _: users / 100.5)
    assert DrawCapacity.kept(found.to_keep()) == found
    odd = replace(found, after_burst=Return.STUCK, beyond=math.inf, ending=Ending.MORE)
    assert DrawCapacity.kept(odd.to_keep()) == odd


# Over draws.


def a_draw(level: float, **more: Any) -> DrawCapacity:
    """Return a draw with a capacity; none at 0, more than the highest if it is infinite."""
    ending = {0.0: Ending.LESS, math.inf: Ending.MORE}.get(level, Ending.FOUND)
    known = {"limit": "app CPU", "limit_beyond": "app CPU", "next_limit": "database CPU"}
    content = {
        "ending": ending,
        "level": 12_000.0 if math.isinf(level) else level,
        "beyond": math.inf if math.isinf(level) else level + 1,
        "tried": (),
        **(known if level else {}),
        "after_burst": Return.BACK,
        **more,
    }
    return DrawCapacity(**content)


def a_capacity(*draws: DrawCapacity, confidence: float = 0.9) -> Capacity:
    """Return what these draws say together."""
    level = Level(level=200, targets=TARGETS, outcomes=(outcome(0.5), outcome(2.0)))
    return Capacity(
        model="small",
        load=Load(scenario="burst"),
        targets=TARGETS,
        confidence=confidence,
        calibrated=True,
        scale=SCALE,
        draws=draws,
        levels=(level,),
        confirmed=None,
        extrapolations=(),
    )


def tried(level: float, *, is_met: bool) -> Tried:
    """Return a level that was tried."""
    return Tried(
        level=level,
        is_met=is_met,
        lacks_load=False,
        margin=0.0,
        metrics={},
        thin=(),
        is_look=False,
    )


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.99])
def test_enough_draws_carry_the_capacity_at_a_confidence(confidence: float) -> None:
    """At least that share of the draws has this capacity, and fewer a larger one."""
    found = a_capacity(*(a_draw(float(n)) for n in range(101, 141)), confidence=confidence)
    share = sum(value >= found.at_confidence for value in found.values) / 40
    above = sum(value > found.at_confidence for value in found.values) / 40
    assert share + 1e-9 >= confidence > above


def test_quantile_bounds_hold_as_often_as_they_say() -> None:
    """Against the binomial distribution; an end that few draws cannot tell is undefined."""
    values = [float(n) for n in range(1, 101)]
    low, high = quantile_bounds(values, 0.1)
    inside = stats.binom.cdf(high - 1, 100, 0.1) - stats.binom.cdf(low - 1, 100, 0.1)
    assert 0.9 <= inside < 0.95
    few = quantile_bounds(values[:24], 0.1)
    assert math.isnan(few[0])
    assert few[1] == 6.0
    assert [fewest_draws(share) for share in (0.5, 0.1, 0.01)] == [2, 10, 100]


def test_share_bounds_are_wilson_s() -> None:
    """As SciPy has them, none of them empty at the ends."""
    for hits in (0, 3, 24):
        expected = stats.binomtest(hits, 24).proportion_ci(0.9, method="wilson")
        found = share_bounds(hits, 24)
        assert (found.lo, found.hi) == pytest.approx((expected.low, expected.high))


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
    assert words.limits(a_capacity(a_draw(0.0))) == ["Not known: no load tried meets the target."]


def test_failures_that_the_target_allows_are_said() -> None:
    """A p95 of quick refusals is no service."""
    failing = Level(level=90, targets=TARGETS, outcomes=(outcome(0.5, 1.0),))
    found = replace(a_capacity(a_draw(90.0)), confirmed=failing)
    (text,) = words.unbound(found)
    assert text.startswith("100 % of the requests fail at 90 users")
    bound = parse_targets("p95 < 1s and failed < 1%")
    assert words.unbound(replace(found, targets=bound)) == []


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


def test_picture_shows_the_knee_of_the_bounds() -> None:
    """Where the asymptotes cross is a grey line; far outside of the picture, nothing is said."""
    found = a_capacity(*map(a_draw, (90.0, 120.0, 150.0)))
    for knee, is_seen in ((110.0, True), (9000.0, False)):
        figure = plots.plot_capacity(found, Interval(median=knee, lo=0.9 * knee, hi=1.1 * knee))
        (legend,) = figure.legends
        labels = [text.get_text() for text in legend.get_texts()]
        assert (f"knee N*: {knee:.0f} users, without failures" in labels) == is_seen


# Arrival rates.


def test_users_become_arrivals_of_the_same_mix() -> None:
    """Each class of users asks as often as it does in an idle system."""
    model = load("p43-results").bind({})
    mix = request_mix(model, "deploy")
    assert math.fsum(mix.values()) == pytest.approx(1.0)
    assert set(mix) > {"deployment_create", "unknown_page", "cab_list"}
    spec = at_rate(model, "deploy", 80.0)
    assert peak_rate(spec) == pytest.approx(80.0)
    assert (spec.peak_users, spec.duration_s) == (0, model.scenario("deploy").duration_s)


def test_arrivals_are_scaled_to_their_peak() -> None:
    """The shape stays, and the highest sum over all kinds becomes the rate asked for."""
    stages = [{"duration_s": 10, "rate": 2}, {"duration_s": 10, "rate": 6}]
    late = [{"duration_s": 15, "rate": 1}, {"duration_s": 5, "rate": 4}]
    arrivals = {
        "a": {"stages": stages, "tasks": {"deployment_create": 1}},
        "b": {"stages": late, "tasks": {"cab_approval": 1}},
    }
    tree = MODEL.model_dump(mode="json")
    tree["scenarios"]["open"] = {"duration_s": 20, "arrivals": arrivals}
    model = type(MODEL).model_validate(tree)
    assert peak_rate(model.scenario("open")) == 10.0
    spec = at_rate(model, "open", 100.0)
    assert [stage.rate for stage in spec.arrivals["a"].stages] == pytest.approx([20.0, 60.0])
    assert [stage.rate for stage in spec.arrivals["b"].stages] == pytest.approx([10.0, 40.0])
