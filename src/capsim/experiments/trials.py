"""One simulated load test of one draw, reduced to the figures that experiments compare."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from capsim.executors import OnDone, run_all
from capsim.metrics.run import Run, simulate
from capsim.metrics.summary import Summary
from capsim.metrics.utilisation import Usage
from capsim.model.model import Model
from capsim.model.workload import Scenario

_LOOK_S = 20.0  # of a first look, after the ramp
_ENOUGH = 10_000  # answers in it: the standard error of a p99's rank is then a tenth of a percent
_RESPONSE_METRICS = ("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "max_s")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What to simulate."""

    model: Model
    scenario: str
    users: int | None = None  # none: the scenario's own
    duration_s: float | None = None  # none: the scenario's own
    seed: int = 1
    replication: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out."""

    metrics: Mapping[str, float]
    failures: Mapping[str, float]
    usages: tuple[Usage, ...]
    thin: tuple[str, ...]

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
        return replace(self, metrics=metrics)


def run_trial(trial: Trial) -> Outcome:
    """Simulate a trial; resources are watched from the end of the ramp on.

    A first look ends `_LOOK_S` after the ramp. Where it already holds enough of quick answers it
    stands for the whole test, without its ramp: a closed system without drift that answers within
    a fraction of the look is in its steady state, and the rest of the test would repeat it.
    """
    scenario = trial.model.scenario(trial.scenario)
    begin_s = ramp_s(scenario, trial.users)
    wanted_s = trial.duration_s or scenario.duration_s
    look_s = begin_s + _LOOK_S
    may_stop = scenario.peak_users > 0 and not (
        scenario.stages or scenario.arrivals or scenario.drift
    )
    if may_stop and look_s < wanted_s:
        run = _simulated(trial, scenario, look_s)
        summary = run.summary(begin_s=begin_s)
        if summary.requests >= _ENOUGH and run.summary().max_s < _LOOK_S / 2:
            return _outcome(run, summary, begin_s)
    run = _simulated(trial, scenario, wanted_s)
    return _outcome(run, run.summary(), min(begin_s, wanted_s / 2))


def _simulated(trial: Trial, scenario: Scenario, duration_s: float) -> Run:
    shortened = scenario.model_copy(update={"duration_s": duration_s})
    scenarios = {**trial.model.scenarios, trial.scenario: shortened}
    return simulate(
        trial.model.model_copy(update={"scenarios": scenarios}),
        scenario=trial.scenario,
        users=trial.users,
        seed=trial.seed,
        replication=trial.replication,
    )


def _outcome(run: Run, summary: Summary, begin_s: float) -> Outcome:
    return Outcome(
        metrics=summary.metrics(),
        failures=summary.failures,
        usages=run.usages(begin_s=begin_s),
        thin=summary.thin,
    )


def run_trials(
    trials: Sequence[Trial], executor: Executor | None, on_done: OnDone | None
) -> list[Outcome]:
    """Simulate many trials, in the order given."""
    return run_all(run_trial, trials, executor=executor, on_done=on_done)


def ramp_s(scenario: Scenario, users: int | None) -> float:
    """Return when the last user of a scenario has started."""
    if scenario.stages:
        return scenario.stages[0].duration_s
    if scenario.spawn_rate is None:
        return 0.0
    return (scenario.users if users is None else users) / scenario.spawn_rate
