"""Which resource limits a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from capsim.experiments.trials import Outcome
from capsim.metrics.intervals import Interval, interval
from capsim.metrics.utilisation import Usage

SATURATED = 0.95  # of its capacity in use, on average after the ramp
NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class UsageInterval:
    """One resource over all draws."""

    name: str
    kind: str
    capacity: Interval
    utilisation: Interval
    queue: Interval
    wasted: Interval  # share of its use that went to clients that had gone


def limiting_resource(usages: Sequence[Usage]) -> str:
    """Return the resource that limits: a saturated CPU, else the innermost saturated slots.

    Slots are held while their holder waits for what lies further in, so full outer slots are a
    symptom where something further in is full too. Components lower themselves from the outside
    in, which is the order of `usages`.
    """
    full = [u for u in usages if u.busiest >= SATURATED]
    cores = [u for u in full if u.kind == "cores"]
    if cores:
        return max(cores, key=lambda usage: usage.queue).name
    return full[-1].name if full else NOTHING


def usage_intervals(outcomes: Sequence[Outcome]) -> list[UsageInterval]:
    """Return each resource's capacity, utilisation and queue over all outcomes."""
    names = [(u.name, u.kind) for u in outcomes[0].usages]
    columns = zip(*(outcome.usages for outcome in outcomes), strict=True)
    return [
        UsageInterval(
            name=name,
            kind=kind,
            capacity=interval([u.capacity for u in column]),
            utilisation=interval([u.utilisation for u in column]),
            queue=interval([u.queue for u in column]),
            wasted=interval([u.wasted for u in column]),
        )
        for (name, kind), column in zip(names, columns, strict=True)
    ]


def limiting_shares(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return in which share of the outcomes each resource limits, the most frequent first."""
    limits = [limiting_resource(outcome.usages) for outcome in outcomes]
    counts = {name: limits.count(name) / len(limits) for name in dict.fromkeys(limits)}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
