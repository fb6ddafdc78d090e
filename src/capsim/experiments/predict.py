"""Predict a load test: every metric with its interval, the limit, the cliff, and the doubts."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capsim.executors import OnDone, part
from capsim.experiments import extrapolation
from capsim.experiments.beliefs import Belief
from capsim.experiments.bottleneck import UsageInterval, limiting_shares, usage_intervals
from capsim.experiments.comparison import Verdict, contradictions, measured_load_test, verdicts
from capsim.experiments.curve import Cliff, Curve, find_cliff, levels, run_curve
from capsim.experiments.drawn import (
    Drawn,
    errors_of_calibration,
    errors_of_draws,
    most_draws,
    simulate_draws,
)
from capsim.experiments.extrapolation import Influence
from capsim.experiments.precision import METRICS, Errors, Precision, Reached
from capsim.experiments.running import run_trials
from capsim.experiments.trials import Outcome, metric_intervals
from capsim.journal import Journal
from capsim.loadtest.observations import Dataset
from capsim.metrics.intervals import Interval, interval

if TYPE_CHECKING:
    import pandas as pd

CURVE_DRAWS = 24
CURVE_LEVELS = 10
_LOWEST_SHARE = 0.025  # of the users asked for: where the search for the cliff begins


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a load test would report, over all draws of the parameters."""

    model: str
    scenario: str
    users: int
    calibrated: bool
    draws: tuple[dict[str, float], ...]
    outcomes: tuple[Outcome, ...]  # one per draw, the model's discrepancy included
    measured: dict[str, float]  # empty where nothing was measured at this load
    held_out: bool  # whether the measurement was kept out of the calibration
    verdicts: tuple[Verdict, ...]
    influences: tuple[Influence, ...]
    extrapolations: tuple[str, ...]
    contradictions: tuple[str, ...]
    curve: Curve | None
    cliff: Cliff | None
    precision: Reached | None = None  # of the median and both ends; none: draws were asked for
    effective_draws: float | None = None  # of the calibration; none: there is none

    @property
    def metrics(self) -> dict[str, Interval]:
        """Median and 90 % interval of every metric."""
        return metric_intervals(self.outcomes)

    @property
    def failures(self) -> dict[str, Interval]:
        """Share of requests that fail, by cause."""
        causes = dict.fromkeys(cause for o in self.outcomes for cause in o.failures)
        return {c: interval([o.failures.get(c, 0.0) for o in self.outcomes]) for c in causes}

    @property
    def usages(self) -> list[UsageInterval]:
        """Utilisation and queue of every resource after the ramp."""
        return usage_intervals(self.outcomes)

    @property
    def limits(self) -> dict[str, float]:
        """In which share of the draws each resource limits."""
        return limiting_shares(self.outcomes)

    @property
    def thin(self) -> tuple[str, ...]:
        """Percentiles that rest on too few requests in some draw."""
        return tuple(sorted({name for o in self.outcomes for name in o.thin}))

    @property
    def errors_of_draws(self) -> Errors:
        """How far off the figures may be for want of more draws, of the metrics that matter most.

        With a precision it is known of the metrics that it was asked of.
        """
        if self.precision is not None:
            return self.precision.errors
        return errors_of_draws(self.outcomes, METRICS)

    @property
    def errors_of_calibration(self) -> dict[str, float]:
        """How far off the calibration's own draws alone may leave what a precision was asked of."""
        if self.precision is None or self.effective_draws is None:
            return {}
        metrics = self.precision.asked.metrics
        return errors_of_calibration(self.outcomes, metrics, self.effective_draws)

    @property
    def frame(self) -> "pd.DataFrame":
        """A row per draw: its parameters and metrics."""
        import pandas as pd

        return pd.DataFrame(
            [
                {**draw, **outcome.metrics}
                for draw, outcome in zip(self.draws, self.outcomes, strict=True)
            ]
        )


def predict(  # noqa: PLR0913 (the public entry; all but two have defaults)
    belief: Belief,
    users: int,
    *,
    scenario: str | None = None,
    dataset: Dataset | None = None,
    draws: int | None = None,
    curve_draws: int = CURVE_DRAWS,
    precision: float | Precision | None = None,
    seed: int = 1,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Prediction:
    """Predict one load test at a number of users.

    Args:
        belief: the model and its posterior.
        users: closed users.
        scenario: whose workload; none: the model's default.
        dataset: load tests to compare with and to tell extrapolation from interpolation.
        draws: parameter draws of the prediction; with a precision: at most so many. None: 60,
            or 2000 at most.
        curve_draws: draws of the search for the cliff; 0: do not search.
        precision: add draws until the median and both ends of the intervals are known so well,
            e.g. 0.05; none: do not. It does not narrow the intervals: see `reached_by`.
        seed: names the luck.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
        journal: keeps what is done.

    Raises:
        InputError: unknown scenario, fewer than one user, a precision out of range or with fewer
            than 60 draws.
        RunError: the clock stands still in the model.
    """
    name = scenario or belief.central().default_scenario
    asked = Precision.of(precision)
    most = most_draws(draws, asked)
    before = extrapolation.calibration_trials(belief, dataset, seed)
    grid = levels(max(1, round(users * _LOWEST_SHARE)), users, CURVE_LEVELS)
    others = len(before) + len(grid) * curve_draws
    drawn = simulate_draws(
        belief,
        name,
        users,
        most=most,
        precision=asked,
        seed=seed,
        executor=executor,
        on_done=_with_others(on_done, others),
        journal=journal,
    )
    made = len(drawn.draws)
    total = made + others
    calibrated = run_trials(before, executor, part(on_done, made, total), journal)
    curve = None
    if curve_draws:
        curve = run_curve(
            belief,
            name,
            grid,
            draws=curve_draws,
            seed=seed,
            whole=False,
            executor=executor,
            on_done=part(on_done, made + len(before), total),
            journal=journal,
        )
    return _assemble(belief, name, users, dataset, drawn, calibrated, curve)


def _with_others(on_done: OnDone | None, others: int) -> OnDone | None:
    """Return progress that counts `others`, simulations still to come, among how many there are."""
    if on_done is None:
        return None
    return lambda done, total: on_done(done, total + others)


def _assemble(  # noqa: PLR0913 (puts together what was computed)
    belief: Belief,
    name: str,
    users: int,
    dataset: Dataset | None,
    drawn: Drawn,
    calibrated: Sequence[Outcome],
    curve: Curve | None,
) -> Prediction:
    outcomes = drawn.outcomes
    test = measured_load_test(dataset, name, users)
    found = verdicts(test, metric_intervals(outcomes)) if test else ()
    influence = extrapolation.influences(belief, drawn.draws, outcomes)
    return Prediction(
        model=belief.template.name,
        scenario=name,
        users=users,
        calibrated=belief.is_calibrated,
        draws=drawn.draws,
        outcomes=outcomes,
        measured=test.measured() if test else {},
        held_out=bool(test and test.held_out),
        verdicts=found,
        influences=influence,
        extrapolations=tuple(
            extrapolation.extrapolations(belief, dataset, users, outcomes, calibrated, influence)
        ),
        contradictions=tuple(contradictions(found, outcomes, dataset, name)) if dataset else (),
        curve=curve,
        cliff=find_cliff(curve, belief.central().targets.p95_s) if curve else None,
        precision=drawn.precision,
        effective_draws=belief.posterior.effective_sample_size if belief.posterior else None,
    )
