"""One load test simulated again and again with independent luck: means and how well known."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from capsim.errors import InputError
from capsim.executors import OnDone
from capsim.experiments.means import Mean, mean_of
from capsim.experiments.precision import SHARES, Precision, Reached, error_of, until_precise
from capsim.experiments.running import run_trials
from capsim.experiments.trials import Outcome, Trial
from capsim.journal import Journal
from capsim.model.model import Model

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 2  # one run says nothing of what another would
BATCH = 10  # also the least before a stop: fewer know their own spread too badly
MOST = 200  # unless another cap is given


@dataclass(frozen=True, kw_only=True)
class ResourceMeans:
    """Means of what one resource did after the ramp."""

    name: str
    kind: str
    capacity: float
    utilisation: Mean
    queue: Mean


@dataclass(frozen=True, kw_only=True)
class Replications:
    """Independent runs of one load test of one system."""

    scenario: str
    users: int  # 0: there are only arrivals
    outcomes: tuple[Outcome, ...]  # one per run
    precision: Reached | None  # none: a number of runs was asked for

    @property
    def metrics(self) -> dict[str, Mean]:
        """The mean of what a run reports, by metric."""
        return metric_means(self.outcomes)

    @property
    def errors(self) -> dict[str, float]:
        """How far from the truth each mean may be; see `error_of`."""
        return {n: error_of(n, m.mean, m.half_width) for n, m in self.metrics.items()}

    @property
    def failures(self) -> dict[str, Mean]:
        """Share of requests that fail, by cause."""
        causes = dict.fromkeys(cause for o in self.outcomes for cause in o.failures)
        return {c: mean_of([o.failures.get(c, 0.0) for o in self.outcomes], most=1) for c in causes}

    @property
    def resources(self) -> list[ResourceMeans]:
        """Utilisation and queue of every resource after the ramp."""
        columns = zip(*(outcome.usages for outcome in self.outcomes), strict=True)
        return [
            ResourceMeans(
                name=column[0].name,
                kind=column[0].kind,
                capacity=column[0].capacity,
                utilisation=mean_of([usage.utilisation for usage in column], most=1),
                queue=mean_of([usage.queue for usage in column]),
            )
            for column in columns
        ]

    @property
    def thin(self) -> tuple[str, ...]:
        """Percentiles that rest on too few requests in some run."""
        return tuple(sorted({name for o in self.outcomes for name in o.thin}))

    @property
    def frame(self) -> "pd.DataFrame":
        """A row per run: its metrics."""
        import pandas as pd

        return pd.DataFrame([dict(outcome.metrics) for outcome in self.outcomes])


def replicate(  # noqa: PLR0913 (the public entry; all but one have defaults)
    model: Model,
    *,
    scenario: str | None = None,
    users: int | None = None,
    replications: int | None = None,
    precision: float | Precision | None = None,
    seed: int = 1,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Replications:
    """Simulate a load test several times with independent luck; the first run is `simulate`'s own.

    Args:
        model: the system, every parameter a number.
        scenario: which of its load tests; none: the default one.
        users: another number of closed users than the scenario's own.
        replications: runs; with a precision: at most so many; none: 10, or 200 at most.
        precision: add runs until the means are known so well, e.g. 0.05; none: do not.
        seed: names the luck.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of about how many) simulations.
        journal: keeps what is done.

    Raises:
        InputError: unknown scenario, fewer than two runs, a precision out of range.
        RunError: the clock stands still in the model.
    """
    name = scenario or model.default_scenario
    spec = model.scenario(name)
    usual = BATCH if precision is None else MOST
    count = usual if replications is None else replications
    if count < FEWEST:
        raise InputError(f"replications {count}: at least {FEWEST} runs are needed; e.g. {BATCH}")

    def trial(number: int) -> Trial:
        return Trial(
            model=model, scenario=name, users=users, is_whole=True, seed=seed, replication=number
        )

    asked = Precision.of(precision)
    if asked is None:
        done = run_trials([trial(number) for number in range(count)], executor, on_done, journal)
    else:
        done = until_precise(
            trial,
            partial(reached_by, asked=asked, most=count),
            batch=BATCH,
            most=count,
            executor=executor,
            on_done=on_done,
            journal=journal,
        )
    return Replications(
        scenario=name,
        users=users or spec.peak_users,
        outcomes=tuple(done),
        precision=None if asked is None else reached_by(done, asked=asked, most=count),
    )


def metric_means(outcomes: Sequence[Outcome]) -> dict[str, Mean]:
    """Return the mean of every metric over runs."""
    return {
        name: mean_of([o.metrics[name] for o in outcomes], most=1 if name in SHARES else math.inf)
        for name in outcomes[0].metrics
    }


def reached_by(outcomes: Sequence[Outcome], *, asked: Precision, most: int) -> Reached:
    """Return how precisely so many runs know the means that were asked for."""
    means = metric_means(outcomes)
    errors = {n: {"mean": error_of(n, means[n].mean, means[n].half_width)} for n in asked.metrics}
    return Reached(asked=asked, count=len(outcomes), most=most, errors=errors)
