"""Exact mean values of several closed systems over the number of users."""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from capsim.experiments.closed_systems import ClosedSystem
from capsim.experiments.demands import Demand
from capsim.theory.mva_lattice import Networks, solve_lattice

FloatArray = npt.NDArray[np.float64]

_MOST_POPULATIONS = 6_000  # that exact MVA goes over: a few seconds
_MOST_NUMBERS = 10_000_000  # that it keeps: some 200 MB


def mean_values(
    systems: Sequence[ClosedSystem], splits: Sequence[tuple[tuple[int, ...], ...]]
) -> tuple[FloatArray, FloatArray]:
    """Return throughput and mean response time by exact MVA, NaN beyond what can be computed.

    Systems whose users split alike are solved together.
    """
    rps = np.full((len(systems), len(splits[0])), math.nan)
    mean_s = rps.copy()
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = defaultdict(list)
    for number, split in enumerate(splits):
        groups[split].append(number)
    for split, members in groups.items():
        found = _solved([systems[number] for number in members], split)
        rps[members], mean_s[members] = found
    return rps, mean_s


def _solved(
    systems: Sequence[ClosedSystem], populations: Sequence[tuple[int, ...]]
) -> tuple[FloatArray, FloatArray]:
    """Return throughput and mean response time, each of shape (systems, levels)."""
    names = list(dict.fromkeys(s.resource for each in systems for s in each.demands.stations))
    fitting = [each for each in populations if solvable(systems, names, each)]
    rps = np.full((len(systems), len(populations)), math.nan)
    mean_s = rps.copy()
    if not fitting:
        return rps, mean_s
    solved = solve_lattice(networks_of(systems, names, fitting[-1]))
    for column, population in enumerate(fitting):
        throughput, times = solved.throughput[population], solved.times[population].sum(axis=2)
        total = throughput.sum(axis=1)
        rps[:, column] = np.where(total > 0, total, math.nan)
        with np.errstate(invalid="ignore"):  # so few users that none of them asks
            mean_s[:, column] = (throughput * times).sum(axis=1) / total
    return rps, mean_s


def solvable(
    systems: Sequence[ClosedSystem], names: Sequence[str], population: tuple[int, ...]
) -> bool:
    """Whether exact MVA of a population takes seconds at most."""
    lattice = math.prod(number + 1 for number in population)
    size = len(systems) * len(population) * len(names)
    return lattice <= min(_MOST_POPULATIONS, _MOST_NUMBERS / size)


def networks_of(
    systems: Sequence[ClosedSystem], names: Sequence[str], population: tuple[int, ...]
) -> Networks:
    """Return systems as networks of the stations with these names."""
    nothing = Demand(
        resource="", seconds=0.0, servers=math.inf, by_class=(0.0,) * len(systems[0].asking)
    )
    rows = []
    for system in systems:
        by_name = {station.resource: station for station in system.demands.stations}
        rows.append([by_name.get(name, nothing) for name in names])
    return Networks(
        demands=np.array([[s.by_class for s in row] for row in rows]).transpose(0, 2, 1),
        servers=np.array([[s.servers for s in row] for row in rows], dtype=np.float64),
        think_times=np.array([[z for _, z in each.demands.classes] for each in systems]),
        population=population,
    )
