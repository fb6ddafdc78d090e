"""The Universal Scalability Law: throughput under contention and coherency delay."""

import math

from capsim.theory import _checks


def usl_throughput(
    *, population: float, unit_rate: float, contention: float, coherency: float
) -> float:
    """Throughput of N users or processors, lambda N / (1 + sigma (N - 1) + kappa N (N - 1)).

    Source: Gunther 1993, "A Simple Capacity Model of Massively Parallel Transaction Systems";
    Gunther 2007, "Guerrilla Capacity Planning", chapter 4. With kappa = 0 this is Amdahl's law.

    Args:
        population: Number of users or processors N, at least 1.
        unit_rate: Completions per second lambda of one alone.
        contention: Serial fraction sigma, from 0 to 1.
        coherency: Cost kappa of keeping a pair consistent, relative to the work of one.

    Returns:
        The completions per second.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not 1.0 <= population < math.inf:
        raise ValueError(f"population must be finite and at least 1, got {population}")
    _checks.positive("unit_rate", unit_rate)
    _check_costs(contention, coherency)
    others = population - 1.0
    return unit_rate * population / (1.0 + (contention + coherency * population) * others)


def usl_peak(*, contention: float, coherency: float) -> float:
    """Number of users beyond which throughput falls, sqrt((1 - sigma) / kappa).

    Args:
        contention: Serial fraction sigma, from 0 to 1.
        coherency: Cost kappa of keeping a pair consistent.

    Returns:
        The peak, not rounded; infinite without coherency cost. Below 1 nobody should be added.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_costs(contention, coherency)
    return math.sqrt((1.0 - contention) / coherency) if coherency else math.inf


def _check_costs(contention: float, coherency: float) -> None:
    if not 0.0 <= contention <= 1.0:
        raise ValueError(f"contention must be in [0, 1], got {contention}")
    _checks.non_negative("coherency", coherency)
