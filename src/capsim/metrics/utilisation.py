"""How busy each resource and station was, and how long its queue."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    last = trace.horizon_s if until_s is None else until_s
    window = (begin_s, last)
    capacities = [spec.capacity for spec in plan.resources]
    slots = [float(slots) if slots < UNLIMITED else np.inf for slots in capacities]
    shared = {spec.name: plan.group_cores[spec.group] for spec in plan.stations if spec.group >= 0}
    held = _Means(
        used=_means(trace, trace.in_use, window),
        queue=_means(trace, trace.queued, window),
        wasted=_means(trace, trace.wasted_slots, window),
    )
    busy, present = _means(trace, trace.busy, window), _means(trace, trace.present, window)
    worked = _Means(
        used=busy,
        queue=np.maximum(present - busy, 0.0),
        wasted=_means(trace, trace.wasted_cores, window),
    )
    cores = [spec.cores for spec in plan.stations]
    return (
        *_by_name(trace.resource_names, "slots", slots, held, {}),
        # Stations that share cores cannot all be busy at once: their capacity is what they share.
        *_by_name(trace.station_names, "cores", cores, worked, shared),
    )


@dataclass(frozen=True, kw_only=True)
class _Means:
    """Means over the window, of each replica."""

    used: NDArray[np.float64]
    queue: NDArray[np.float64]
    wasted: NDArray[np.float64]


def _means(
    trace: Trace, integral: NDArray[np.float64], window: tuple[float, float]
) -> NDArray[np.float64]:
    first, last = np.searchsorted(trace.sampled_s, window)
    last = min(int(last), len(trace.sampled_s) - 1)
    first = min(int(first), last - 1)
    passed = trace.sampled_s[last] - trace.sampled_s[first]
    mean: NDArray[np.float64] = (integral[last] - integral[first]) / passed
    return mean


def _by_name(
    names: tuple[str, ...],
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
