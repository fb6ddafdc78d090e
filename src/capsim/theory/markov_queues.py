"""Open queues with Poisson arrivals and exponential service.

Source of all of them: Kleinrock 1975, "Queueing Systems, Volume 1", chapter 3.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.theory import _checks
from capsim.theory.birth_death import birth_death_distribution
from capsim.theory.erlang import erlang_c

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class QueueMetrics:
    """Steady state of an open queue; the means are those of the customers that are let in.

    Attributes:
        throughput: Customers let in, and completed, per second.
        loss_probability: Fraction of the arrivals that is turned away.
        utilisation: Mean busy fraction of a server.
        population: Mean number in the system.
        queue_length: Mean number that waits for service.
        response_time: Mean time in the system in seconds.
        waiting_time: Mean time before service in seconds.
    """

    throughput: float
    loss_probability: float
    utilisation: float
    population: float
    queue_length: float
    response_time: float
    waiting_time: float


def mm1(*, arrival_rate: float, service_rate: float) -> QueueMetrics:
    """Steady state of M/M/1.

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of the busy server.

    Returns:
        The steady state.

    Raises:
        ValueError: If a rate is not positive or the queue is not stable.
    """
    return mmc(arrival_rate=arrival_rate, service_rate=service_rate, servers=1)


def mmc(*, arrival_rate: float, service_rate: float, servers: int) -> QueueMetrics:
    """Steady state of M/M/c.

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of one busy server.
        servers: Number of servers c.

    Returns:
        The steady state.

    Raises:
        ValueError: If an argument is out of range or the queue is not stable.
    """
    _check_open_queue(arrival_rate, service_rate, servers)
    capacity = servers * service_rate
    _checks.stable(arrival_rate, capacity)
    waits = erlang_c(servers=servers, offered_load=arrival_rate / service_rate)
    waiting_time = waits / (capacity - arrival_rate)
    response_time = waiting_time + 1.0 / service_rate
    return QueueMetrics(
        throughput=arrival_rate,
        loss_probability=0.0,
        utilisation=arrival_rate / capacity,
        population=arrival_rate * response_time,
        queue_length=arrival_rate * waiting_time,
        response_time=response_time,
        waiting_time=waiting_time,
    )


def mmc_occupancy(
    *, arrival_rate: float, service_rate: float, servers: int, largest: int
) -> FloatArray:
    """Distribution of the number in an M/M/c queue.

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of one busy server.
        servers: Number of servers c.
        largest: Largest number asked for, at least 0.

    Returns:
        The probabilities of 0..largest in the system, shape (largest + 1,).

    Raises:
        ValueError: If an argument is out of range or the queue is not stable.
    """
    _check_open_queue(arrival_rate, service_rate, servers)
    _checks.stable(arrival_rate, servers * service_rate)
    _checks.count("largest", largest, least=0)
    load = arrival_rate / service_rate
    waits = erlang_c(servers=servers, offered_load=load)
    below = _rising_occupancy(arrival_rate, service_rate, servers, servers)
    # Given fewer than c present, the occupancy is that of M/M/c/c given fewer than c.
    head = below[:servers] / below[:servers].sum() * (1.0 - waits)
    ratio = load / servers
    tail = waits * (1.0 - ratio) * ratio ** np.arange(max(0, largest + 1 - servers))
    return np.concatenate((head, tail))[: largest + 1]


def mmck(*, arrival_rate: float, service_rate: float, servers: int, capacity: int) -> QueueMetrics:
    """Steady state of M/M/c/K, which turns away whoever finds K in the system.

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of one busy server.
        servers: Number of servers c.
        capacity: Places in the system K, at least `servers`.

    Returns:
        The steady state.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_open_queue(arrival_rate, service_rate, servers)
    _checks.count("capacity", capacity, least=servers)
    occupancy = _rising_occupancy(arrival_rate, service_rate, servers, capacity)
    present = np.arange(capacity + 1)
    throughput = arrival_rate * float(occupancy[:-1].sum())
    population = float(present @ occupancy)
    queue_length = float(np.maximum(0, present - servers) @ occupancy)
    return QueueMetrics(
        throughput=throughput,
        loss_probability=float(occupancy[-1]),
        utilisation=throughput / (servers * service_rate),
        population=population,
        queue_length=queue_length,
        response_time=population / throughput,
        waiting_time=queue_length / throughput,
    )


def _rising_occupancy(
    arrival_rate: float, service_rate: float, servers: int, capacity: int
) -> FloatArray:
    """Occupancy of M/M/c/K, shape (capacity + 1,)."""
    busy = np.minimum(np.arange(1, capacity + 1), servers)
    return birth_death_distribution(
        birth_rates=np.full(capacity, arrival_rate), death_rates=service_rate * busy
    )


def _check_open_queue(arrival_rate: float, service_rate: float, servers: int) -> None:
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.count("servers", servers)
