"""Which resource limits a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from capsim.experiments.trials import Outcome
from capsim.metrics.intervals import Interval, interval
from capsim.metrics.utilisation import Usage
from capsim.plan.lowering import cache, celery, connections, front, replicas

SATURATED = 0.95  # of its capacity in use, on average after the ramp
NOTHING = "nothing"

# No request waits for these: tasks and replays do, which nobody waits for.
_BEHIND = frozenset({celery.WORKER, celery.CPU, replicas.REPLAY})
# Lowered after the database, but taken before a connection to it.
_BEFORE_CONNECTION = frozenset({front.ADMITTED, cache.FILLING})


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
    symptom where something further in is full too. What has no limit, such as the gate of an
    instance, is never full. Where nothing is full, slots limit that more wait for than there are:
    some are away, with their worker. What only background work waits for limits no request, so it
    is named where no request is limited: it is the limit of the whole system then.
    """
    known = [usage for usage in _from_outside_in(usages) if usage.name not in _BEHIND]
    full = [usage for usage in known if usage.busiest >= SATURATED]
    cores = [usage for usage in full if usage.kind == "cores"]
    if cores:
        return max(cores, key=lambda usage: usage.queue).name
    crowded = [usage for usage in known if usage.kind == "slots" and usage.queue > usage.capacity]
    slots = next((usage.name for usage in reversed(full or crowded)), None)
    return slots or limiting_behind(usages) or NOTHING


def limiting_behind(usages: Sequence[Usage]) -> str | None:
    """Return what limits the work that no request waits for, such as Celery's workers, if any."""
    full = [u for u in usages if u.name in _BEHIND and u.busiest >= SATURATED]
    # The CPU of Celery's machines comes after its workers, who hold it.
    return full[-1].name if full else None


def _from_outside_in(usages: Sequence[Usage]) -> list[Usage]:
    """Return resources in the order in which requests take them.

    Components lower themselves in that order, which is the order of `usages`, but for those that
    need to know the others first.
    """
    names = [usage.name for usage in usages]
    way_in = names.index(connections.CONNECTION) if connections.CONNECTION in names else len(names)
    early = [u for u in usages[way_in:] if u.name in _BEFORE_CONNECTION]
    rest = [u for u in usages[way_in:] if u.name not in _BEFORE_CONNECTION]
    return [*usages[:way_in], *sorted(early, key=lambda u: u.name != front.ADMITTED), *rest]


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
    return shares([limiting_resource(outcome.usages) for outcome in outcomes])


def behind_shares(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return in which share of the outcomes what limits the work that no request waits for."""
    names = [limiting_behind(outcome.usages) for outcome in outcomes]
    return {name: names.count(name) / len(names) for name in dict.fromkeys(names) if name}


def shares(names: Sequence[str]) -> dict[str, float]:
    """Return the share of each name among all, the most frequent first."""
    found = {name: names.count(name) / len(names) for name in dict.fromkeys(names)}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
