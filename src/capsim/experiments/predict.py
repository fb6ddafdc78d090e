"""Predict a load test: every metric with its interval, the limit, the cliff, and the doubts."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import pandas as pd

from capsim.executors import OnDone, part
from capsim.experiments import extrapolation
from capsim.experiments.beliefs import Belief
from capsim.experiments.bottleneck import UsageInterval, limiting_shares, usage_intervals
from capsim.experiments.comparison import Verdict, contradictions, measured_load_test, verdicts
from capsim.experiments.curve import Cliff, Curve, find_cliff, levels, run_curve
from capsim.experiments.discrepancy import response_factors
from capsim.experiments.extrapolation import Influence
from capsim.experiments.running import run_trials
from capsim.experiments.trials import Outcome, Trial, metric_intervals
from capsim.journal import Journal
from capsim.loadtest.observations import Dataset
from capsim.metrics.intervals import Interval, interval

DRAWS = 60
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
    def frame(self) -> pd.DataFrame:
        """A row per draw: its parameters and metrics."""
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
    draws: int = DRAWS,
    curve_draws: int = CURVE_DRAWS,
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
        draws: parameter draws of the prediction.
        curve_draws: draws of the search for the cliff; 0: do not search.
        seed: names the luck.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
        journal: keeps what is done.

    Raises:
        InputError: unknown scenario, fewer than one user.
        RunError: the clock stands still in the model.
    """
    name = scenario or belief.central().default_scenario
    chosen = belief.draws(draws)
    trials = [
        Trial(model=model, scenario=name, users=users, seed=seed, replication=number)
        for number, model in enumerate(belief.models(draws))
    ]
    before = extrapolation.calibration_trials(belief, dataset, seed)
    grid = levels(max(1, round(users * _LOWEST_SHARE)), users, CURVE_LEVELS)
    total = len(trials) + len(before) + (len(grid) * curve_draws)
    done = run_trials(trials + before, executor, part(on_done, 0, total), journal)
    raw, calibrated = done[: len(trials)], done[len(trials) :]
    factors = response_factors(draws, seed)
    outcomes = [o.with_discrepancy(f, users) for o, f in zip(raw, factors, strict=True)]
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
            on_done=part(on_done, len(done), total),
            journal=journal,
        )
    return _assemble(belief, name, users, dataset, chosen, outcomes, calibrated, curve)


def _assemble(  # noqa: PLR0913 (puts together what was computed)
    belief: Belief,
    name: str,
    users: int,
    dataset: Dataset | None,
    draws: Sequence[dict[str, float]],
    outcomes: Sequence[Outcome],
    calibrated: Sequence[Outcome],
    curve: Curve | None,
) -> Prediction:
    test = measured_load_test(dataset, name, users)
    found = verdicts(test, metric_intervals(outcomes)) if test else ()
    influence = extrapolation.influences(belief, draws, outcomes)
    return Prediction(
        model=belief.template.name,
        scenario=name,
        users=users,
        calibrated=belief.is_calibrated,
        draws=tuple(draws),
        outcomes=tuple(outcomes),
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
    )
