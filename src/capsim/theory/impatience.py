"""Open queues whose customers do not just wait: they give up (Erlang-A) or retry."""

import math
from dataclasses import dataclass

import numpy as np

from capsim.theory import _checks
from capsim.theory.birth_death import birth_death_distribution

# Bounds the weight of the states left out by exp(-50) of that of the mode, far below a rounding.
_TAIL_EXPONENT = 50.0


@dataclass(frozen=True, kw_only=True)
class AbandonmentMetrics:
    """Steady state of a queue that customers abandon.

    Attributes:
        throughput: Customers served per second.
        abandonment_probability: Fraction of the arrivals that gives up.
        utilisation: Mean busy fraction of a server.
        population: Mean number in the system.
        queue_length: Mean number that waits.
        response_time: Mean time in the system of all arrivals in seconds.
        waiting_time: Mean time in the queue of all arrivals, served or not, in seconds.
    """

    throughput: float
    abandonment_probability: float
    utilisation: float
    population: float
    queue_length: float
    response_time: float
    waiting_time: float


@dataclass(frozen=True, kw_only=True)
class RetrialMetrics:
    """Steady state of a queue whose blocked customers retry from an orbit.

    Attributes:
        utilisation: Mean busy fraction of the server.
        population: Mean number in the system, orbit and server.
        orbit: Mean number in the orbit.
        response_time: Mean time from arrival to completion in seconds.
        waiting_time: Mean time in the orbit of all arrivals in seconds.
    """

    utilisation: float
    population: float
    orbit: float
    response_time: float
    waiting_time: float


def erlang_a(
    *, arrival_rate: float, service_rate: float, servers: int, patience_rate: float
) -> AbandonmentMetrics:
    """Steady state of Erlang-A, M/M/c+M: whoever waits gives up at a constant rate.

    Source: Palm 1957; Garnett, Mandelbaum and Reiman 2002. Memory grows with an overload's queue.

    Args:
        arrival_rate: Arrivals per second, any load.
        service_rate: Completions per second of one busy server.
        servers: Number of servers c.
        patience_rate: One over the mean patience of a waiting customer, per second.

    Returns:
        The steady state.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.count("servers", servers)
    _checks.positive("patience_rate", patience_rate)
    places = servers + _longest_queue(arrival_rate, servers * service_rate, patience_rate)
    present = np.arange(places + 1)
    busy = np.minimum(present, servers)
    occupancy = birth_death_distribution(
        birth_rates=np.full(places, arrival_rate),
        death_rates=(service_rate * busy + patience_rate * (present - busy))[1:],
    )
    mean_busy, queue_length = float(busy @ occupancy), float((present - busy) @ occupancy)
    return AbandonmentMetrics(
        throughput=service_rate * mean_busy,
        abandonment_probability=patience_rate * queue_length / arrival_rate,
        utilisation=mean_busy / servers,
        population=mean_busy + queue_length,
        queue_length=queue_length,
        response_time=(mean_busy + queue_length) / arrival_rate,
        waiting_time=queue_length / arrival_rate,
    )


def mm11_retrial(
    *, arrival_rate: float, service_rate: float, retrial_rate: float
) -> RetrialMetrics:
    """Steady state of M/M/1/1 with retrials: who finds the server busy tries again later.

    Source: Falin and Templeton 1997, "Retrial Queues", chapter 1: the mean orbit is
    rho / (1 - rho) (lambda / theta + rho).

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of the busy server.
        retrial_rate: Retries per second of each customer in the orbit.

    Returns:
        The steady state.

    Raises:
        ValueError: If a rate is not positive or the queue is not stable.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.positive("retrial_rate", retrial_rate)
    _checks.stable(arrival_rate, service_rate)
    load = arrival_rate / service_rate
    orbit = load / (1.0 - load) * (arrival_rate / retrial_rate + load)
    return RetrialMetrics(
        utilisation=load,
        population=orbit + load,
        orbit=orbit,
        response_time=(orbit + load) / arrival_rate,
        waiting_time=orbit / arrival_rate,
    )


def _longest_queue(arrival_rate: float, capacity: float, patience_rate: float) -> int:
    """Queue length beyond which the states of Erlang-A weigh nothing.

    With p = arrival rate over patience rate, the weight of state i beyond the mode is at most
    prod 1 / (1 + j / p) for j = 1..i. By log(1 + x) >= x log 2 on [0, 1] and log(1 + x) >= log 2
    above, that is below exp(-exponent) once i exceeds both terms of the sum.
    """
    mode = max(0.0, arrival_rate - capacity) / patience_rate
    exponent = _TAIL_EXPONENT / math.log(2.0)
    spread = math.sqrt(2.0 * exponent * arrival_rate / patience_rate)
    return math.ceil(mode + 2.0 * exponent + spread)
