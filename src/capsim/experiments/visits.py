"""What exact mean value analysis says of stations and user classes at one number of users."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capsim.experiments.closed_systems import ClosedSystem
from capsim.experiments.mean_values import networks_of, solvable
from capsim.metrics.intervals import Interval, interval
from capsim.theory.mva_lattice import solve_lattice


@dataclass(frozen=True, kw_only=True)
class StationFigures:
    """One station over the systems."""

    name: str
    utilisation: Interval  # busy fraction of a server; NaN at a delay
    queue: Interval  # mean number there, in service included
    mean_s: Interval  # of a request there, waiting included


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class of users over the systems."""

    name: str
    users: int
    rps: Interval
    mean_s: Interval  # of a request, waiting included


@dataclass(frozen=True, kw_only=True)
class Visits:
    """The steady state at one number of users; empty where it cannot be computed."""

    stations: tuple[StationFigures, ...] = ()
    classes: tuple[ClassFigures, ...] = ()


def visits(systems: Sequence[ClosedSystem], users: int) -> Visits:
    """Return the figures of every station and class at a number of users."""
    splits = {system.splits([users])[0] for system in systems}
    names = list(dict.fromkeys(s.resource for each in systems for s in each.demands.stations))
    population = splits.pop()
    if splits or not any(population) or not solvable(systems, names, population):
        return Visits()
    networks = networks_of(systems, names, population)
    solved = solve_lattice(networks)
    throughput, times = solved.throughput[population], solved.times[population]
    queue = (throughput[:, :, np.newaxis] * times).sum(axis=1)
    busy = (throughput[:, :, np.newaxis] * networks.demands).sum(axis=1) / networks.servers
    busy = np.where(np.isinf(networks.servers), math.nan, busy)
    mean_s = queue / throughput.sum(axis=1)[:, np.newaxis]
    return Visits(
        stations=tuple(
            StationFigures(
                name=name,
                utilisation=interval(busy[:, place]),
                queue=interval(queue[:, place]),
                mean_s=interval(mean_s[:, place]),
            )
            for place, name in enumerate(names)
        ),
        classes=tuple(
            ClassFigures(
                name=name,
                users=population[place],
                rps=interval(throughput[:, place]),
                mean_s=interval(times.sum(axis=2)[:, place]),
            )
            for place, name in enumerate(systems[0].asking)
            if population[place]
        ),
    )
