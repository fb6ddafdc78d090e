"""The machine repairman model: a finite population that thinks, then queues at one station."""

from dataclasses import dataclass

import numpy as np

from capsim.theory import _checks
from capsim.theory.birth_death import birth_death_distribution


@dataclass(frozen=True, kw_only=True)
class RepairmanMetrics:
    """Steady state of a closed system of one station.

    Attributes:
        throughput: Completions per second.
        utilisation: Mean busy fraction of a server.
        population: Mean number at the station.
        queue_length: Mean number that waits.
        response_time: Mean time at the station in seconds.
        waiting_time: Mean time before service in seconds.
    """

    throughput: float
    utilisation: float
    population: float
    queue_length: float
    response_time: float
    waiting_time: float


def machine_repairman(
    *, population: int, think_time: float, service_time: float, servers: int = 1
) -> RepairmanMetrics:
    """Steady state of M/M/c//N, the closed system of N users and c servers.

    Source: Kleinrock 1975, "Queueing Systems, Volume 1", sections 3.8 (one server) and 3.10.
    Think times may have any distribution; service times are exponential.

    Args:
        population: Number of users N.
        think_time: Mean think time in seconds, positive.
        service_time: Mean service time in seconds, positive.
        servers: Number of servers c.

    Returns:
        The steady state.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.count("population", population)
    _checks.positive("think_time", think_time)
    _checks.positive("service_time", service_time)
    _checks.count("servers", servers)
    present = np.arange(population + 1)
    busy = np.minimum(present, servers)
    occupancy = birth_death_distribution(
        birth_rates=(population - present[:-1]) / think_time, death_rates=busy[1:] / service_time
    )
    mean_busy, mean_present = float(busy @ occupancy), float(present @ occupancy)
    queue_length = float((present - busy) @ occupancy)
    throughput = mean_busy / service_time
    return RepairmanMetrics(
        throughput=throughput,
        utilisation=mean_busy / servers,
        population=mean_present,
        queue_length=queue_length,
        response_time=mean_present / throughput,
        waiting_time=queue_length / throughput,
    )
