"""Exact mean value analysis of a closed network with several classes of customers.

A FCFS station is separable only if its service time is exponential with one mean for all classes;
processor sharing takes a demand per class. Source: Reiser and Lavenberg 1980; Lazowska et al. 1984,
chapter 7; for stations of several servers Reiser 1981.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.theory import _checks
from capsim.theory.mva_lattice import Networks, solve_lattice

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CustomerClass:
    """One class of customers of a closed network.

    Attributes:
        demands: Service demand at each station in seconds, each positive.
        population: Number of customers of the class.
        think_time: Mean time in seconds that a customer spends outside between two cycles.

    Raises:
        ValueError: If a number is out of range.
    """

    demands: tuple[float, ...]
    population: int
    think_time: float = 0.0

    def __post_init__(self) -> None:
        """Check the arguments."""
        _checks.stations(self.demands)
        _checks.count("population", self.population)
        _checks.non_negative("think_time", self.think_time)


@dataclass(frozen=True, kw_only=True, eq=False)
class MulticlassResult:
    """Steady state of a closed network with C classes and M stations.

    Attributes:
        throughput: Cycles per second of each class, shape (C,).
        response_time: Mean time of a cycle without thinking in seconds, shape (C,).
        station_response_time: Mean time of a cycle at each station in seconds, shape (C, M).
        queue_length: Mean number at each station, in service included, shape (C, M).
        utilisation: Busy fraction of a server of each station by each class, 0 at a delay, shape
            (C, M).
    """

    throughput: FloatArray
    response_time: FloatArray
    station_response_time: FloatArray
    queue_length: FloatArray
    utilisation: FloatArray


def exact_multiclass_mva(
    *,
    classes: tuple[CustomerClass, ...],
    delays: frozenset[int] = frozenset(),
    servers: Sequence[float] | None = None,
) -> MulticlassResult:
    """Solve a closed network of several classes exactly.

    Memory and time grow with the product of (population + 1) over the classes.

    Args:
        classes: The classes, at least one, all with the same number of demands.
        delays: Indices of the stations that are delays.
        servers: Servers per station, `math.inf` for a delay; one each by default.

    Returns:
        The steady state for the full populations.

    Raises:
        ValueError: If there is no class, if the classes differ in their number of stations, or if
            `delays` or `servers` name no stations.
    """
    demands = _demands(classes)
    _check_delays(delays, demands.shape[1])
    counts = _servers(servers, delays, demands.shape[1])
    population = tuple(each.population for each in classes)
    solved = solve_lattice(
        Networks(
            demands=demands[np.newaxis],
            servers=counts[np.newaxis],
            think_times=np.array([[each.think_time for each in classes]]),
            population=population,
        )
    )
    throughput, times = solved.throughput[population][0], solved.times[population][0]
    return MulticlassResult(
        throughput=throughput,
        response_time=times.sum(axis=1),
        station_response_time=times,
        queue_length=throughput[:, np.newaxis] * times,
        utilisation=throughput[:, np.newaxis] * demands / counts,
    )


def _servers(servers: Sequence[float] | None, delays: frozenset[int], stations: int) -> FloatArray:
    """Check the numbers of servers and return them, shape (M,)."""
    counts = [1.0] * stations if servers is None else list(servers)
    _checks.same_length("servers", len(counts), other="station", expected=stations)
    for index, number in enumerate(counts):
        _checks.servers(f"servers[{index}]", number)
    return np.array([math.inf if i in delays else n for i, n in enumerate(counts)])


def _demands(classes: tuple[CustomerClass, ...]) -> FloatArray:
    """Check that the classes agree and return their demands, shape (C, M)."""
    if not classes:
        raise ValueError("classes must have at least one class, got 0")
    for index, each in enumerate(classes):
        _checks.same_length(
            f"classes[{index}].demands",
            len(each.demands),
            other="station",
            expected=len(classes[0].demands),
        )
    return np.array([each.demands for each in classes], dtype=np.float64)


def _check_delays(delays: frozenset[int], stations: int) -> None:
    for index in sorted(delays):
        if not 0 <= index < stations:
            raise ValueError(f"delays must name stations 0..{stations - 1}, got {index}")
