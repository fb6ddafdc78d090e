"""Several single servers, each with its own queue, behind a balancer.

A common queue (`mmc`) is the best that any balancer can do, a random split the worst of these.
"""

from capsim.theory import _checks
from capsim.theory.markov_queues import QueueMetrics


def random_split(*, arrival_rate: float, service_rate: float, servers: int) -> QueueMetrics:
    """Steady state of n exponential servers that get Poisson requests at random: n times M/M/1.

    Source: Kleinrock 1975, "Queueing Systems, Volume 1", section 3.2; the split of a Poisson
    stream is Poisson.

    Args:
        arrival_rate: Arrivals per second at the balancer.
        service_rate: Completions per second of one busy server.
        servers: Number of servers n.

    Returns:
        The steady state of all servers together.

    Raises:
        ValueError: If an argument is out of range or the queue is not stable.
    """
    _check_balancer(arrival_rate, service_rate, servers)
    found_busy = arrival_rate / (servers * service_rate)
    return _metrics(arrival_rate, service_rate, servers, found_busy / (1.0 - found_busy))


def round_robin(*, arrival_rate: float, service_rate: float, servers: int) -> QueueMetrics:
    """Steady state of n exponential servers that get Poisson requests in turn: n times E_n/M/1.

    Source: Kleinrock 1975, "Queueing Systems, Volume 1", chapter 6 (G/M/1): the mean wait is
    s / (mu (1 - s)) with s the root in (0, 1) of s = (L / (L + mu (1 - s)))^n.

    Args:
        arrival_rate: Arrivals L per second at the balancer.
        service_rate: Completions per second of one busy server.
        servers: Number of servers n.

    Returns:
        The steady state of all servers together.

    Raises:
        ValueError: If an argument is out of range or the queue is not stable.
    """
    _check_balancer(arrival_rate, service_rate, servers)
    found_busy = _erlang_root(servers, arrival_rate / service_rate)
    return _metrics(arrival_rate, service_rate, servers, found_busy / (1.0 - found_busy))


def best_of_choices(*, arrival_rate: float, service_rate: float, choices: int = 2) -> QueueMetrics:
    """Steady state per server if each request takes the shortest of d queues drawn at random.

    Exact for infinitely many servers: a fraction rho^((d^i - 1) / (d - 1)) of them has at least i
    requests (Vvedenskaya, Dobrushin and Karpelevich 1996; Mitzenmacher 2001, "The Power of Two
    Choices in Randomized Load Balancing").

    Args:
        arrival_rate: Arrivals per second and server.
        service_rate: Completions per second of one busy server.
        choices: Number of queues d that are looked at, at least 2.

    Returns:
        The steady state of one server.

    Raises:
        ValueError: If an argument is out of range or the queue is not stable.
    """
    _checks.count("choices", choices, least=2)
    _check_balancer(arrival_rate, service_rate, 1)
    load = arrival_rate / service_rate
    waiting, exponent, term = 0.0, choices, load**choices
    while waiting + term > waiting:
        waiting += term
        exponent = choices * (exponent + 1)
        term = load**exponent
    return _metrics(arrival_rate, service_rate, 1, waiting)


def _erlang_root(servers: int, load: float) -> float:
    """Smallest root of s = (1 + (1 - s) / load)^-n, by Newton: the function is convex in s."""
    root = 0.0
    while True:
        base = 1.0 + (1.0 - root) / load
        value = base**-servers
        slope = servers * value / (base * load) - 1.0
        step = (root - value) / slope
        if root + step <= root:
            return root
        root += step


def _check_balancer(arrival_rate: float, service_rate: float, servers: int) -> None:
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.count("servers", servers)
    _checks.stable(arrival_rate, servers * service_rate)


def _metrics(
    arrival_rate: float, service_rate: float, servers: int, services_waited: float
) -> QueueMetrics:
    """The metrics of lossless queues with a mean wait of so many services."""
    waiting_time = services_waited / service_rate
    response_time = waiting_time + 1.0 / service_rate
    return QueueMetrics(
        throughput=arrival_rate,
        loss_probability=0.0,
        utilisation=arrival_rate / (servers * service_rate),
        population=arrival_rate * response_time,
        queue_length=arrival_rate * waiting_time,
        response_time=response_time,
        waiting_time=waiting_time,
    )
