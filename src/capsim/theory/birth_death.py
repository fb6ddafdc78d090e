"""Stationary distribution of a finite birth-death chain, the root of the Markovian queues.

Source: Kleinrock 1975, "Queueing Systems, Volume 1", chapter 3.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from capsim.theory import _checks

FloatArray = npt.NDArray[np.float64]


def birth_death_distribution(
    *, birth_rates: Sequence[float] | FloatArray, death_rates: Sequence[float] | FloatArray
) -> FloatArray:
    """Stationary distribution of a birth-death chain on the states 0..n.

    Args:
        birth_rates: Rate per second from state i to i + 1 for i = 0..n-1, positive, shape (n,).
        death_rates: Rate per second from state i + 1 to i for i = 0..n-1, positive, shape (n,).

    Returns:
        The probabilities of the states 0..n, shape (n + 1,).

    Raises:
        ValueError: If the lengths differ or a rate is not positive.
    """
    births = np.asarray(birth_rates, dtype=np.float64)
    deaths = np.asarray(death_rates, dtype=np.float64)
    _checks.same_length("death_rates", deaths.size, other="birth rate", expected=births.size)
    for name, rates in (("birth_rates", births), ("death_rates", deaths)):
        wrong = np.flatnonzero(~((rates > 0.0) & (rates < np.inf)))
        if wrong.size:
            _checks.positive(f"{name}[{wrong[0]}]", float(rates[wrong[0]]))
    # Logarithms, because the products of hundreds of rates leave the range of a float.
    log_weights = np.concatenate(([0.0], np.cumsum(np.log(births) - np.log(deaths))))
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())
