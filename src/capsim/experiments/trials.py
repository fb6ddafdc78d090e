"""One simulated load test of one draw, reduced to the figures that experiments compare."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from capsim.metrics.intervals import Interval, interval
from capsim.metrics.look import SETTLE_S, ramp_s, steady_look
from capsim.metrics.run import Run, simulate
from capsim.metrics.service import in_time_ratio
from capsim.metrics.summary import Summary
from capsim.metrics.tasks import TaskSummary
from capsim.metrics.utilisation import Usage
from capsim.model.model import Model

_RESPONSE_METRICS = ("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "max_s")
_RATES = frozenset({"goodput_rps", "in_time_rps"})


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What to simulate."""

    model: Model
    scenario: str
    users: int | None = None  # none: the scenario's own
    steady_s: float | None = None  # only this much after the ramp; none: the scenario's duration
    is_whole: bool = False  # simulate all of it, even where a part would stand for it
    within_s: float | None = None  # count the answers that come this soon, too; none: do not
    seed: int = 1
    replication: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out."""

    metrics: Mapping[str, float]
    failures: Mapping[str, float]
    usages: tuple[Usage, ...]
    thin: tuple[str, ...]
    tasks: tuple[TaskSummary, ...] = ()

    def with_discrepancy(self, factor: float, users: int) -> "Outcome":
        """Return the outcome of a system whose response times are `factor` times as long.

        Throughput follows by the interactive response time law, N = X (R + Z) with the same Z
        (Denning & Buzen 1978); with no closed users it stays.
        """
        metrics = dict(self.metrics)
        for name in _RESPONSE_METRICS:
            metrics[name] *= factor
        if users and metrics["rps"] > 0 and math.isfinite(metrics["mean_s"]):
            longer_s = metrics["mean_s"] - self.metrics["mean_s"]
            cycle_s = users / metrics["rps"]
            # Much of a long response time may lie in requests still in flight; a cycle never
            # gets shorter than the response alone.
            metrics["rps"] = users / max(cycle_s + longer_s, cycle_s * min(1.0, factor))
            for name in _RATES.intersection(metrics):
                metrics[name] *= metrics["rps"] / self.metrics["rps"]
        return replace(self, metrics=metrics)


def metric_intervals(outcomes: Sequence[Outcome]) -> dict[str, Interval]:
    """Return the median and 90 % interval of every metric over outcomes."""
    return {name: interval([o.metrics[name] for o in outcomes]) for name in outcomes[0].metrics}


def run_trial(trial: Trial) -> Outcome:
    """Simulate a trial, or as much of it as stands for the whole or was asked for.

    Resources are watched from the end of the ramp on. A look that stands for the whole leaves the
    ramp out of the other figures too.
    """
    spec = trial.model.scenario(trial.scenario)
    users, seed, number = trial.users, trial.seed, trial.replication
    begin_s = ramp_s(spec, users)
    if trial.steady_s is not None and begin_s + trial.steady_s < spec.duration_s:
        spec = spec.model_copy(update={"duration_s": begin_s + trial.steady_s})
        run = simulate(trial.model, scenario=spec, users=users, seed=seed, replication=number)
        # So short a run may end before its slowest requests do: their ages speak for them.
        summary = run.summary(begin_s=begin_s, ages_count=True)
        return _outcome(trial, run, summary, _Begin(usage_s=begin_s, in_time_s=begin_s))
    look = None
    if not trial.is_whole:
        look = steady_look(trial.model, spec, users=users, seed=seed, replication=number)
    if look is not None:
        begin = _Begin(usage_s=look.begin_s, in_time_s=look.begin_s)
        return _outcome(trial, look.run, look.summary(), begin)
    run = simulate(trial.model, scenario=spec, users=users, seed=seed, replication=number)
    half_s = spec.duration_s / 2
    # In time is counted from where a look would begin: a change that makes the difference between
    # a look and a whole test must not look like a gain.
    begin = _Begin(usage_s=min(begin_s, half_s), in_time_s=min(begin_s + SETTLE_S, half_s))
    return _outcome(trial, run, run.summary(), begin)


@dataclass(frozen=True, kw_only=True)
class _Begin:
    """From when on a run is looked at."""

    usage_s: float
    in_time_s: float


def _outcome(trial: Trial, run: Run, summary: Summary, begin: _Begin) -> Outcome:
    metrics = summary.metrics()
    if trial.within_s is not None:
        share = in_time_ratio(run.trace, trial.within_s, begin_s=begin.in_time_s)
        metrics["in_time_ratio"] = share
        metrics["in_time_rps"] = 0.0 if math.isnan(share) else share * summary.rps
    return Outcome(
        metrics=metrics,
        failures=summary.failures,
        usages=run.usages(begin_s=begin.usage_s),
        thin=summary.thin,
        tasks=run.tasks(begin_s=begin.usage_s),
    )
