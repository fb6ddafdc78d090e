"""What a sweep will simulate: every combination of values, checked before the long work begins."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capsim.errors import InputError
from capsim.experiments.axes import (
    Axis,
    Setting,
    Value,
    check_apart,
    combinations,
    make_axis,
    make_setting,
)
from capsim.experiments.beliefs import Belief
from capsim.experiments.trials import Trial
from capsim.model.model import Model

_MOST_PARAMETERS = 2  # a table has rows and columns
_MOST_COMBINATIONS = 2500  # each is simulated at every draw

Point = tuple[Value | None, ...]  # a value per parameter


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """What a sweep will simulate: every combination, and today's system."""

    belief: Belief
    scenario: str
    users: int | None
    seed: int
    axes: tuple[Axis, ...]
    settings: Mapping[Point, Setting]
    models: Mapping[Point, Sequence[Model]]  # of each setting, one per draw

    @property
    def now(self) -> Point:
        """Today's value of every parameter."""
        return tuple(axis.today for axis in self.axes)

    @property
    def own_users(self) -> int:
        """Closed users where they are not swept; 0: there are only open arrivals."""
        return self.users or self.belief.central().scenario(self.scenario).peak_users

    def trials(self, point: Point) -> list[Trial]:
        """Return a trial per draw of a combination."""
        return [
            Trial(
                model=model,
                scenario=self.scenario,
                users=self.settings[point].users or self.users,
                seed=self.seed,
                replication=number,
            )
            for number, model in enumerate(self.models[point])
        ]


def plan_sweep(
    belief: Belief,
    parameters: Mapping[str, Sequence[Value] | None],
    *,
    users: int | None = None,
    scenario: str | None = None,
    draws: int,
    seed: int = 1,
) -> SweepPlan:
    """Return what a sweep will simulate; what is wrong with it is found out here.

    Args:
        belief: the model and its posterior.
        parameters: the values of each.
        users: closed users; none: the scenario's own.
        scenario: whose workload; none: the model's default.
        draws: parameter draws per combination.
        seed: names the luck.

    Raises:
        InputError: unknown parameter, a value that breaks a rule, no value, too many of them.
    """
    name = scenario or belief.central().default_scenario
    axes = _axes(belief, parameters, name, users)
    settings: dict[Point, Setting] = {
        point: make_setting(belief, axes, point, name) for point in combinations(axes)
    }
    settings[tuple(axis.today for axis in axes)] = Setting(belief=belief)
    return SweepPlan(
        belief=belief,
        scenario=name,
        users=users,
        seed=seed,
        axes=axes,
        settings=settings,
        models={point: each.belief.models(draws) for point, each in settings.items()},
    )


def _axes(
    belief: Belief,
    parameters: Mapping[str, Sequence[Value] | None],
    scenario: str,
    users: int | None,
) -> tuple[Axis, ...]:
    if not 1 <= len(parameters) <= _MOST_PARAMETERS:
        raise InputError(f"{len(parameters)} parameters: a sweep has one or two; name as many")
    axes = tuple(
        make_axis(belief, name, values, scenario=scenario, users=users)
        for name, values in parameters.items()
    )
    check_apart(axes)
    count = math.prod(len(axis.tried) for axis in axes)
    if count > _MOST_COMBINATIONS:
        raise InputError(
            f"{count} combinations: more than {_MOST_COMBINATIONS} take too long; give fewer values"
        )
    return axes
