"""Targets that are met on paper: the work is left behind, or most of the answers are failures."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capsim.experiments.left_behind import is_left_behind
from capsim.experiments.trials import Outcome

MARK = "!"  # of a row or a level that has one
MARKED = "work is left behind, or most requests fail"  # on pictures
_MOST = 0.5  # of the requests, or of the draws


class Caveat(StrEnum):
    """Why a good figure may be none, as JSON and CSV call it."""

    LEFT_BEHIND = "left_behind"  # work that nobody waits for comes faster than it is done
    FAILING = "mostly_failing"  # most requests fail, and a failure may come soon


def caveats(outcomes: Sequence[Outcome], is_met: ArrayLike) -> dict[Caveat, float]:
    """Return what is to be said of a system, and in which share of the draws it is so.

    It is said where it is so in most draws, or in any that meets the target.

    Args:
        outcomes: one per draw.
        is_met: whether the target is met in each of them.
    """
    met = np.asarray(is_met, dtype=bool)
    return {
        caveat: float(np.mean(so))
        for caveat, so in _draws(outcomes).items()
        if np.mean(so) > _MOST or np.any(so & met)
    }


def caveat_shares(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return in which share of the draws each is so, worth a word or not."""
    return {caveat.value: float(np.mean(so)) for caveat, so in _draws(outcomes).items()}


def met_soundly(outcomes: Sequence[Outcome], is_met: ArrayLike) -> float:
    """Return the share of the draws that meet the target without any caveat."""
    met = np.asarray(is_met, dtype=bool)
    return float(np.mean(met & ~np.any(list(_draws(outcomes).values()), axis=0)))


def _draws(outcomes: Sequence[Outcome]) -> dict[Caveat, NDArray[np.bool_]]:
    """Return in which draws each is so."""
    return {
        Caveat.LEFT_BEHIND: np.array([is_left_behind(outcome) for outcome in outcomes]),
        Caveat.FAILING: np.array([o.metrics["failure_ratio"] > _MOST for o in outcomes]),
    }
