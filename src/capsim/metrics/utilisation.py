"""How busy each resource and station was, and how long its queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from capsim.engine.trace import Trace
from capsim.plan.plan import UNLIMITED, Plan


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The mean over a window of one resource or station, all of its replicas together."""

    name: str
    kind: str  # `slots` or `cores`
    capacity: float  # slots or cores; infinite where there is no limit
    used: float  # slots or cores in use
    utilisation: float  # share of the capacity in use; NaN where there is no limit
    busiest: float  # the same of the busiest replica
    queue: float  # mean number waiting (slots), or present beyond the cores (cores)
    wasted: float  # share of what was used that went to clients that had gone; NaN: nothing used


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What a trace has of all resources and stations: integrals since the start, at some times."""

    sampled_s: NDArray[np.float64]
    in_use: NDArray[np.float64]
    queued: NDArray[np.float64]
    wasted_slots: NDArray[np.float64]
    busy: NDArray[np.float64]
    present: NDArray[np.float64]
    wasted_cores: NDArray[np.float64]

    @classmethod
    def of(cls, trace: Trace) -> "Samples":
        """Return those of a trace, or of a part of it."""
        return cls(**{each.name: getattr(trace, each.name) for each in fields(cls)})

    def ends(self, begin_s: float) -> "Samples":
        """Return as few of them as say the same of a window from then to the last one."""
        first, last = int(np.searchsorted(self.sampled_s, begin_s)), len(self.sampled_s) - 1
        kept = sorted({min(first, last), max(0, last - 1), last})
        return Samples(**{name: column[kept] for name, column in vars(self).items()})

    def __add__(self, other: "Samples") -> "Samples":
        """Return those of two parts of a trace, one after the other."""
        behind = vars(other)
        both = {name: np.concatenate([mine, behind[name]]) for name, mine in vars(self).items()}
        return Samples(**both)


def usages(
    plan: Plan, trace: Trace, *, begin_s: float = 0.0, until_s: float | None = None
) -> tuple[Usage, ...]:
    """Return the usage of every resource and station over a window.

    Args:
        plan: that the trace comes from.
        trace: of a run of it.
        begin_s: start of the window, rounded to the trace's samples.
        until_s: end of the window; none: the horizon.
    """
    return usages_of(plan, Samples.of(trace), begin_s=begin_s, until_s=until_s)


def usages_of(
    plan: Plan, samples: Samples, *, begin_s: float = 0.0, until_s: float | None = None
) -> tuple[Usage, ...]:
    """Return the usage of every resource and station over a window; see `usages`."""
    last = plan.horizon_s if until_s is None else until_s
    window = (begin_s, last)
    capacities = [spec.capacity for spec in plan.resources]
    slots = [float(slots) if slots < UNLIMITED else np.inf for slots in capacities]
    shared = {spec.name: plan.group_cores[spec.group] for spec in plan.stations if spec.group >= 0}
    held = _Means(
        used=_means(samples, samples.in_use, window),
        queue=_means(samples, samples.queued, window),
        wasted=_means(samples, samples.wasted_slots, window),
    )
    busy, present = _means(samples, samples.busy, window), _means(samples, samples.present, window)
    worked = _Means(
        used=busy,
        queue=np.maximum(present - busy, 0.0),
        wasted=_means(samples, samples.wasted_cores, window),
    )
    cores = [spec.cores for spec in plan.stations]
    return (
        *_by_name([spec.name for spec in plan.resources], "slots", slots, held, {}),
        # Stations that share cores cannot all be busy at once: their capacity is what they share.
        *_by_name([spec.name for spec in plan.stations], "cores", cores, worked, shared),
    )


@dataclass(frozen=True, kw_only=True)
class _Means:
    """Means over the window, of each replica."""

    used: NDArray[np.float64]
    queue: NDArray[np.float64]
    wasted: NDArray[np.float64]


def _means(
    samples: Samples, integral: NDArray[np.float64], window: tuple[float, float]
) -> NDArray[np.float64]:
    first, last = np.searchsorted(samples.sampled_s, window)
    last = min(int(last), len(samples.sampled_s) - 1)
    first = min(int(first), last - 1)
    passed = samples.sampled_s[last] - samples.sampled_s[first]
    mean: NDArray[np.float64] = (integral[last] - integral[first]) / passed
    return mean


def _by_name(
    names: Sequence[str],
    kind: str,
    capacity: list[float],
    means: _Means,
    shared: Mapping[str, float],
) -> list[Usage]:
    found = []
    for name in dict.fromkeys(names):
        members = [i for i, other in enumerate(names) if other == name]
        total = min(sum(capacity[i] for i in members), shared.get(name, np.inf))
        limited = np.isfinite(total)
        busy = means.used[members].sum()
        shares = [means.used[i] / capacity[i] if limited else np.nan for i in members]
        utilisation = float(busy / total) if limited else float("nan")
        found.append(
            Usage(
                name=name,
                kind=kind,
                capacity=total,
                used=float(busy),
                utilisation=utilisation,
                busiest=float(max(*shares, utilisation)),
                queue=float(means.queue[members].sum()),
                wasted=float(means.wasted[members].sum() / busy) if busy > 0 else float("nan"),
            )
        )
    return found
