"""Open processor sharing queues with Poisson arrivals.

The means of M/G/1-PS depend on the demand through its mean alone; with a limit on the number in
service that insensitivity is lost, and the results hold for exponential demands.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from capsim.theory import _checks
from capsim.theory.markov_queues import QueueMetrics, mmc, mmc_occupancy

FloatArray = npt.NDArray[np.float64]


def mm1_ps(*, arrival_rate: float, service_rate: float) -> QueueMetrics:
    """Steady state of M/M/1-PS, and of M/G/1-PS (Kleinrock 1976, volume 2, chapter 4).

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of the busy processor, one over the mean demand.

    Returns:
        The steady state. Everybody is in service at once, so nobody waits.

    Raises:
        ValueError: If a rate is not positive or the queue is not stable.
    """
    single = mmc(arrival_rate=arrival_rate, service_rate=service_rate, servers=1)
    return replace(single, queue_length=0.0, waiting_time=0.0)


def ps_conditional_response_time(
    *, demand: float, arrival_rate: float, service_rate: float
) -> float:
    """Mean response time of a job of known demand in M/G/1-PS, x / (1 - rho).

    Source: Kleinrock 1976, "Queueing Systems, Volume 2", chapter 4.

    Args:
        demand: Demand of the job in seconds, non-negative.
        arrival_rate: Arrivals per second.
        service_rate: One over the mean demand of all jobs, per second.

    Returns:
        The mean response time in seconds.

    Raises:
        ValueError: If an argument is out of range or the queue is not stable.
    """
    _checks.non_negative("demand", demand)
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.stable(arrival_rate, service_rate)
    return demand / (1.0 - arrival_rate / service_rate)


def limited_ps(
    *, arrival_rate: float, service_rate: float, in_service: int, cores: int = 1
) -> QueueMetrics:
    """Steady state of processor sharing over cores with at most k jobs in service, the rest FIFO.

    A job gets at most one core, so n jobs are worked off at min(n, k, cores) times the rate of a
    core, and the number in the system is that of M/M/c with c = min(k, cores). With one core that
    is M/M/1 whatever k (Avi-Itzhak and Halfin 1988, "Expected Response Times in a Non-Symmetric
    Time Sharing Queue with a Limited Number of Service Positions").

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of one busy core.
        in_service: Jobs in service at a time k, at least 1.
        cores: Cores shared by the jobs in service.

    Returns:
        The steady state; `utilisation` is per core, waiting is the time before service.

    Raises:
        ValueError: If an argument is out of range or the queue is not stable.
    """
    _checks.count("in_service", in_service)
    _checks.count("cores", cores)
    servers = min(in_service, cores)
    unlimited = mmc(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
    load = arrival_rate / service_rate
    # From c on the occupancy is geometric, so the queue of M/M/c thins by its ratio per place.
    queue_length = unlimited.queue_length * (load / servers) ** (in_service - servers)
    return replace(
        unlimited,
        utilisation=load / cores,
        queue_length=queue_length,
        waiting_time=queue_length / arrival_rate,
    )


def limited_ps_occupancy(
    *, arrival_rate: float, service_rate: float, in_service: int, largest: int, cores: int = 1
) -> FloatArray:
    """Distribution of the number in the system of `limited_ps`.

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of one busy core.
        in_service: Jobs in service at a time k, at least 1.
        largest: Largest number asked for, at least 0.
        cores: Cores shared by the jobs in service.

    Returns:
        The probabilities of 0..largest in the system, shape (largest + 1,).

    Raises:
        ValueError: If an argument is out of range or the queue is not stable.
    """
    _checks.count("in_service", in_service)
    _checks.count("cores", cores)
    return mmc_occupancy(
        arrival_rate=arrival_rate,
        service_rate=service_rate,
        servers=min(in_service, cores),
        largest=largest,
    )
