"""One simulated load test of one draw, reduced to the figures that experiments compare."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from capsim.executors import OnDone, run_all
from capsim.experiments.discrepancy import response_factors
from capsim.metrics.look import ramp_s, steady_look
from capsim.metrics.run import Run, simulate
from capsim.metrics.summary import Summary
from capsim.metrics.tasks import TaskSummary
from capsim.metrics.utilisation import Usage
from capsim.model.model import Model

_RESPONSE_METRICS = ("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "max_s")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What to simulate."""

    model: Model
    scenario: str
    users: int | None = None  # none: the scenario's own
    steady_s: float | None = None  # only this much after the ramp; none: the scenario's duration
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
            metrics["goodput_rps"] *= metrics["rps"] / self.metrics["rps"]
        return replace(self, metrics=metrics)


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
        return _outcome(run, run.summary(begin_s=begin_s, ages_count=True), begin_s)
    look = steady_look(trial.model, spec, users=users, seed=seed, replication=number)
    if look is not None:
        return _outcome(look.run, look.summary(), look.begin_s)
    run = simulate(trial.model, scenario=spec, users=users, seed=seed, replication=number)
    return _outcome(run, run.summary(), min(begin_s, spec.duration_s / 2))


def _outcome(run: Run, summary: Summary, begin_s: float) -> Outcome:
    return Outcome(
        metrics=summary.metrics(),
        failures=summary.failures,
        usages=run.usages(begin_s=begin_s),
        thin=summary.thin,
        tasks=run.tasks(begin_s=begin_s),
    )


def run_trials(
    trials: Sequence[Trial], executor: Executor | None, on_done: OnDone | None
) -> list[Outcome]:
    """Simulate many trials, in the order given."""
    return run_all(run_trial, trials, executor=executor, on_done=on_done)


def run_groups(
    groups: Sequence[Sequence[Trial]],
    users: Sequence[int],
    *,
    seed: int,
    executor: Executor | None,
    on_done: OnDone | None,
) -> list[tuple[Outcome, ...]]:
    """Simulate groups that have one trial per draw each; draws share their model error.

    Args:
        groups: trials by group, in the order of the draws.
        users: closed users of each group.
        seed: names the luck of the model error.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
    """
    done = iter(run_trials([trial for group in groups for trial in group], executor, on_done))
    factors = response_factors(len(groups[0]), seed).tolist()
    return [
        tuple(next(done).with_discrepancy(factor, count) for factor in factors) for count in users
    ]
