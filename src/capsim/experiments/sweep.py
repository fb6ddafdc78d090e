"""Vary one or two parameters, everything else and all luck held equal, and compare with today."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capsim.executors import OnDone
from capsim.experiments.axes import Axis, Value, combinations
from capsim.experiments.beliefs import Belief
from capsim.experiments.migration import next_limits
from capsim.experiments.paired import Paired
from capsim.experiments.running import run_groups
from capsim.experiments.sweep_plan import Point, SweepPlan, plan_sweep
from capsim.experiments.trials import Outcome
from capsim.journal import Journal
from capsim.model.claims import RangeClaim, claims_on

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 25  # the fewest of which none may meet a target for a claim about it to be settled


@dataclass(frozen=True, kw_only=True)
class SweepRow(Paired):
    """The system with each parameter at one value, and today's at the same draws."""

    point: Point
    target_s: float
    next_limits: Mapping[str, float]  # what limits behind what limits: share of the draws

    @property
    def value(self) -> Value | None:
        """The value of the first parameter; none: not set."""
        return self.point[0]

    @property
    def number_met(self) -> int:
        """Number of draws in which p95 meets the target."""
        return int(np.count_nonzero(self.values("p95_s") <= self.target_s))

    @property
    def meets_target(self) -> float:
        """Share of the draws in which p95 meets the target."""
        return self.number_met / len(self.outcomes)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One parameter over its values, or two in all combinations, at a fixed load."""

    model: str
    scenario: str
    users: int | None  # none: they are swept, or there are only open arrivals
    axes: tuple[Axis, ...]
    target_s: float
    calibrated: bool
    rows: tuple[SweepRow, ...]  # the last parameter's values change first
    now: SweepRow  # every parameter at today's value
    notes: tuple[str, ...] = ()  # on remedies
    report: str = ""  # that says something of the system
    claims: tuple[RangeClaim, ...] = ()  # of that report

    @property
    def parameter(self) -> str:
        """The first parameter, as asked for."""
        return self.axes[0].parameter

    @property
    def path(self) -> str | None:
        """What the first parameter sets in the model file; none: it stands for remedies."""
        return self.axes[0].path

    @property
    def today(self) -> Value | None:
        """The first parameter's value today; none: not set."""
        return self.axes[0].today

    @property
    def targets_s(self) -> tuple[float, ...]:
        """The target of p95, or all of them, ascending, where it is varied."""
        return tuple(sorted({row.target_s for row in self.rows}))

    @property
    def columns(self) -> tuple[str, ...]:
        """What the values are called in tables: `value`, or the names of the parameters."""
        return ("value",) if len(self.axes) == 1 else tuple(a.parameter for a in self.axes)

    @property
    def frame(self) -> "pd.DataFrame":
        """A tidy table: value(s), metric, median, lo, hi, and the difference from today."""
        import pandas as pd

        return pd.DataFrame(
            [
                {**dict(zip(self.columns, row.point, strict=True)), **figures}
                for row in self.rows
                for figures in row.figures()
            ]
        )


def sweep(  # noqa: PLR0913 (the public entry; all but two have defaults)
    belief: Belief,
    parameter: str,
    values: Sequence[Value] | None = None,
    *,
    users: int | None = None,
    scenario: str | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Sweep:
    """Simulate a load test with a parameter at several values; see `sweep_grid`.

    Args:
        belief: the model and its posterior.
        parameter: a key path of the model file (`server.threads`), a short name such as
            `pool-size`, `users` or `query-time`, or `what-if`, whose values are remedies.
        values: to try; none: ten sizes of a pool, or every remedy that fits.
        users: closed users; none: the scenario's own.
        scenario: whose workload; none: the model's default.
        draws: parameter draws per value.
        seed: names the luck, which is the same for every value.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
        journal: keeps what is done.

    Raises:
        InputError: unknown parameter, a value that breaks a rule, no value at all.
        RunError: the clock stands still in the model.
    """
    plan = plan_sweep(
        belief, {parameter: values}, users=users, scenario=scenario, draws=draws, seed=seed
    )
    return run_sweep(plan, executor=executor, on_done=on_done, journal=journal)


def sweep_grid(  # noqa: PLR0913 (the public entry; all but two have defaults)
    belief: Belief,
    parameters: Mapping[str, Sequence[Value] | None],
    *,
    users: int | None = None,
    scenario: str | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Sweep:
    """Simulate a load test with two parameters in all combinations of their values.

    Args:
        belief: the model and its posterior.
        parameters: the values of each, e.g. `{"pool-size": (20, 100), "workers": (2, 4)}`.
            Today's values are always simulated too, as those to compare with.
        users: closed users; none: the scenario's own.
        scenario: whose workload; none: the model's default.
        draws: parameter draws per combination.
        seed: names the luck, which is the same for every combination.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
        journal: keeps what is done.

    Raises:
        InputError: unknown parameter, a value that breaks a rule, no value, too many of them.
        RunError: the clock stands still in the model.
    """
    plan = plan_sweep(belief, parameters, users=users, scenario=scenario, draws=draws, seed=seed)
    return run_sweep(plan, executor=executor, on_done=on_done, journal=journal)


def run_sweep(
    plan: SweepPlan,
    *,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Sweep:
    """Simulate what was planned; see `sweep_grid`.

    Raises:
        RunError: the clock stands still in the model.
    """
    found = run_groups(
        [plan.trials(point) for point in plan.settings],
        [setting.users or plan.own_users for setting in plan.settings.values()],
        seed=plan.seed,
        executor=executor,
        on_done=on_done,
        journal=journal,
    )
    rows = _rows(plan, dict(zip(plan.settings, found, strict=True)))
    central = plan.belief.central()
    is_swept = any(setting.users for setting in plan.settings.values())
    notes = dict.fromkeys(note for setting in plan.settings.values() for note in setting.notes)
    claims = claims_on(plan.belief.template)
    return Sweep(
        model=central.name,
        scenario=plan.scenario,
        users=None if is_swept else plan.own_users or None,
        axes=plan.axes,
        target_s=central.targets.p95_s,
        calibrated=plan.belief.is_calibrated,
        rows=tuple(rows[point] for point in combinations(plan.axes)),
        now=rows[plan.now],
        notes=tuple(notes),
        report=claims.report if claims else "",
        claims=claims.ranges if claims else (),
    )


def _rows(plan: SweepPlan, outcomes: Mapping[Point, tuple[Outcome, ...]]) -> dict[Point, SweepRow]:
    """Return every combination beside today's."""
    return {
        point: SweepRow(
            point=point,
            outcomes=outcomes[point],
            today=outcomes[plan.now],
            target_s=plan.settings[point].belief.central().targets.p95_s,
            next_limits=next_limits(plan.models[point], plan.scenario, outcomes[point]),
        )
        for point in plan.settings
    }
