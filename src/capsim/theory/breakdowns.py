"""Servers that are away at times: broken, recycled after so many requests, killed in a request."""

import math
from dataclasses import dataclass

from capsim.theory import _checks


@dataclass(frozen=True, kw_only=True)
class BreakdownMetrics:
    """Steady state of an open queue whose server breaks down.

    Attributes:
        availability: Fraction of time that the server is up.
        utilisation: Fraction of time that the server works.
        population: Mean number in the system.
        response_time: Mean time in the system in seconds.
    """

    availability: float
    utilisation: float
    population: float
    response_time: float


@dataclass(frozen=True, kw_only=True)
class KillMetrics:
    """Saturated workers that are killed, and started again, when a request takes too long.

    Attributes:
        throughput: Requests per second that end, answered or killed.
        goodput: Requests per second that are answered.
        kill_probability: Fraction of the requests that is killed.
        availability: Fraction of time that a worker is not being started.
    """

    throughput: float
    goodput: float
    kill_probability: float
    availability: float


def mm1_breakdowns(
    *, arrival_rate: float, service_rate: float, failure_rate: float, repair_rate: float
) -> BreakdownMetrics:
    """Steady state of M/M/1 whose server fails, idle or busy, and resumes after the repair.

    Source: White and Christie 1958, "Queuing with Preemptive Priorities or with Breakdown";
    Avi-Itzhak and Naor 1963. With the availability A = r / (r + f) the mean sojourn is
    (1 + mu f / (r + f)^2) / (A mu - lambda).

    Args:
        arrival_rate: Arrivals per second, while the server is down too.
        service_rate: Completions per second of the working server.
        failure_rate: Failures f per second of the server that is up.
        repair_rate: Repairs r per second of the server that is down.

    Returns:
        The steady state.

    Raises:
        ValueError: If a rate is not positive or the queue is not stable.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.positive("failure_rate", failure_rate)
    _checks.positive("repair_rate", repair_rate)
    availability = repair_rate / (repair_rate + failure_rate)
    _checks.stable(arrival_rate, availability * service_rate)
    delay = 1.0 + service_rate * failure_rate / (repair_rate + failure_rate) ** 2
    response_time = delay / (availability * service_rate - arrival_rate)
    return BreakdownMetrics(
        availability=availability,
        utilisation=arrival_rate / service_rate,
        population=arrival_rate * response_time,
        response_time=response_time,
    )


def recycling_availability(
    *, max_requests: int, service_time: float, boot_time: float, jitter: int = 0
) -> float:
    """Fraction of time that a saturated worker serves, if it is replaced after so many requests.

    By renewal reward (Ross 1996, "Stochastic Processes", section 3.6) it is M S / (M S + B) with
    the mean number of requests M of a life. The laws of the times do not matter.

    Args:
        max_requests: Requests of a life at least.
        service_time: Mean time of a request in seconds.
        boot_time: Mean time B in seconds from the last answer of a life to the readiness of the
            next, draining included.
        jitter: Largest number of further requests, drawn uniformly from 0..jitter for each life.

    Returns:
        The availability; a worker completes as many times 1 / `service_time` per second.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.count("max_requests", max_requests)
    _checks.positive("service_time", service_time)
    _checks.non_negative("boot_time", boot_time)
    _checks.count("jitter", jitter, least=0)
    life = (max_requests + jitter / 2) * service_time
    return life / (life + boot_time)


def constant_service_kills(
    *, workers: int, service_time: float, timeout: float, boot_time: float, sweep: float = 0.0
) -> KillMetrics:
    """Saturated workers with requests of constant length, killed by a master that looks in turns.

    By renewal reward each worker ends 1 / E[min(S, K) + B 1{S > K}] requests per second, where the
    kill falls at K = timeout + U(0, sweep).

    Args:
        workers: Number of workers.
        service_time: Time of a request in seconds.
        timeout: Age in seconds of a request from which on it is killed.
        boot_time: Mean time in seconds from a kill to the readiness of the next worker.
        sweep: Time in seconds between two looks at the ages; 0 if the timeout is exact.

    Returns:
        The steady state.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_kills(workers, service_time, timeout, boot_time, sweep)
    excess = service_time - timeout
    if excess <= 0.0:
        return _kill_metrics(workers, service_time, 0.0, boot_time)
    if excess >= sweep:
        return _kill_metrics(workers, timeout + sweep / 2, 1.0, boot_time)
    killed = excess / sweep
    mean_time = killed * (timeout + excess / 2) + (1.0 - killed) * service_time
    return _kill_metrics(workers, mean_time, killed, boot_time)


def exponential_service_kills(
    *, workers: int, service_time: float, timeout: float, boot_time: float, sweep: float = 0.0
) -> KillMetrics:
    """Saturated workers with requests of exponential length: else as `constant_service_kills`.

    Here P(S > K) = exp(-timeout / s) (1 - exp(-sweep / s)) s / sweep and E[min(S, K)] is
    s P(S <= K), with s the mean `service_time`.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_kills(workers, service_time, timeout, boot_time, sweep)
    spread = -math.expm1(-sweep / service_time) * service_time / sweep if sweep else 1.0
    killed = math.exp(-timeout / service_time) * spread
    return _kill_metrics(workers, service_time * (1.0 - killed), killed, boot_time)


def _check_kills(
    workers: int, service_time: float, timeout: float, boot_time: float, sweep: float
) -> None:
    _checks.count("workers", workers)
    _checks.positive("service_time", service_time)
    _checks.positive("timeout", timeout)
    _checks.non_negative("boot_time", boot_time)
    _checks.non_negative("sweep", sweep)


def _kill_metrics(workers: int, mean_time: float, killed: float, boot_time: float) -> KillMetrics:
    """The metrics of workers whose requests hold them for a mean time and are killed at times."""
    cycle = mean_time + killed * boot_time
    return KillMetrics(
        throughput=workers / cycle,
        goodput=workers * (1.0 - killed) / cycle,
        kill_probability=killed,
        availability=mean_time / cycle,
    )
