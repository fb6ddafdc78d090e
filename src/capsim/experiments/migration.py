"""Bottleneck migration: what limits, and what would limit next if that were gone."""

import math
from collections.abc import Sequence

from capsim.errors import InputError
from capsim.experiments.bottleneck import NOTHING, limiting_resource, shares
from capsim.experiments.demands import demands
from capsim.experiments.trials import Outcome
from capsim.metrics.utilisation import Usage
from capsim.model.model import Model


def next_limits(
    models: Sequence[Model], scenario: str, outcomes: Sequence[Outcome]
) -> dict[str, float]:
    """Return in which share of the draws each resource is the next limit, most frequent first.

    Args:
        models: one per draw.
        scenario: that was simulated.
        outcomes: of the same draws.
    """
    pairs = zip(models, outcomes, strict=True)
    return shares([next_limit(model, scenario, outcome) for model, outcome in pairs])


def next_limit(model: Model, scenario: str, outcome: Outcome) -> str:
    """Return the resource that would limit if the one that limits now were plentiful.

    It is the one with the lowest capacity by its demand (the bottleneck analysis of Denning and
    Buzen, 1978, with the present bottleneck left out): a queue in front of the present one says
    nothing of it. Demands are those of requests that do not fail. Where they are not known, because
    there are only open arrivals, it is the busiest of the others.
    """
    limit = limiting_resource(outcome.usages)
    try:
        capacities = demands(model, scenario).capacities
    except InputError:
        return _busiest(outcome.usages, limit)
    others = {name: rps for name, rps in capacities.items() if name != limit and rps < math.inf}
    return min(others, key=others.__getitem__, default=NOTHING)


def _busiest(usages: Sequence[Usage], limit: str) -> str:
    """Return the busiest resource, slots that are full because of the limit left out."""
    names = [usage.name for usage in usages]
    inside = names.index(limit) if limit in names else 0
    others = [
        usage
        for place, usage in enumerate(usages)
        if usage.name != limit
        and not math.isnan(usage.utilisation)
        and (usage.kind == "cores" or place > inside)
    ]
    return max(others, key=lambda usage: usage.busiest).name if others else NOTHING
