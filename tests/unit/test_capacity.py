"""Capacities over draws: what surrounds one draw's capacity, quantiles, and arrival rates."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from capsim.experiments import draw_search
from capsim.experiments.draw_capacity import DrawCapacity
from capsim.experiments.draw_search import DrawTask, search_draw
from capsim.experiments.hysteresis import Return
from capsim.experiments.loads import Load
from capsim.experiments.open_load import at_rate, peak_rate, request_mix
from capsim.experiments.order_statistics import fewest_draws, quantile_bounds, share_bounds
from capsim.experiments.search import Ending
from capsim.experiments.trials import Outcome, Trial
from capsim.metrics.tasks import TaskSummary
from capsim.model.toml import load
from small_capacities import LATE, MODEL, SCALE, TARGETS, a_capacity, a_draw, outcome


def searched(
    monkeypatch: pytest.MonkeyPatch,
    p95_s: Callable[[int, bool], float],
    tasks: tuple[TaskSummary, ...] = (),
) -> DrawCapacity:
    """Search a draw of a synthetic system: p95 of (users, whether it is a quick look)."""

    def run(trial: Trial) -> Outcome:
        assert trial.users is not None
        return replace(outcome(p95_s(trial.users, trial.steady_s is not None)), tasks=tasks)

    monkeypatch.setattr(draw_search, "run_trial", run)
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


def test_a_draw_knows_what_it_leaves_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What piles up at the capacity of a draw is kept with it, in a journal too."""
    found = searched(monkeypatch, lambda users, _: users / 100.5, tasks=(LATE,))
    assert found.behind == ("task mail",)
    assert DrawCapacity.kept(found.to_keep()) == found


def test_a_journal_gives_back_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of a draw is the draw."""
    found = searched(monkeypatch, lambda users, _: users / 100.5)
    assert DrawCapacity.kept(found.to_keep()) == found
    odd = replace(found, after_burst=Return.STUCK, beyond=math.inf, ending=Ending.MORE)
    assert DrawCapacity.kept(odd.to_keep()) == odd


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
