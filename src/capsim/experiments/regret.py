"""Decisions under uncertainty: what choosing one system costs against the best for each draw."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AS_GOOD = 0.99  # of the best: differences below are none


@dataclass(frozen=True, kw_only=True)
class Regret:
    """What is lost by a choice, in the unit of what was to be gained."""

    expected: float  # over the draws (Raiffa and Schlaifer 1961)
    worst: float  # in the least favourable draw (Savage 1951, minimax regret)
    best_share: float  # of the draws in which no other choice is better by a hundredth


def regrets(gains: Mapping[str, NDArray[np.float64]]) -> dict[str, Regret]:
    """Return the regret of every choice, the least expected first.

    Args:
        gains: by choice, what it yields in each draw (more is better), (draws,) each.
    """
    best = np.max(np.stack(list(gains.values())), axis=0)
    found = {
        name: Regret(
            expected=float(np.mean(best - gain)),
            worst=float(np.max(best - gain)),
            best_share=float(np.mean(gain >= _AS_GOOD * best)),
        )
        for name, gain in gains.items()
    }
    return dict(sorted(found.items(), key=lambda item: (item[1].expected, item[1].worst)))
