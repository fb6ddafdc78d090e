"""One server, Poisson arrivals, any law of service."""

from capsim.theory import _checks
from capsim.theory.markov_queues import QueueMetrics


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


def mm1_random_order_waiting_variance(*, arrival_rate: float, service_rate: float) -> float:
    """Variance of the waiting time of M/M/1 that serves in random order, in seconds squared.

    The second moment is 2 / (2 - utilisation) times that of first come first served, which is
    2 rho / (mu^2 (1 - rho)^2) (Kingman 1962, "On queues in which customers are served in random
    order").

    Raises:
        ValueError: If a rate is not positive or the queue is not stable.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.stable(arrival_rate, service_rate)
    busy = arrival_rate / service_rate
    in_order = 2 * busy / (service_rate * (1 - busy)) ** 2
    mean = busy / (service_rate * (1 - busy))
    return in_order * 2 / (2 - busy) - mean**2
