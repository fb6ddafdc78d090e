"""The most that several classes get out of one resource, whatever mix that takes.

Under load the mix of requests changes: classes that avoid the bottleneck ask more often. A bound
on all of them together has to hold for every mix that the resource carries.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_HALVINGS = 60  # to the last digit


def packed(
    values: FloatArray, seconds: FloatArray, servers: float | FloatArray, rates: FloatArray
) -> FloatArray:
    """Return the most value per second within what a resource carries.

    This is a fractional knapsack: classes are served in the order of value per second of demand.

    Args:
        values: of a request of each class, shape (classes, points).
        seconds: that a request of each class keeps a server busy, shape (classes,).
        servers: of the resource, scalar or shape (points,).
        rates: requests per second that each class sends at most, shape (classes, points).
    """
    every = np.broadcast_to(seconds[:, np.newaxis], rates.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(every > 0, values / every, np.inf)
        order = np.argsort(-worth, axis=0, kind="stable")
        most, each = np.take_along_axis(rates, order, 0), np.take_along_axis(every, order, 0)
        used = np.cumsum(most * each, axis=0) - most * each  # by those before
        served = np.where(each > 0, np.clip((servers - used) / each, 0.0, most), most)
    found: FloatArray = (served * np.take_along_axis(values, order, 0)).sum(axis=0)
    return found


def least_response_s(
    most: Callable[[FloatArray], FloatArray], think_s: FloatArray, users: FloatArray
) -> FloatArray:
    """Return the mean response time that no mix can beat.

    With x requests per second of each class, users number the sum of x (think time + response
    time), so at the true mean response time R the value `most(think_s + R)` is no smaller.

    Args:
        most: the most value per second, given the value of a request of each class at each point.
        think_s: mean think time of each class.
        users: at each point.
    """
    thinks = np.broadcast_to(think_s[:, np.newaxis], (len(think_s), len(users)))
    low = np.zeros(len(users))
    high = users / most(np.ones(thinks.shape))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = most(thinks + middle) >= users
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high
