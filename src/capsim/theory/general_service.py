"""One server, Poisson arrivals, any law of service."""

from typing import Literal

from capsim.theory import _checks
from capsim.theory.markov_queues import QueueMetrics

ServiceOrder = Literal["fifo", "random", "lifo"]


def mg1(*, arrival_rate: float, service_time: float, cv: float) -> QueueMetrics:
    """Steady state of M/G/1 (Pollaczek & Khinchine; Kleinrock 1975, volume 1, equation 5.64).

    The means hold for every order of service that neither interrupts nor looks at demands:
    first come first served, last come, at random.

    Args:
        arrival_rate: Arrivals per second.
        service_time: Mean time of a service in seconds.
        cv: Coefficient of variation of the service time; 0 constant, 1 exponential.

    Returns:
        The steady state.

    Raises:
        ValueError: If a rate or time is not positive, the cv is negative, or the queue not stable.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_time", service_time)
    _checks.non_negative("cv", cv)
    _checks.stable(arrival_rate, 1 / service_time)
    busy = arrival_rate * service_time
    waiting_time = arrival_rate * service_time**2 * (1 + cv**2) / (2 * (1 - busy))
    response_time = waiting_time + service_time
    return QueueMetrics(
        throughput=arrival_rate,
        loss_probability=0.0,
        utilisation=busy,
        population=arrival_rate * response_time,
        queue_length=arrival_rate * waiting_time,
        response_time=response_time,
        waiting_time=waiting_time,
    )


def mm1_waiting_variance(*, arrival_rate: float, service_rate: float, order: ServiceOrder) -> float:
    """Variance of the waiting time of M/M/1 that serves in a given order, in seconds squared.

    The mean is the same for all orders. The second moment is 2 rho / (mu (1 - rho))^2 for first
    come first served, 2 / (2 - rho) times that in random order and 1 / (1 - rho) times that for
    last come first served without interruption (Takacs 1963, "Delay distributions for one line
    with Poisson input, general holding times, and various orders of service"; Kingman 1962, "On
    queues in which customers are served in random order" and "The effect of queue discipline on
    waiting time variance").

    Args:
        arrival_rate: Arrivals per second.
        service_rate: Completions per second of the busy server.
        order: Who of those that wait is served next.

    Returns:
        The variance; the second moment is this plus the square of the mean.

    Raises:
        ValueError: If a rate is not positive, the queue is not stable or the order unknown.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.stable(arrival_rate, service_rate)
    busy = arrival_rate / service_rate
    factors = {"fifo": 1.0, "random": 2 / (2 - busy), "lifo": 1 / (1 - busy)}
    if order not in factors:
        raise ValueError(f"order must be one of {', '.join(factors)}, got {order}")
    in_order = 2 * busy / (service_rate * (1 - busy)) ** 2
    mean = busy / (service_rate * (1 - busy))
    return in_order * factors[order] - mean**2


def mm1_random_order_waiting_variance(*, arrival_rate: float, service_rate: float) -> float:
    """Variance of the waiting time of M/M/1 in random order: see `mm1_waiting_variance`."""
    return mm1_waiting_variance(
        arrival_rate=arrival_rate, service_rate=service_rate, order="random"
    )
