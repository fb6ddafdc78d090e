"""Exact mean value analysis of many closed networks at once, for every population up to theirs.

All networks have the same numbers of stations, classes and customers, and differ in demands, think
times and servers: those of the draws of an uncertain system. Separable networks only. Source:
Reiser and Lavenberg 1980, "Mean-Value Analysis of Closed Multichain Queuing Networks"; Lazowska
et al. 1984, chapters 6 to 8.

A station of c servers, each of which n customers keep busy up to c, needs the probabilities that
fewer than c are there. That of an empty one comes from the throughput of the network without the
station (Reiser 1981, "Mean-Value Analysis and Convolution Method for Queue-Dependent Servers in
Closed Queueing Networks"), because the textbook difference to one loses all its digits under load.
Nothing is ever subtracted, and logarithms keep probabilities that would underflow.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Networks:
    """K closed networks of M stations, with R classes of customers.

    Attributes:
        demands: Service demands of one cycle in seconds, shape (K, R, M).
        servers: Servers per station, `math.inf` for a delay, shape (K, M).
        think_times: Mean time outside between two cycles in seconds, shape (K, R).
        population: Customers of each class.
    """

    demands: FloatArray
    servers: FloatArray
    think_times: FloatArray
    population: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Solutions:
    """Steady states for every population, on a lattice of shape (n1 + 1, n2 + 1, ...).

    Attributes:
        throughput: Cycles per second of each class, shape (lattice, K, R).
        times: Mean time of a cycle at each station in seconds, shape (lattice, K, R, M).
    """

    throughput: FloatArray
    times: FloatArray


def solve_lattice(networks: Networks) -> Solutions:
    """Solve closed networks exactly for every population up to their own.

    Time and memory grow with the product of (population + 1) over the classes; time also with 2
    to the number of stations that have several servers.
    """
    # With a server for everybody, a station is a delay.
    servers = np.where(networks.servers >= sum(networks.population), math.inf, networks.servers)
    several = np.flatnonzero(((servers > 1) & np.isfinite(servers)).any(axis=0)).tolist()

    @cache
    def without(left_out: frozenset[int]) -> Solutions:
        kept = [station for station in range(servers.shape[1]) if station not in left_out]
        part = Networks(
            demands=networks.demands[:, :, kept],
            servers=servers[:, kept],
            think_times=networks.think_times,
            population=networks.population,
        )
        others = {
            kept.index(station): without(left_out | {station}).throughput
            for station in several
            if station in kept
        }
        return _solved(part, others)

    return without(frozenset())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tables:
    """What one pass over the lattice fills in, and what it needs at every population."""

    networks: Networks
    others: Mapping[int, FloatArray]  # throughput without each station of several servers
    solutions: Solutions
    # How much longer one takes who finds so many there: 1 at a delay, times `rates` elsewhere.
    slowdown: FloatArray  # (lattice, K, M)
    rates: FloatArray  # (K, M) 1 / servers; 1 at a delay
    is_delay: npt.NDArray[np.bool_]  # (K, M)
    # Of the stations of several servers: log of the probability of 0, 1, 2 ... customers, and how
    # many servers stand idle besides the one that a newcomer takes.
    log_marginals: FloatArray  # (lattice, K, stations, positions)
    idle: FloatArray  # (K, stations, positions)


def _solved(networks: Networks, others: Mapping[int, FloatArray]) -> Solutions:
    tables = _empty_tables(networks, others)
    for customers in itertools.product(*(range(number + 1) for number in networks.population)):
        _visit(tables, customers)
    return tables.solutions


def _empty_tables(networks: Networks, others: Mapping[int, FloatArray]) -> _Tables:
    lattice = tuple(number + 1 for number in networks.population)
    many, classes, stations = networks.demands.shape
    is_delay = np.isinf(networks.servers)
    counts = np.where(is_delay, 1.0, networks.servers)
    mine = counts[:, list(others)]
    positions = int(mine.max(initial=1.0)) - 1
    log_marginals = np.full((*lattice, many, len(others), positions), -math.inf)
    log_marginals[tuple(0 for _ in lattice)][..., :1] = 0.0
    return _Tables(
        networks=networks,
        others=others,
        solutions=Solutions(
            throughput=np.zeros((*lattice, many, classes)),
            times=np.zeros((*lattice, many, classes, stations)),
        ),
        slowdown=np.ones((*lattice, many, stations)),
        rates=1.0 / counts,
        is_delay=is_delay,
        log_marginals=log_marginals,
        idle=np.maximum(0.0, mine[:, :, np.newaxis] - 1 - np.arange(positions)),
    )


def _visit(tables: _Tables, customers: tuple[int, ...]) -> None:
    """Fill in what holds with so many customers, from what holds with one fewer of each class."""
    networks = tables.networks
    earlier = _one_fewer(customers)
    times = tables.solutions.times[customers]
    for index, before in earlier.items():  # the arrival theorem
        times[:, index] = networks.demands[:, index] * tables.slowdown[before] * tables.rates
    present = np.array(customers, dtype=np.float64)
    cycles = times.sum(axis=2) + networks.think_times
    throughput = tables.solutions.throughput[customers]
    with np.errstate(divide="ignore", over="ignore"):  # without station and think time, they fly
        np.divide(present, cycles, out=throughput, where=present > 0)
    slowdown = 1.0 + (throughput[:, :, np.newaxis] * times).sum(axis=1)
    if tables.others:
        _next_marginals(tables, customers, earlier)
        marginals = np.exp(tables.log_marginals[customers])
        slowdown[:, list(tables.others)] += (tables.idle * marginals).sum(axis=2)
    tables.slowdown[customers] = np.where(tables.is_delay, 1.0, slowdown)


def _next_marginals(
    tables: _Tables, customers: tuple[int, ...], earlier: Mapping[int, tuple[int, ...]]
) -> None:
    """Fill in how many customers are at the stations of several servers."""
    if not earlier:  # nobody is anywhere
        return
    throughput = tables.solutions.throughput[customers]
    found = tables.log_marginals[customers]
    first, before = next(iter(earlier.items()))
    without = np.stack([other[customers][:, first] for other in tables.others.values()], axis=1)
    positions = np.arange(1, found.shape[2])
    with np.errstate(divide="ignore"):  # who needs nothing elsewhere, or here, is never there
        ratio = np.log(throughput[:, first, np.newaxis] / without)
        found[:, :, 0] = tables.log_marginals[before][:, :, 0] + ratio
        for index, before in earlier.items():
            demands = tables.networks.demands[:, index][:, list(tables.others)]
            arrivals = (throughput[:, index, np.newaxis] * demands)[:, :, np.newaxis]
            behind = tables.log_marginals[before][:, :, :-1]
            found[:, :, 1:] = np.logaddexp(found[:, :, 1:], behind + np.log(arrivals / positions))


def _one_fewer(customers: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
    """Return the population without one customer of each class that has any."""
    return {
        index: (*customers[:index], number - 1, *customers[index + 1 :])
        for index, number in enumerate(customers)
        if number > 0
    }
