"""Bounds on a closed interactive system that need only its demands.

Asymptotic bounds hold whatever the distributions; balanced job bounds are tighter and hold for
separable (product form) networks of single servers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.theory import _checks

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounds:
    """Bounds on throughput and response time; every array has the shape of `population`.

    Attributes:
        population: Number of users.
        lower_throughput: Completions per second that the system reaches at least.
        upper_throughput: Completions per second that the system cannot exceed.
        lower_response_time: Mean response time in seconds that the system cannot beat.
        upper_response_time: Mean response time in seconds that the system does not exceed.
    """

    population: FloatArray
    lower_throughput: FloatArray
    upper_throughput: FloatArray
    lower_response_time: FloatArray
    upper_response_time: FloatArray


def asymptotic_bounds(
    *,
    demands: Sequence[float],
    population: npt.ArrayLike,
    servers: Sequence[float] | None = None,
    think_time: float = 0.0,
) -> Bounds:
    """Asymptotic bounds of a closed interactive system.

    The optimistic side lets nobody queue until a station saturates. The pessimistic side lets
    everybody find all the others at every station, where each works off n customers at the rate
    of min(n, servers) servers.

    Source: Denning and Buzen 1978; Lazowska et al. 1984, chapter 5. With c servers a saturated
    station completes c / D per second, and the pessimistic time at it is D max(1, N / c).

    Args:
        demands: Service demand per station in seconds, each positive.
        population: Number of users, scalar or array, each at least 1.
        servers: Servers per station, `math.inf` for a delay; one each by default.
        think_time: Mean think time in seconds.

    Returns:
        The bounds, in the shape of `population`.

    Raises:
        ValueError: If an argument is out of range or `servers` has another length than `demands`.
    """
    counts = _station_servers(demands, servers)
    users = _users(population)
    _checks.non_negative("think_time", think_time)
    demand = np.asarray(demands, dtype=np.float64)
    no_queue = float(demand.sum())
    slowest = float((demand / counts).max())
    upper_response = (demand * np.maximum(1.0, users[..., np.newaxis] / counts)).sum(axis=-1)
    lower_response = np.maximum(no_queue, users * slowest - think_time)
    return _bounds(users, lower_response, upper_response, think_time)


def balanced_job_bounds(
    *, demands: Sequence[float], population: npt.ArrayLike, think_time: float = 0.0
) -> Bounds:
    """Balanced job bounds of a separable closed interactive system of single servers.

    Source: Zahorjan, Sevcik, Eager and Galler 1982, "Balanced Job Bound Analysis of Queueing
    Networks"; with think time as in Lazowska et al. 1984, chapter 5.

    Args:
        demands: Service demand per single-server station in seconds, each positive.
        population: Number of users, scalar or array, each at least 1.
        think_time: Mean think time in seconds.

    Returns:
        The bounds, in the shape of `population`.

    Raises:
        ValueError: If an argument is out of range.
    """
    _station_servers(demands, None)
    users = _users(population)
    _checks.non_negative("think_time", think_time)
    total, largest = math.fsum(demands), max(demands)
    average = total / len(demands)
    balanced = total + (users - 1.0) * average / (1.0 + think_time / total)
    lower_response = np.maximum(users * largest - think_time, balanced)
    upper_response = total + (users - 1.0) * largest / (1.0 + think_time / (users * total))
    return _bounds(users, lower_response, upper_response, think_time)


def knee(
    *,
    demands: Sequence[float],
    servers: Sequence[float] | None = None,
    think_time: float = 0.0,
) -> float:
    """Population N* at which the two optimistic asymptotes of the throughput cross.

    Source: Denning and Buzen 1978, "saturation point"; Lazowska et al. 1984, chapter 5.

    Args:
        demands: Service demand per station in seconds, each positive.
        servers: Servers per station, `math.inf` for a delay; one each by default.
        think_time: Mean think time in seconds.

    Returns:
        N* = (R0 + Z) min(c / D), infinite if every station is a delay.

    Raises:
        ValueError: If an argument is out of range or `servers` has another length than `demands`.
    """
    counts = _station_servers(demands, servers)
    _checks.non_negative("think_time", think_time)
    capacity = float((counts / np.asarray(demands, dtype=np.float64)).min())
    return (math.fsum(demands) + think_time) * capacity


def _bounds(users: FloatArray, lower: FloatArray, upper: FloatArray, think_time: float) -> Bounds:
    """Bounds on the throughput follow from those on the response time by X = N / (R + Z)."""
    return Bounds(
        population=users,
        lower_throughput=np.asarray(users / (upper + think_time)),
        upper_throughput=np.asarray(users / (lower + think_time)),
        lower_response_time=np.asarray(lower),
        upper_response_time=np.asarray(upper),
    )


def _station_servers(demands: Sequence[float], servers: Sequence[float] | None) -> FloatArray:
    """Check the stations and return the number of servers of each, shape (stations,)."""
    _checks.stations(demands)
    counts = [1.0] * len(demands) if servers is None else list(servers)
    _checks.same_length("servers", len(counts), other="station", expected=len(demands))
    for index, number in enumerate(counts):
        _checks.servers(f"servers[{index}]", number)
    return np.asarray(counts, dtype=np.float64)


def _users(population: npt.ArrayLike) -> FloatArray:
    """Check the population and return it as an array of floats."""
    users = np.asarray(population, dtype=np.float64)
    wrong = users[~((users >= 1.0) & (users < math.inf))]
    if wrong.size:
        raise ValueError(f"population must be at least 1 and finite, got {wrong[0]}")
    return users
