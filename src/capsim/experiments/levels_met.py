"""At given levels of load: in which share of the draws are the targets met?"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from capsim.executors import OnDone
from capsim.experiments.beliefs import Belief
from capsim.experiments.bottleneck import limiting_shares
from capsim.experiments.loads import Load
from capsim.experiments.order_statistics import share_bounds
from capsim.experiments.running import run_groups
from capsim.experiments.targets import Targets
from capsim.experiments.trials import Outcome, metric_intervals
from capsim.journal import Journal
from capsim.metrics.intervals import Interval


@dataclass(frozen=True, kw_only=True)
class Level:
    """All draws at one level of load, each simulated for the whole load test."""

    level: float  # users, or requests per second
    targets: Targets
    outcomes: tuple[Outcome, ...]  # one per draw, the model's error included

    @property
    def met(self) -> tuple[bool, ...]:
        """Whether each draw meets the targets."""
        return tuple(self.targets.are_met(outcome.metrics) for outcome in self.outcomes)

    @property
    def share_met(self) -> Interval:
        """Share of the draws that meets the targets, with its sampling error."""
        return share_bounds(sum(self.met), len(self.met))

    @property
    def metrics(self) -> dict[str, Interval]:
        """Median and 90 % interval of every metric."""
        return metric_intervals(self.outcomes)

    @property
    def limits(self) -> dict[str, float]:
        """In which share of the draws each resource limits."""
        return limiting_shares(self.outcomes)

    @property
    def thin(self) -> tuple[str, ...]:
        """Metrics with a target that rest on too few requests in some draw."""
        found = {name for outcome in self.outcomes for name in outcome.thin}
        return tuple(name for name in self.targets.metrics if name in found)


def met_at(  # noqa: PLR0913 (one experiment's settings)
    belief: Belief,
    scenario: str,
    targets: Targets,
    levels: Sequence[float],
    *,
    draws: int,
    seed: int = 1,
    is_rate: bool = False,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> tuple[Level, ...]:
    """Simulate every draw at some levels of load, and judge it by the targets.

    Args:
        belief: the model and its posterior.
        scenario: whose workload.
        targets: to meet.
        levels: numbers of users, or arrival rates.
        draws: parameter draws per level.
        seed: names the luck, which is the same at every level.
        is_rate: whether levels are arrivals per second.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
        journal: keeps outcomes; see `run_trials`.

    Raises:
        InputError: a level that cannot be simulated.
        RunError: the clock stands still in the model.
    """
    if not levels:
        return ()
    load = Load(scenario=scenario, is_rate=is_rate)
    models = list(enumerate(belief.models(draws)))
    groups = [
        [load.trial(model, level, seed=seed, replication=number) for number, model in models]
        for level in levels
    ]
    found = run_groups(
        groups,
        [load.users(level) for level in levels],
        seed=seed,
        executor=executor,
        on_done=on_done,
        journal=journal,
    )
    return tuple(
        Level(level=level, targets=targets, outcomes=outcomes)
        for level, outcomes in zip(levels, found, strict=True)
    )
