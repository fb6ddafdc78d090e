"""What of a prediction goes beyond what the load tests have shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capsim.experiments.beliefs import FEWEST_DRAWS, Belief
from capsim.experiments.bottleneck import SATURATED
from capsim.experiments.trials import Outcome, Trial
from capsim.loadtest.observations import Dataset
from capsim.metrics.intervals import rank_correlation

_NOTICEABLE = 0.01  # share of requests from which a cause of failure is worth a sentence
_SPEAKS = 0.4  # rank correlation from which a parameter is said to decide a metric
_UNTAUGHT = 0.8  # posterior this wide against the prior: the prior speaks, not the data
_MORE = 1.2  # times the measured throughput from which it is worth a sentence
METRICS_EXPLAINED = ("rps", "p50_s", "p95_s", "failure_ratio")


@dataclass(frozen=True, kw_only=True)
class Influence:
    """The parameter that a metric depends on most, over the draws."""

    metric: str
    parameter: str
    correlation: float  # Spearman's
    width_ratio: float  # posterior over prior

    @property
    def prior_speaks(self) -> bool:
        """Whether the load tests say next to nothing of this parameter."""
        return self.width_ratio >= _UNTAUGHT


def influences(
    belief: Belief, draws: Sequence[Mapping[str, float]], outcomes: Sequence[Outcome]
) -> tuple[Influence, ...]:
    """Return, for each main metric, the parameter that decides it most (if any does)."""
    found: list[Influence] = []
    if len(draws) < FEWEST_DRAWS:
        return ()
    for metric in METRICS_EXPLAINED:
        values = np.array([outcome.metrics[metric] for outcome in outcomes])
        correlations = {
            name: rank_correlation(np.array([draw[name] for draw in draws]), values)
            for name in belief.template.free_parameters()
        }
        known = {name: c for name, c in correlations.items() if abs(c) >= _SPEAKS}
        if known:
            name = max(known, key=lambda key: abs(known[key]))
            found.append(
                Influence(
                    metric=metric,
                    parameter=name,
                    correlation=known[name],
                    width_ratio=belief.width_ratio(name),
                )
            )
    return tuple(found)


def calibration_trials(belief: Belief, dataset: Dataset | None, seed: int) -> list[Trial]:
    """Return the load tests that were calibrated on, at the central draw, to compare with."""
    if dataset is None:
        return []
    model = belief.central_as_tested()
    return [
        Trial(model=model, scenario=name, seed=seed)
        for name, test in dataset.load_tests.items()
        if not test.held_out and name in model.scenarios
    ]


def extrapolations(
    belief: Belief,
    dataset: Dataset | None,
    users: int,
    outcomes: Sequence[Outcome],
    calibrated: Sequence[Outcome],
    influences_found: Sequence[Influence],
) -> list[str]:
    """Say in plain sentences what the load tests cannot vouch for."""
    if not belief.is_calibrated:
        return ["Everything: this model has not been calibrated; its priors alone speak."]
    sentences = []
    if dataset is not None:
        sentences += _beyond_users(dataset, users)
        sentences += _beyond_throughput(dataset, outcomes)
    if calibrated:  # else nothing was seen to compare with
        sentences += _new_failures(outcomes, calibrated)
        sentences += _new_saturation(outcomes, calibrated)
    sentences += [
        f"{i.metric} depends most on {i.parameter} (rank correlation {i.correlation:+.2f}), of "
        f"which the load tests say little (posterior {100 * i.width_ratio:.0f} % as wide as the "
        "prior): its prior speaks."
        for i in influences_found
        if i.prior_speaks
    ]
    return sentences


def _beyond_users(dataset: Dataset, users: int) -> list[str]:
    calibrated = {n: t.users for n, t in dataset.load_tests.items() if not t.held_out}
    name = max(calibrated, key=lambda key: calibrated[key])
    if users <= calibrated[name]:
        return []
    ratio = users / calibrated[name]
    largest = f"({name}, {calibrated[name]} users)"
    return [f"{users} users are {ratio:.1f} times the largest calibrated load test {largest}."]


def _beyond_throughput(dataset: Dataset, outcomes: Sequence[Outcome]) -> list[str]:
    calibrated = {n: t.rps for n, t in dataset.load_tests.items() if not t.held_out and t.rps}
    rps = float(np.median([outcome.metrics["rps"] for outcome in outcomes]))
    name = max(calibrated, key=lambda key: calibrated[key], default="")
    if not name or rps <= _MORE * calibrated[name]:
        return []
    text = (
        f"{rps:.0f} requests/s are {rps / calibrated[name]:.1f} times the most that a calibrated "
        f"load test carried ({name}, {calibrated[name]:.0f} requests/s)."
    )
    return [text]


def _new_failures(outcomes: Sequence[Outcome], calibrated: Sequence[Outcome]) -> list[str]:
    seen = {cause for o in calibrated for cause, share in o.failures.items() if share > 0}
    shares = {c: [o.failures.get(c, 0.0) for o in outcomes] for o in outcomes for c in o.failures}
    often = {c: float(np.mean(np.array(v) > _NOTICEABLE)) for c, v in shares.items()}
    return [
        (
            f"Failures by {cause} (in {100 * share:.0f} % of the draws) happened in no calibrated "
            "load test: the mechanism is modelled, not observed."
        )
        for cause, share in often.items()
        if cause not in seen and share > 0
    ]


def _new_saturation(outcomes: Sequence[Outcome], calibrated: Sequence[Outcome]) -> list[str]:
    sentences = []
    for number, usage in enumerate(outcomes[0].usages):
        if not np.isfinite(usage.busiest):  # without a limit
            continue
        now = float(np.median([o.usages[number].busiest for o in outcomes]))
        before = [u.busiest for o in calibrated for u in o.usages if u.name == usage.name]
        known = [busiest for busiest in before if np.isfinite(busiest)]
        highest = max(known, default=0.0)
        if now >= SATURATED > highest:
            then = f"it was in use {100 * highest:.0f} % at most" if known else "it was no limit"
            sentences.append(
                f"{usage.name} is saturated ({100 * now:.0f} % in use); in the calibrated load "
                f"tests {then}."
            )
    return sentences
