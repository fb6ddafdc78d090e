"""Remedies compared: each over the same draws and the same luck, ranked by what they gain."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from capsim.executors import OnDone, part
from capsim.experiments.alternatives import Alternative, Misfit, alternatives
from capsim.experiments.beliefs import Belief
from capsim.experiments.discrepancy import response_factors
from capsim.experiments.extrapolation import calibration_trials, extrapolations, influences
from capsim.experiments.migration import next_limits
from capsim.experiments.paired import Paired
from capsim.experiments.regret import Regret, regrets
from capsim.experiments.resources import Resources, resources
from capsim.experiments.running import run_groups, run_trials
from capsim.experiments.trials import Outcome, Trial
from capsim.journal import Journal
from capsim.loadtest.observations import Dataset
from capsim.metrics.intervals import Interval, interval
from capsim.model.remedy import TODAY

DRAWS = 20
GAIN = "in_time_rps"  # what remedies are ranked by
_DIGITS = 6  # of regrets: what differs beyond them is rounding
_ENOUGH = 0.95  # of the requests in time: the target is one on p95


@dataclass(frozen=True, kw_only=True)
class WhatIfRow(Paired):
    """A system with a remedy, beside today's."""

    name: str
    title: str
    notes: tuple[str, ...]
    regret: Regret
    costs: tuple[Resources, ...]  # one per draw
    next_limits: dict[str, float]

    @property
    def meets_target(self) -> float:
        """Share of the draws in which 95 % of the requests are answered in time.

        One that is shed, refused or given up is not: that is what sets this apart from a p95 of
        all answers, which fast failures make better.
        """
        return float(np.mean(self.values("in_time_ratio") >= _ENOUGH))

    @property
    def cost(self) -> dict[str, Interval]:
        """Instances, processes, connections and replicas."""
        names = vars(self.costs[0])
        return {name: interval([vars(cost)[name] for cost in self.costs]) for name in names}


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Remedies compared at one load."""

    model: str
    scenario: str
    users: int  # closed ones
    target_s: float
    calibrated: bool
    rows: tuple[WhatIfRow, ...]  # the least expected regret first, today among them
    misfits: tuple[Misfit, ...]
    doubts: tuple[str, ...]  # what the load tests cannot vouch for, of the first row

    @property
    def today(self) -> WhatIfRow:
        """The system as it is."""
        return self.row(TODAY)

    def row(self, name: str) -> WhatIfRow:
        """Return the row of a remedy."""
        return next(row for row in self.rows if row.name == name)

    @property
    def frame(self) -> pd.DataFrame:
        """A tidy table: remedy, metric, median, lo, hi, and the difference from today."""
        return pd.DataFrame(
            [{"what_if": row.name, **figures} for row in self.rows for figures in row.figures()]
        )


def whatif(  # noqa: PLR0913 (the public entry; all but one have defaults)
    belief: Belief,
    names: Sequence[str] = (),
    *,
    users: int | None = None,
    scenario: str | None = None,
    dataset: Dataset | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> WhatIf:
    """Compare remedies with the system as it is, draw by draw under the same luck.

    Args:
        belief: today's model and its posterior.
        names: of remedies, several joined by `+` to be applied together; none: every shipped one.
        users: closed users; none: the scenario's own.
        scenario: whose workload; none: the model's default.
        dataset: load tests, to tell extrapolation from interpolation.
        draws: parameter draws per system.
        seed: names the luck, which is the same for every system.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) simulations.
        journal: keeps what is done.

    Raises:
        InputError: a remedy is unknown or broken, none fits, or fewer than one user.
        RunError: the clock stands still in the model.
    """
    central = belief.central()
    name = scenario or central.default_scenario
    systems, misfits = alternatives(belief, names, name)
    target_s, peak = central.targets.p95_s, users or central.scenario(name).peak_users
    groups = _groups(systems, name, users, target_s=target_s, draws=draws, seed=seed)
    before = calibration_trials(belief, dataset, seed)
    total = len(groups) * draws + len(before)
    calibrated = run_trials(before, executor, part(on_done, 0, total), journal)
    found = run_groups(
        groups,
        [peak] * len(groups),
        seed=seed,
        executor=executor,
        on_done=part(on_done, len(before), total),
        journal=journal,
    )
    rows = _ranked(systems, groups, found, peak)
    best = next(system.belief for system in systems if system.name == rows[0].name)
    influence = influences(best, best.draws(draws), rows[0].outcomes)
    return WhatIf(
        model=central.name,
        scenario=name,
        users=peak,
        target_s=target_s,
        calibrated=belief.is_calibrated,
        rows=rows,
        misfits=tuple(misfits),
        doubts=tuple(extrapolations(best, dataset, peak, rows[0].outcomes, calibrated, influence)),
    )


def _groups(
    systems: Sequence[Alternative],
    scenario: str,
    users: int | None,
    *,
    target_s: float,
    draws: int,
    seed: int,
) -> list[list[Trial]]:
    """Return the trials of each system, one per draw."""
    # What counts as in time is compared before the model error, which comes on top, is known.
    within = (target_s / response_factors(draws, seed)).tolist()
    return [
        [
            Trial(
                model=model,
                scenario=scenario,
                users=users,
                within_s=within[number],
                seed=seed,
                replication=number,
            )
            for number, model in enumerate(system.belief.models(draws))
        ]
        for system in systems
    ]


def _ranked(
    systems: Sequence[Alternative],
    groups: Sequence[Sequence[Trial]],
    found: Sequence[tuple[Outcome, ...]],
    users: int,
) -> tuple[WhatIfRow, ...]:
    """Return a row per system, beside the first of them, which is today's."""
    pairs = [Paired(outcomes=outcomes, today=found[0]) for outcomes in found]
    names = [system.name for system in systems]
    lost = regrets({n: pair.values(GAIN) for n, pair in zip(names, pairs, strict=True)})
    rows = [
        WhatIfRow(
            outcomes=pair.outcomes,
            today=pair.today,
            name=system.name,
            title=system.title,
            notes=system.notes,
            regret=lost[system.name],
            costs=tuple(resources(trial.model, users) for trial in trials),
            next_limits=next_limits(
                [trial.model for trial in trials], trials[0].scenario, pair.outcomes
            ),
        )
        for system, trials, pair in zip(systems, groups, pairs, strict=True)
    ]
    return tuple(sorted(rows, key=_place))


def _place(row: WhatIfRow) -> tuple[float, float, float]:
    """Return what rows are ordered by: of equal gains, the cheaper stands first."""
    regret, cost = row.regret, row.cost
    spent = cost["processes"].median + cost["connections"].median + cost["replicas"].median
    return round(regret.expected, _DIGITS), round(regret.worst, _DIGITS), spent
