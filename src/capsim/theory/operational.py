"""The operational laws: identities between measured averages, whatever the distributions.

They need only that the measurement is long enough for arrivals and completions to balance. Source
of all of them: Denning and Buzen 1978, "The Operational Analysis of Queueing Network Models"; the
names are those of Lazowska et al. 1984, "Quantitative System Performance", chapter 3.
"""

import math

from capsim.theory import _checks


def mean_population(*, throughput: float, response_time: float) -> float:
    """Mean number in a system by Little's law, L = X R (Little 1961).

    Args:
        throughput: Completions per second, non-negative.
        response_time: Mean time in the system in seconds, non-negative.

    Returns:
        The mean number present.

    Raises:
        ValueError: If an argument is negative or not finite.
    """
    _checks.non_negative("throughput", throughput)
    _checks.non_negative("response_time", response_time)
    return throughput * response_time


def mean_response_time(*, population: float, throughput: float) -> float:
    """Mean time in a system by Little's law, R = L / X (Little 1961).

    Args:
        population: Mean number present, non-negative.
        throughput: Completions per second, positive.

    Returns:
        The mean response time in seconds.

    Raises:
        ValueError: If an argument is out of range or not finite.
    """
    _checks.non_negative("population", population)
    _checks.positive("throughput", throughput)
    return population / throughput


def utilisation(*, throughput: float, demand: float, servers: float = 1) -> float:
    """Mean busy fraction of a server by the utilisation law, U = X D / c.

    Args:
        throughput: Completions of the system per second, non-negative.
        demand: Service demand of one completion at the station in seconds, non-negative.
        servers: Number of servers of the station, or `math.inf` for a delay (whose result is 0).

    Returns:
        The utilisation per server. A value above 1 says that the measurements contradict each
        other.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.non_negative("throughput", throughput)
    _checks.non_negative("demand", demand)
    _checks.servers("servers", servers)
    return 0.0 if servers == math.inf else throughput * demand / servers


def interactive_response_time(*, population: float, throughput: float, think_time: float) -> float:
    """Mean response time of a closed interactive system, R = N / X - Z.

    Args:
        population: Number of users, positive.
        throughput: Completions per second, positive.
        think_time: Mean think time in seconds, non-negative.

    Returns:
        The mean response time in seconds. A negative value says that the three measurements
        contradict each other.

    Raises:
        ValueError: If an argument is out of range or not finite.
    """
    _checks.positive("population", population)
    _checks.positive("throughput", throughput)
    _checks.non_negative("think_time", think_time)
    return population / throughput - think_time


def station_throughput(*, throughput: float, visits: float) -> float:
    """Throughput of one station by the forced flow law, X_k = V_k X.

    Args:
        throughput: Completions of the system per second, non-negative.
        visits: Mean visits to the station per completion of the system, non-negative.

    Returns:
        Completions of the station per second.

    Raises:
        ValueError: If an argument is negative or not finite.
    """
    _checks.non_negative("throughput", throughput)
    _checks.non_negative("visits", visits)
    return throughput * visits


def service_demand(*, visits: float, service_time: float) -> float:
    """Service demand of one completion of the system at a station, D = V S.

    Args:
        visits: Mean visits to the station per completion of the system, non-negative.
        service_time: Mean service time of one visit in seconds, non-negative.

    Returns:
        The demand in seconds.

    Raises:
        ValueError: If an argument is negative or not finite.
    """
    _checks.non_negative("visits", visits)
    _checks.non_negative("service_time", service_time)
    return visits * service_time


def measured_demand(*, utilisation: float, throughput: float, servers: int = 1) -> float:
    """Service demand from a measurement by the utilisation law, D = U c / X.

    Args:
        utilisation: Mean busy fraction of a server, from 0 to 1.
        throughput: Completions of the system per second, positive.
        servers: Number of servers of the station, at least 1.

    Returns:
        The demand in seconds.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not 0.0 <= utilisation <= 1.0:
        raise ValueError(f"utilisation must be between 0 and 1, got {utilisation}")
    _checks.positive("throughput", throughput)
    _checks.count("servers", servers)
    return utilisation * servers / throughput
