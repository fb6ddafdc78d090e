"""Remedies compared: each over the same draws and the same luck, ranked by what they gain."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from capsim.executors import OnDone, part
from capsim.experiments.alternatives import Alternative, alternatives
from capsim.experiments.assumed import Assumed, assumed
from capsim.experiments.beliefs import Belief
from capsim.experiments.discrepancy import response_factors
from capsim.experiments.extrapolation import Doubt, calibration_trials, doubts, influences
from capsim.experiments.found_whatif import GAIN, WhatIf, WhatIfRow
from capsim.experiments.migration import next_limits
from capsim.experiments.paired import Paired
from capsim.experiments.regret import Regret, regrets
from capsim.experiments.resources import resources
from capsim.experiments.running import run_groups, run_trials
from capsim.experiments.trials import Outcome, Trial
from capsim.journal import Journal
from capsim.loadtest.observations import Dataset

DRAWS = 20
_OWN_PRIORS = "Numbers that stand in a remedy's file with a prior, and that no load test speaks of"


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
    compared = _Compared(
        systems=systems,
        groups=groups,
        found=found,
        users=peak,
        dataset=dataset,
        calibrated=calibrated,
    )
    return WhatIf(
        model=central.name,
        scenario=name,
        users=peak,
        target_s=target_s,
        calibrated=belief.is_calibrated,
        rows=compared.rows(),
        misfits=tuple(misfits),
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


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """What was simulated of the systems, today's first."""

    systems: Sequence[Alternative]
    groups: Sequence[Sequence[Trial]]
    found: Sequence[tuple[Outcome, ...]]
    users: int
    dataset: Dataset | None
    calibrated: Sequence[Outcome]  # of the load tests that were calibrated on

    def rows(self) -> tuple[WhatIfRow, ...]:
        """Return a row per system beside today's, ranked."""
        pairs = [Paired(outcomes=outcomes, today=self.found[0]) for outcomes in self.found]
        names = [system.name for system in self.systems]
        lost = regrets({n: pair.values(GAIN) for n, pair in zip(names, pairs, strict=True)})
        rows = [
            self._row(system, trials, outcomes, lost)
            for system, trials, outcomes in zip(self.systems, self.groups, self.found, strict=True)
        ]
        return tuple(sorted(rows, key=lambda row: row.by_expected))

    def _row(
        self,
        system: Alternative,
        trials: Sequence[Trial],
        outcomes: tuple[Outcome, ...],
        lost: Mapping[str, Regret],
    ) -> WhatIfRow:
        models = [trial.model for trial in trials]
        draws = system.belief.draws(len(trials))
        today = self.systems[0].belief.template
        taken = assumed(system.belief.template, today, draws)
        return WhatIfRow(
            outcomes=outcomes,
            today=self.found[0],
            name=system.name,
            title=system.title,
            notes=system.notes,
            assumed=taken,
            regret=lost[system.name],
            costs=tuple(resources(model, self.users) for model in models),
            next_limits=next_limits(models, trials[0].scenario, outcomes),
            doubts=(*self._doubts(system.belief, draws, outcomes), *_untold(system.belief, taken)),
        )

    def _doubts(
        self, belief: Belief, draws: Sequence[Mapping[str, float]], outcomes: Sequence[Outcome]
    ) -> list[Doubt]:
        decided = influences(belief, draws, outcomes)
        return doubts(belief, self.dataset, self.users, outcomes, self.calibrated, decided)


def _untold(belief: Belief, taken: Sequence[Assumed]) -> list[Doubt]:
    """Return the doubt about the numbers that a remedy brings in; without calibration all are."""
    new = ", ".join(each.parameter for each in taken if each.is_new)
    if not new or not belief.is_calibrated:
        return []
    return [Doubt(what=_OWN_PRIORS, figure=new, sentence=f"{_OWN_PRIORS}: {new}.")]
