"""Exact mean value analysis (MVA) of a closed network with one class of customers.

Separable networks only: FCFS stations need exponential service, processor sharing stations and
delays take any distribution. Source: Reiser and Lavenberg 1980, "Mean-Value Analysis of Closed
Multichain Queuing Networks"; Lazowska et al. 1984, chapters 6 and 8.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.theory import _checks
from capsim.theory.mva_lattice import Networks, solve_lattice

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

    The cost grows with 2 to the number of stations of several servers.

    Args:
        network: The closed network.

    Returns:
        The steady state for the populations 1..N.
    """
    demands = np.array([station.demand for station in network.stations])
    servers = np.array([station.servers for station in network.stations], dtype=np.float64)
    solved = solve_lattice(
        Networks(
            demands=demands[np.newaxis, np.newaxis],
            servers=servers[np.newaxis],
            think_times=np.array([[network.think_time]]),
            population=(network.population,),
        )
    )
    throughput, times = solved.throughput[1:, 0, 0], solved.times[1:, 0, 0]
    return MvaResult(
        population=np.arange(1, network.population + 1),
        throughput=throughput,
        response_time=times.sum(axis=1),
        station_response_time=times,
        queue_length=throughput[:, np.newaxis] * times,
        utilisation=throughput[:, np.newaxis] * (demands / servers),
    )
