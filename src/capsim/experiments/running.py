"""Many trials, each simulated once: what a journal knows is not simulated again."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from typing import Any

from capsim.executors import OnDone, run_all
from capsim.experiments.discrepancy import response_factors
from capsim.experiments.kept import about_trial
from capsim.experiments.trials import Outcome, Trial, run_trial
from capsim.journal import Journal
from capsim.metrics.tasks import TaskSummary
from capsim.metrics.utilisation import Usage
from capsim.provenance import fingerprint


def run_trials(
    trials: Sequence[Trial],
    executor: Executor | None,
    on_done: OnDone | None,
    journal: Journal | None = None,
) -> list[Outcome]:
    """Simulate many trials, in the order given.

    Args:
        trials: to simulate.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
        journal: keeps outcomes as they come, and knows those of an earlier, stopped command.
    """
    if journal is None:
        return run_all(run_trial, trials, executor=executor, on_done=on_done)
    names = [_name(trial) for trial in trials]
    new = {n: t for n, t in zip(names, trials, strict=True) if journal.get(n) is None}
    order, known = list(new), len(trials) - len(new)

    def keep(number: int, outcome: Outcome) -> None:
        name = order[number]
        about = about_trial(new[name], outcome)
        journal.put(name, asdict(outcome), kind="simulations", about=about)

    run_all(
        run_trial,
        list(new.values()),
        executor=executor,
        on_result=keep,
        on_done=None if on_done is None else lambda done, _: on_done(known + done, len(trials)),
    )
    return [_outcome(journal.get(name)) for name in names]


def run_groups(
    groups: Sequence[Sequence[Trial]],
    users: Sequence[int],
    *,
    seed: int,
    executor: Executor | None,
    on_done: OnDone | None,
    journal: Journal | None = None,
) -> list[tuple[Outcome, ...]]:
    """Simulate groups that have one trial per draw each; draws share their model error.

    Args:
        groups: trials by group, in the order of the draws.
        users: closed users of each group.
        seed: names the luck of the model error.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
        journal: keeps outcomes; see `run_trials`.
    """
    trials = [trial for group in groups for trial in group]
    done = iter(run_trials(trials, executor, on_done, journal))
    factors = response_factors(len(groups[0]), seed).tolist()
    return [
        tuple(next(done).with_discrepancy(factor, count) for factor in factors) for count in users
    ]


def _name(trial: Trial) -> str:
    """Return what a trial is called in a journal: equal ones alike, others otherwise."""
    return fingerprint({**vars(trial), "model": trial.model.model_dump(mode="json")})


def _outcome(kept: Mapping[str, Any]) -> Outcome:
    return Outcome(
        metrics=kept["metrics"],
        failures=kept["failures"],
        usages=tuple(Usage(**usage) for usage in kept["usages"]),
        thin=tuple(kept["thin"]),
        tasks=tuple(TaskSummary(**task) for task in kept["tasks"]),
    )
