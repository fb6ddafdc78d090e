"""What of a prediction goes beyond what the load tests have shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capsim.experiments.beliefs import FEWEST_DRAWS, Belief
from capsim.experiments.bottleneck import SATURATED
from capsim.experiments.trials import Outcome, Trial
from capsim.loadtest.observations import Dataset
from capsim.metrics.intervals import interval, rank_correlation

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


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Something that the load tests cannot vouch for."""

    what: str  # the same words for every system of which it holds
    figure: str = ""  # of this system, if there is one
    sentence: str  # both


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
    """Say in plain sentences what the load tests cannot vouch for; see `doubts`."""
    found = doubts(belief, dataset, users, outcomes, calibrated, influences_found)
    return [doubt.sentence for doubt in found]


def doubts(
    belief: Belief,
    dataset: Dataset | None,
    users: int,
    outcomes: Sequence[Outcome],
    calibrated: Sequence[Outcome],
    influences_found: Sequence[Influence],
) -> list[Doubt]:
    """Return what the load tests cannot vouch for.

    Args:
        belief: the system.
        dataset: load tests; none: nothing is compared with what they carried.
        users: closed ones, of the outcomes.
        outcomes: of the system, one per draw.
        calibrated: of the load tests that were calibrated on, at the central draw.
        influences_found: which parameters decide the outcomes.
    """
    if not belief.is_calibrated:
        what = "Everything: this model has not been calibrated; its priors alone speak"
        return [Doubt(what=what, sentence=f"{what}.")]
    found = []
    if dataset is not None:
        found += _beyond_users(dataset, users)
        found += _beyond_throughput(dataset, outcomes)
    if calibrated:  # else nothing was seen to compare with
        found += _new_failures(outcomes, calibrated)
        found += _new_saturation(outcomes, calibrated)
    return [*found, *(_untaught(each) for each in influences_found if each.prior_speaks)]


def _untaught(influence: Influence) -> Doubt:
    width = f"posterior {100 * influence.width_ratio:.0f} % as wide as the prior"
    return Doubt(
        what=f"{influence.parameter}, of which the load tests say little ({width}), decides most",
        figure=influence.metric,
        sentence=(
            f"{influence.metric} depends most on {influence.parameter} (rank correlation "
            f"{influence.correlation:+.2f}), of which the load tests say little ({width}): its "
            "prior speaks."
        ),
    )


def _beyond_users(dataset: Dataset, users: int) -> list[Doubt]:
    calibrated = {n: t.users for n, t in dataset.load_tests.items() if not t.held_out}
    name = max(calibrated, key=lambda key: calibrated[key])
    if users <= calibrated[name]:
        return []
    ratio = users / calibrated[name]
    largest = f"({name}, {calibrated[name]} users)"
    what = f"{users} users are {ratio:.1f} times the largest calibrated load test {largest}"
    return [Doubt(what=what, sentence=f"{what}.")]


def _beyond_throughput(dataset: Dataset, outcomes: Sequence[Outcome]) -> list[Doubt]:
    calibrated = {n: t.rps for n, t in dataset.load_tests.items() if not t.held_out and t.rps}
    rps = interval([outcome.metrics["rps"] for outcome in outcomes]).median
    name = max(calibrated, key=lambda key: calibrated[key], default="")
    if not name or rps <= _MORE * calibrated[name]:
        return []
    most = f"({name}, {calibrated[name]:.0f} requests/s)"
    times = f"{rps / calibrated[name]:.1f} times"
    found = Doubt(
        what=f"More requests/s than a calibrated load test carried at most {most}",
        figure=times,
        sentence=(
            f"{rps:.0f} requests/s are {times} the most that a calibrated load test carried {most}."
        ),
    )
    return [found]


def _new_failures(outcomes: Sequence[Outcome], calibrated: Sequence[Outcome]) -> list[Doubt]:
    seen = {cause for o in calibrated for cause, share in o.failures.items() if share > 0}
    shares = {c: [o.failures.get(c, 0.0) for o in outcomes] for o in outcomes for c in o.failures}
    often = {c: float(np.mean(np.array(v) > _NOTICEABLE)) for c, v in shares.items()}
    return [
        Doubt(
            what=f"Failures by {cause} happened in no calibrated load test, in so many draws",
            figure=f"{100 * share:.0f} %",
            sentence=(
                f"Failures by {cause} (in {100 * share:.0f} % of the draws) happened in no "
                "calibrated load test: the mechanism is modelled, not observed."
            ),
        )
        for cause, share in often.items()
        if cause not in seen and share > 0
    ]


def _new_saturation(outcomes: Sequence[Outcome], calibrated: Sequence[Outcome]) -> list[Doubt]:
    found = []
    for number, usage in enumerate(outcomes[0].usages):
        if not np.isfinite(usage.busiest):  # without a limit
            continue
        now = interval([o.usages[number].busiest for o in outcomes]).median
        before = [u.busiest for o in calibrated for u in o.usages if u.name == usage.name]
        known = [busiest for busiest in before if np.isfinite(busiest)]
        highest = max(known, default=0.0)
        if now >= SATURATED > highest:
            then = f"it was in use {100 * highest:.0f} % at most" if known else "it was no limit"
            full, tests = f"{100 * now:.0f} % in use", f"in the calibrated load tests {then}"
            found.append(
                Doubt(
                    what=f"{usage.name} is saturated; {tests}",
                    figure=full,
                    sentence=f"{usage.name} is saturated ({full}); {tests}.",
                )
            )
    return found
