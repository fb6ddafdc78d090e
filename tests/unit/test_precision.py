"""Simulating until figures are known precisely: the rule, the batches, the cap, and the order."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from capsim.cli.precision import parse_precision
from capsim.errors import InputError
from capsim.experiments import running
from capsim.experiments.beliefs import Belief
from capsim.experiments.drawn import errors_of_calibration, most_draws, simulate_draws
from capsim.experiments.means import mean_of
from capsim.experiments.order_statistics import quantile_bounds
from capsim.experiments.precision import METRICS, Precision, Reached, error_of, until_precise
from capsim.experiments.replications import BATCH, replicate
from capsim.experiments.trials import Outcome, Trial, run_trial
from capsim.journal import Journal
from capsim.metrics.run import simulate
from capsim.metrics.summary import METRICS as ALL_METRICS
from capsim.model.model import Model
from capsim.report.precision import cap_in_words, within

MODEL = {
    "name": "small",
    "default_scenario": "test",
    "server": {"kind": "development"},
    "requests": {"page": {"app_cpu_s": {"law": "exponential", "mean": 0.02}}},
    "scenarios": {
        "test": {
            "users": 3,
            "duration_s": 4.0,
            "user_classes": {
                "user": {"think_s": {"law": "exponential", "mean": 0.1}, "tasks": {"page": 1}}
            },
        }
    },
}


def small(**scenario: Any) -> Model:
    """Return a small system, its scenario changed."""
    test = {**MODEL["scenarios"]["test"], **scenario}  # type: ignore[index]
    return Model.model_validate({**MODEL, "scenarios": {"test": test}})


class Backwards(Executor):
    """Does the work of a batch when the first result is asked for, the last piece first."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """Take a piece of work; the twentieth is done at once, with all that wait."""
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        if len(self.waiting) == BATCH:
            while self.waiting:
                last, function, given_to_it = self.waiting.pop()
                last.set_result(function(*given_to_it))
        return future


def an_outcome(value: float) -> Outcome:
    """Return an outcome whose metrics are all the same."""
    return Outcome(metrics=dict.fromkeys(ALL_METRICS, value), failures={}, usages=(), thin=())


@given(
    truth=st.floats(1e-3, 1e3),
    off=st.floats(-0.9, 5.0),
    slack=st.floats(1.0, 3.0),
)
def test_no_figure_is_further_from_the_truth_than_its_error(
    truth: float, off: float, slack: float
) -> None:
    """Where the truth lies within the distance, the error is at most what is said."""
    value = truth * (1 + off)
    distance = abs(value - truth) * slack
    assert abs(off) <= error_of("mean_s", value, distance) * (1 + 1e-9) + 1e-12


def test_errors_of_what_is_nothing_rare_or_unknown() -> None:
    """Exact figures have none, undefined ones no number; those of shares are points."""
    assert error_of("rps", 0.0, 0.0) == 0.0
    assert error_of("rps", 0.0, 0.1) == math.inf
    assert error_of("mean_s", 1.0, math.nan) == math.inf
    assert math.isnan(error_of("mean_s", math.nan, math.nan))
    assert error_of("failure_ratio", 0.001, 0.002) == 0.002
    assert (within("failure_ratio", 0.002), within("rps", 0.02)) == ("0.2 points", "2.0 %")


def test_means_are_student_s() -> None:
    """As SciPy has the interval; undefined values are left out, impossible ones cut off."""
    values = [1.0, 2.0, 4.0, math.nan]
    found = mean_of(values)
    low, high = stats.t.interval(0.9, 2, loc=7 / 3, scale=stats.sem(values[:3]))
    assert (found.mean, found.runs) == (pytest.approx(7 / 3), 3)
    assert found.hi == pytest.approx(high)
    assert found.lo == max(0.0, low)
    assert mean_of([0.0, 1.0], most=1).hi == 1.0
    assert math.isnan(mean_of([1.0]).half_width)
    assert math.isnan(mean_of([]).mean)


def test_bounds_of_quantiles_of_many_draws() -> None:
    """Thousands of draws neither overflow nor leave the binomial distribution."""
    low, high = quantile_bounds([float(n) for n in range(1, 3001)], 0.05)
    assert stats.binom.cdf(low - 1, 3000, 0.05) <= 0.05 < stats.binom.cdf(low, 3000, 0.05)
    assert stats.binom.sf(high - 1, 3000, 0.05) <= 0.05 < stats.binom.sf(high - 2, 3000, 0.05)


def stopped(met_at: int, *, batch: int, most: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many trials there were at each look of a rule that is met at a number of them."""
    monkeypatch.setattr(running, "run_trial", lambda trial: an_outcome(float(trial.replication)))
    looks: list[int] = []

    def reached(done: Sequence[Outcome]) -> Reached:
        looks.append(len(done))
        assert [o.metrics["rps"] for o in done] == list(range(len(done)))
        errors = {"rps": {"mean": 0.01 if len(done) >= met_at else 0.1}}
        return Reached(asked=Precision(ratio=0.05), count=len(done), most=most, errors=errors)

    until_precise(
        lambda number: Trial(model=small(), scenario="test", replication=number),
        reached,
        batch=batch,
        most=most,
        executor=None,
        on_done=None,
        journal=None,
    )
    return looks


def test_looks_are_at_the_ends_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stops is a whole batch or the cap, which may cut the last one short."""
    assert stopped(11, batch=10, most=100, monkeypatch=monkeypatch) == [10, 20]
    assert stopped(99, batch=10, most=25, monkeypatch=monkeypatch) == [10, 20, 25]
    assert stopped(1, batch=10, most=4, monkeypatch=monkeypatch) == [4]


def test_what_it_would_take_goes_by_the_square() -> None:
    """Half of the error takes four times the runs, nearly: the correction for the truth counts."""
    asked = Precision(ratio=0.05, metrics=("rps", "mean_s"))
    reached = Reached(
        asked=asked, count=100, most=100, errors={"rps": {"mean": 0.1}, "mean_s": {"mean": 0.04}}
    )
    assert reached.missed == {"rps": 0.1}
    assert reached.needed == pytest.approx(100 * ((0.1 / 1.1) / (0.05 / 1.05)) ** 2)
    text = cap_in_words(reached, "runs", "--replications")
    assert "requests/s to within 10 %" in text
    assert "About 370 runs would do (--replications 370)" in text
    unbounded = Reached(asked=asked, count=9, most=9, errors={"rps": {"mean": math.inf}})
    assert "no bound. For more, raise --draws" in cap_in_words(unbounded, "draws", "--draws")


def test_order_of_work_changes_nothing() -> None:
    """An executor that does the last piece first stops at the same runs, with the same figures."""
    precise = {"precision": 0.05, "replications": 40}
    alone = replicate(small(), **precise)  # type: ignore[arg-type]
    others = replicate(small(), executor=Backwards(), **precise)  # type: ignore[arg-type]
    assert BATCH < len(alone.outcomes) <= 40
    assert others.frame.equals(alone.frame)
    assert str(others) == str(alone)  # NaN is not equal to itself


def test_a_stopped_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a journal has kept of runs is not simulated again, and gives the same answer."""
    done: list[int] = []

    def counted(trial: Trial) -> Outcome:
        done.append(trial.replication)
        return run_trial(trial)

    def stop(number: int, _: int) -> None:
        if number == 13:
            raise KeyboardInterrupt

    whole = replicate(small(), precision=0.05)
    monkeypatch.setattr(running, "run_trial", counted)
    with pytest.raises(KeyboardInterrupt):
        replicate(small(), precision=0.05, on_done=stop, journal=Journal(tmp_path / "j", "key"))
    found = replicate(small(), precision=0.05, journal=Journal(tmp_path / "j", "key"))
    assert done == list(range(len(whole.outcomes)))
    assert found.metrics == whole.metrics


def test_progress_counts_towards_what_it_will_take() -> None:
    """Progress never goes back, and what it goes towards is never less than what is done."""
    seen: list[tuple[int, int]] = []
    found = replicate(small(), precision=0.03, on_done=lambda d, n: seen.append((d, n)))
    assert [done for done, _ in seen] == list(range(1, len(found.outcomes) + 1))
    assert all(done <= total for done, total in seen)


def test_a_run_of_several_is_a_whole_run() -> None:
    """The first of several is the run that is simulated alone, even where a look would do."""
    long = small(users=20, duration_s=900.0)
    one = replicate(long, replications=2).outcomes[0]
    assert one.metrics == simulate(long).summary().metrics()
    assert one.metrics != run_trial(Trial(model=long, scenario="test")).metrics


def test_draws_before_a_stop_are_those_of_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finer precision goes on where a coarser one stopped, and makes every draw once at most."""
    belief = Belief.load("p43-report")

    def by_luck(trial: Trial) -> Outcome:
        return an_outcome(float(stats.lognorm.ppf((0.5 + trial.replication * 0.618) % 1, 0.3)))

    monkeypatch.setattr(running, "run_trial", by_luck)
    coarse, fine = (
        simulate_draws(
            belief,
            "burst",
            10,
            most=200,
            precision=Precision(ratio=ratio, metrics=METRICS[:1]),
            seed=1,
        )
        for ratio in (0.4, 0.01)
    )
    assert (len(coarse.draws), len(fine.draws)) == (60, 200)
    assert fine.draws[:60] == coarse.draws
    assert fine.outcomes[:60] == coarse.outcomes
    everything = [str(draw) for draw in belief.draws(200)]
    assert sorted(map(str, fine.draws)) == sorted(everything)
    # What is stopped early has not seen one corner of the belief alone.
    assert {everything.index(str(draw)) // 50 for draw in coarse.draws} == {0, 1, 2, 3}


def test_few_effective_draws_leave_much() -> None:
    """What a calibration's own draws leave falls with their number, and is never unbounded."""
    outcomes = [an_outcome(value) for value in np.exp(np.linspace(-1, 1, 500)).tolist()]
    errors = [errors_of_calibration(outcomes, ["mean_s"], n)["mean_s"] for n in (20.5, 100, 1000)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < math.inf


def test_what_is_undefined_is_not_waited_for() -> None:
    """Where nothing is ever answered, response times have no mean, and ten runs are enough."""
    requests = {"page": {"app_cpu_s": 0.01, "delay_s": 100.0}}
    stuck = Model.model_validate({**MODEL, "requests": requests})
    found = replicate(stuck, precision=0.05)
    assert found.precision is not None
    assert found.precision.is_met
    assert len(found.outcomes) == BATCH
    assert math.isnan(found.precision.errors["mean_s"]["mean"])
    assert found.metrics["rps"].mean == 0.0


def test_at_least_two_runs() -> None:
    """One run has no interval, and none is no load test."""
    for count in (0, 1):
        with pytest.raises(InputError, match="at least 2 runs"):
            replicate(small(), replications=count)


@pytest.mark.parametrize("metrics", [(), ("p59_s",)])
def test_a_precision_is_of_known_metrics(metrics: tuple[str, ...]) -> None:
    """Metrics that there are not are named, before anything is simulated."""
    with pytest.raises(InputError, match="choose from rps"):
        Precision(ratio=0.05, metrics=metrics)


@pytest.mark.parametrize("ratio", [0.0, 0.0009, 0.51, 5.0, math.nan, math.inf])
def test_a_precision_lies_in_its_range(ratio: float) -> None:
    """What cannot be reached, or says nothing, is refused with an example."""
    with pytest.raises(InputError, match=r"e\.g\. 0\.05"):
        replicate(small(), precision=ratio)


@pytest.mark.parametrize(
    ("text", "ratio"), [("5%", 0.05), (" 5 % ", 0.05), ("0.05", 0.05), (".5", 0.5), ("0.1%", 0.001)]
)
def test_percent_and_shares_mean_the_same(text: str, ratio: float) -> None:
    """5% and 0.05 are one precision, and a list of metrics names each once."""
    assert parse_precision(text, None) == Precision(ratio=ratio)
    found = parse_precision(text, "p99, failed,p99")
    assert found == Precision(ratio=ratio, metrics=("p99_s", "failure_ratio"))


def test_too_few_draws_know_no_end() -> None:
    """59 draws are the fewest of which one lies below the lower end with 95 %."""
    assert math.isnan(quantile_bounds([float(n) for n in range(58)], 0.05)[0])
    assert quantile_bounds([float(n) for n in range(59)], 0.05)[0] == 0.0
    with pytest.raises(InputError, match="60 or more"):
        most_draws(59, Precision(ratio=0.05))
    assert most_draws(59, None) == 59
