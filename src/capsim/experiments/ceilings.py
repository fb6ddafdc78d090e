"""Bounds at the points of other experiments: what no system with those demands can beat there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capsim.experiments.closed_systems import of_model
from capsim.experiments.demands import Demands, demands
from capsim.experiments.sweep_plan import Point, SweepPlan
from capsim.metrics.intervals import Interval, interval
from capsim.model.model import Model


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """Optimistic bounds at one number of users, over the draws."""

    rps: Interval  # requests per second at most
    mean_s: Interval  # mean response time at least


def of_users(known: Sequence[Demands], users: int) -> Ceiling:
    """Return the bounds of several systems at a number of users."""
    pairs = [each.bounds(users) for each in known]
    return Ceiling(
        rps=interval([float(rps) for rps, _ in pairs]),
        mean_s=interval([float(mean_s) for _, mean_s in pairs]),
    )


def of_sweep(plan: SweepPlan) -> Mapping[Point, Ceiling]:
    """Return the bounds at every combination of a sweep; none where there are no closed users."""
    if not plan.own_users:
        return {}
    return {
        point: of_users(
            [demands(model, plan.scenario) for model in plan.models[point]],
            setting.users or plan.own_users,
        )
        for point, setting in plan.settings.items()
    }


def of_load(models: Sequence[Model], scenario: str, *, is_rate: bool) -> Interval | None:
    """Return where the optimistic bounds say that more load brings nothing; none: they cannot.

    In users it is the knee N*, in arrivals per second the capacity of the bottleneck.
    """
    if any(model.scenario(scenario).peak_users == 0 for model in models):
        return None
    known = [of_model(model, scenario) for model in models]
    return interval([each.demands.capacity_rps if is_rate else each.knee for each in known])
