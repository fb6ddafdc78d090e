"""Vary one parameter, everything else and all luck held equal, and compare with today."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from capsim.errors import InputError
from capsim.executors import OnDone
from capsim.experiments.beliefs import Belief
from capsim.experiments.bottleneck import limiting_shares
from capsim.experiments.running import run_groups
from capsim.experiments.trials import Outcome, Trial
from capsim.metrics.intervals import Interval, interval
from capsim.model.aliases import resolve
from capsim.model.model import Model
from capsim.model.template import Template

DRAWS = 24
POOL_SIZES = (20, 50, 75, 100, 150, 200, 300, 500, 750, 1000)

Value = float | int | str


@dataclass(frozen=True, kw_only=True)
class SweepRow:
    """The system with the parameter at one value."""

    value: Value
    outcomes: tuple[Outcome, ...]  # one per draw
    today: tuple[Outcome, ...]  # the same draws with today's value and the same luck
    target_s: float

    @property
    def metrics(self) -> dict[str, Interval]:
        """Median and 90 % interval of every metric."""
        names = self.outcomes[0].metrics
        return {name: interval([o.metrics[name] for o in self.outcomes]) for name in names}

    @property
    def differences(self) -> dict[str, Interval]:
        """Difference from today, draw by draw under the same luck."""
        pairs = list(zip(self.outcomes, self.today, strict=True))
        names = self.outcomes[0].metrics
        return {n: interval([a.metrics[n] - b.metrics[n] for a, b in pairs]) for n in names}

    @property
    def meets_target(self) -> float:
        """Share of the draws in which p95 meets the target."""
        return float(np.mean([o.metrics["p95_s"] <= self.target_s for o in self.outcomes]))

    @property
    def limits(self) -> dict[str, float]:
        """In which share of the draws each resource limits."""
        return limiting_shares(self.outcomes)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One parameter over its values, at a fixed load."""

    model: str
    scenario: str
    users: int | None
    parameter: str  # as asked for
    path: str  # in the model file
    today: Value
    target_s: float
    calibrated: bool
    rows: tuple[SweepRow, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """A tidy table: value, metric, median, lo, hi, and the difference from today."""
        return pd.DataFrame(
            [
                {
                    "value": row.value,
                    "metric": metric,
                    "median": found.median,
                    "lo": found.lo,
                    "hi": found.hi,
                    "difference": row.differences[metric].median,
                    "difference_lo": row.differences[metric].lo,
                    "difference_hi": row.differences[metric].hi,
                }
                for row in self.rows
                for metric, found in row.metrics.items()
            ]
        )


def sweep(  # noqa: PLR0913 (the public entry; all but two have defaults)
    belief: Belief,
    parameter: str,
    values: Sequence[Value] = POOL_SIZES,
    *,
    users: int | None = None,
    scenario: str | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
) -> Sweep:
    """Simulate a load test with a parameter at several values.

    Args:
        belief: the model and its posterior.
        parameter: a key path of the model file (`server.threads`), or `pool-size`, `workers`,
            `threads`.
        values: to try; today's value is always simulated too, as the one to compare with.
        users: closed users; none: the scenario's own.
        scenario: whose workload; none: the model's default.
        draws: parameter draws per value.
        seed: names the luck, which is the same for every value.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.

    Raises:
        InputError: unknown parameter, a value that breaks a rule, no value at all.
        RunError: the clock stands still in the model.
    """
    if not values:
        raise InputError(f"{parameter}: no values to try; give at least one")
    central = belief.central()
    path = resolve(parameter, central)
    name = scenario or central.default_scenario
    # Before anything is looked up: an unknown path is named with its likely spelling.
    models = {value: belief.models(draws, {path: value}) for value in values}
    today = _value_today(belief.template, central, path)
    models[today] = belief.models(draws)
    groups = [
        [
            Trial(model=model, scenario=name, users=users, seed=seed, replication=number)
            for number, model in enumerate(tried)
        ]
        for tried in models.values()
    ]
    peak = users or central.scenario(name).peak_users
    found = run_groups(groups, [peak] * len(groups), seed=seed, executor=executor, on_done=on_done)
    outcomes = dict(zip(models, found, strict=True))
    target_s = central.targets.p95_s
    return Sweep(
        model=central.name,
        scenario=name,
        users=users or peak or None,
        parameter=parameter,
        path=path,
        today=today,
        target_s=target_s,
        calibrated=belief.is_calibrated,
        rows=tuple(
            SweepRow(value=v, outcomes=outcomes[v], today=outcomes[today], target_s=target_s)
            for v in values
        ),
    )


def _value_today(template: Template, model: Model, path: str) -> Value:
    """Return the value at a key path as the model file has it: a number, a word, or `$name`."""
    written: object = template.tree
    effective: object = model.model_dump(mode="json")
    for key in path.split("."):
        written = written.get(key) if isinstance(written, Mapping) else None
        effective = effective.get(key) if isinstance(effective, Mapping) else None
    value = effective if written is None else written
    if not isinstance(value, int | float | str):
        raise InputError(f"{path}: is no single value of {model.name}; name a key inside it")
    return value
