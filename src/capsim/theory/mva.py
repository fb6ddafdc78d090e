"""Exact mean value analysis (MVA) of a closed network with one class of customers.

Separable networks only: FCFS stations need exponential service, processor sharing stations and
delays take any distribution. Source: Reiser and Lavenberg 1980, "Mean-Value Analysis of Closed
Multichain Queuing Networks"; Lazowska et al. 1984, chapters 6 and 8.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from capsim.theory import _checks

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Station:
    """One station of a closed network.

    Attributes:
        demand: Service demand of one cycle of a customer in seconds (visits times service time).
        servers: Identical servers; 1 is a single server, `math.inf` a delay.

    Raises:
        ValueError: If `demand` is not positive or `servers` is not a number of servers.
    """

    demand: float
    servers: float = 1

    def __post_init__(self) -> None:
        """Check the arguments."""
        _checks.positive("demand", self.demand)
        _checks.servers("servers", self.servers)

    @property
    def is_multi_server(self) -> bool:
        """Whether the station is neither a single server nor a delay."""
        return 1 < self.servers < math.inf


@dataclass(frozen=True, kw_only=True)
class ClosedNetwork:
    """A closed network of stations that a fixed number of customers goes round.

    Attributes:
        stations: The stations, at least one.
        population: Number of customers N.
        think_time: Mean time in seconds that a customer spends outside between two cycles.

    Raises:
        ValueError: If there is no station, or a number is out of range.
    """

    stations: tuple[Station, ...]
    population: int
    think_time: float = 0.0

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not self.stations:
            raise ValueError("stations must have at least one station, got 0")
        _checks.count("population", self.population)
        _checks.non_negative("think_time", self.think_time)


@dataclass(frozen=True, kw_only=True, eq=False)
class MvaResult:
    """Steady state of a closed network of M stations for every population 1..N.

    Attributes:
        population: Number of customers, shape (N,).
        throughput: Cycles per second, shape (N,).
        response_time: Mean time of a cycle without thinking in seconds, shape (N,).
        station_response_time: Mean time of a cycle at each station in seconds, shape (N, M).
        queue_length: Mean number at each station, in service included, shape (N, M).
        utilisation: Mean busy fraction of a server of each station, 0 at a delay, shape (N, M).
    """

    population: npt.NDArray[np.int64]
    throughput: FloatArray
    response_time: FloatArray
    station_response_time: FloatArray
    queue_length: FloatArray
    utilisation: FloatArray


def exact_mva(*, network: ClosedNetwork) -> MvaResult:
    """Solve a closed network exactly for every population up to its own.

    The probability that a multi-server station is empty comes from the throughput of the network
    without that station (Reiser 1981, "Mean-Value Analysis and Convolution Method for
    Queue-Dependent Servers in Closed Queueing Networks"), because the textbook difference to one
    loses all its digits under load. The cost grows with 2 to the number of multi-server stations.

    Args:
        network: The closed network.

    Returns:
        The steady state for the populations 1..N.
    """

    @cache
    def residence(stations: tuple[Station, ...]) -> FloatArray:
        cycles_without = {
            index: residence(stations[:index] + stations[index + 1 :]).sum(axis=1)
            + network.think_time
            for index, station in enumerate(stations)
            if station.is_multi_server
        }
        return _recursion(stations, network, cycles_without)

    times = residence(network.stations)
    population = np.arange(1, network.population + 1)
    response_time = times.sum(axis=1)
    throughput = population / (response_time + network.think_time)
    demands = np.array([station.demand for station in network.stations])
    servers = np.array([station.servers for station in network.stations], dtype=np.float64)
    return MvaResult(
        population=population,
        throughput=throughput,
        response_time=response_time,
        station_response_time=times,
        queue_length=throughput[:, np.newaxis] * times,
        utilisation=throughput[:, np.newaxis] * (demands / servers),
    )


def _recursion(
    stations: tuple[Station, ...], network: ClosedNetwork, cycles_without: dict[int, FloatArray]
) -> FloatArray:
    """Mean time at each station by the arrival theorem, shape (N, stations).

    `cycles_without` gives, per multi-server station, the cycle time without it, shape (N,).
    """
    times = np.zeros((network.population, len(stations)))
    queue = np.zeros(len(stations))
    log_marginals = {index: np.zeros(1) for index in cycles_without}
    for customers in range(1, network.population + 1):
        row = times[customers - 1]
        for index, station in enumerate(stations):
            if index in log_marginals:
                row[index] = _multi_server_time(station, log_marginals[index])
            else:
                ahead = queue[index] if station.servers == 1 else 0.0
                row[index] = station.demand * (1.0 + ahead)
        cycle = row.sum() + network.think_time
        queue = customers * row / cycle
        for index, cycles in cycles_without.items():
            log_marginals[index] = _next_log_marginal(
                stations[index], log_marginals[index], customers / cycle, cycles[customers - 1]
            )
    return times


def _multi_server_time(station: Station, log_marginal: FloatArray) -> float:
    """Mean time at a multi-server station of one who finds `log_marginal` (log P of 0, 1, ...)."""
    position = np.arange(1, log_marginal.size + 1)
    slowdown = np.maximum(1.0, position / station.servers)
    return float(station.demand * (slowdown * np.exp(log_marginal)).sum())


def _next_log_marginal(
    station: Station, log_marginal: FloatArray, throughput: float, cycle_without: float
) -> FloatArray:
    """Log of the occupancy distribution with one customer more.

    Logarithms, because the probability of few customers underflows long before that of many.
    """
    customers = log_marginal.size
    busy = np.minimum(np.arange(1, customers + 1), station.servers)
    occupied = log_marginal + np.log(throughput * station.demand / busy)
    ratio = throughput * cycle_without / customers
    empty = log_marginal[0] + math.log(ratio) if ratio > 0.0 else -math.inf
    return np.concatenate(([empty], occupied))
