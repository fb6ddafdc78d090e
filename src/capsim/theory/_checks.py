"""Argument checks shared by the theory modules.

Each check returns nothing and raises ValueError with the argument's name, its value and the rule
that it broke.
"""

import math
from collections.abc import Sequence


def positive(name: str, value: float) -> None:
    """Require a finite number above zero."""
    if not 0.0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value}")


def non_negative(name: str, value: float) -> None:
    """Require a finite number that is not below zero."""
    if not 0.0 <= value < math.inf:
        raise ValueError(f"{name} must be non-negative and finite, got {value}")


def count(name: str, value: float, *, least: int = 1) -> None:
    """Require a whole number of at least `least`."""
    if not least <= value < math.inf or value != int(value):
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value}")


def servers(name: str, value: float) -> None:
    """Require a number of servers: a whole number of at least 1, or infinity (a delay)."""
    if value != math.inf and not (1 <= value < math.inf and value == int(value)):
        raise ValueError(f"{name} must be a whole number of at least 1 or math.inf, got {value}")


def stable(arrival_rate: float, capacity: float) -> None:
    """Require an arrival rate that an open queue can serve."""
    if arrival_rate >= capacity:
        raise ValueError(
            f"arrival_rate must be below the service capacity {capacity} of a stable queue, "
            f"got {arrival_rate}"
        )


def same_length(name: str, length: int, *, other: str, expected: int) -> None:
    """Require two sequences of one length."""
    if length != expected:
        raise ValueError(f"{name} must have one entry per {other} ({expected}), got {length}")


def stations(demands: Sequence[float]) -> None:
    """Require at least one station and a positive demand at each."""
    if len(demands) == 0:
        raise ValueError("demands must have at least one station, got 0")
    for index, demand in enumerate(demands):
        positive(f"demands[{index}]", demand)
