"""Where the posterior is highest, and how it falls off around there.

Gauss-Newton on the weighted differences between simulated and measured figures, with the prior as
a regulariser and Levenberg's damping (Levenberg 1944; Nocedal & Wright 2006, section 10.3). Under
equal luck the simulation is a deterministic function of its parameters, so finite differences are
exact up to the discreteness of its figures; the step is wide enough to look past that. The result
only ever proposes points.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.likelihood import Likelihood
from capsim.calibration.proposals import log_prior

Floats = NDArray[np.float64]
Simulate = Callable[[Floats], Floats]  # points (n, d) -> figures (n, observations)

ITERATIONS = 8
_STEP = 0.2  # in z, of the finite differences
_FAR = 1.3  # in z, either way from the prior's middle: another value of any choice
_DAMPINGS = (0.0, 1.0, 8.0)  # tried side by side in every iteration
_LONGEST_MOVE = 1.5  # in z: a linear picture holds no further
_CONVERGED = 0.05  # gain of the log posterior from which another iteration is not worth it


@dataclass(frozen=True, kw_only=True)
class Mode:
    """The highest point found, and the covariance of the posterior around it (Laplace)."""

    z: Floats  # (d,)
    figures: Floats  # (observations,) simulated there
    active: NDArray[np.int64]  # (k,) coordinates that any figure depends on
    covariance: Floats  # (k, k) of the active coordinates


def find_mode(likelihood: Likelihood, simulate: Simulate, z: Floats, figures: Floats) -> Mode:
    """Climb from a point (d,) and its figures to a mode of the posterior.

    Args:
        likelihood: of the figures.
        simulate: the simulation, of many points at once.
        z: where to start, e.g. the best point of a design.
        figures: simulated there.
    """
    height = _log_posterior(likelihood, z[None], figures[None])[0]
    for iteration in range(ITERATIONS):
        jacobian, residuals = _linearise(likelihood, simulate, z, figures)
        curvature = jacobian.T @ jacobian + np.eye(len(z))
        slope = jacobian.T @ residuals + z
        tried = np.array([z - _move(curvature, slope, damping) for damping in _DAMPINGS])
        found = simulate(tried)
        heights = _log_posterior(likelihood, tried, found)
        best = int(heights.argmax())
        gain = heights[best] - height
        if gain > 0:
            z, figures, height = tried[best], found[best], heights[best]
        if gain < _CONVERGED or iteration == ITERATIONS - 1:
            break
    # The last linearisation stands a small move away from the mode, if at all.
    flat = np.flatnonzero(np.abs(jacobian).max(axis=0) == 0)
    matters = _matter_further_off(simulate, z, figures, flat)
    active = np.setdiff1d(np.arange(len(z)), flat[~matters])
    covariance = np.linalg.inv(curvature[np.ix_(active, active)]).astype(np.float64)
    return Mode(z=z, figures=figures, active=active, covariance=covariance)


def _matter_further_off(
    simulate: Simulate, z: Floats, figures: Floats, flat: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which coordinates without a slope change any figure when they move far.

    A choice or a whole number stays what it is over a small step; under equal luck, figures of
    systems that do not differ are equal to the last digit.
    """
    if not len(flat):
        return np.zeros(0, dtype=bool)
    moved = np.repeat(z[None], 2 * len(flat), axis=0)
    for i, coordinate in enumerate(flat):
        moved[2 * i : 2 * i + 2, coordinate] = -_FAR, _FAR
    found = simulate(moved)
    same = (found == figures) | (np.isnan(found) & np.isnan(figures))
    differs = ~same.all(axis=1).reshape(len(flat), 2)
    return np.asarray(differs.any(axis=1), dtype=bool)


def _linearise(
    likelihood: Likelihood, simulate: Simulate, z: Floats, figures: Floats
) -> tuple[Floats, Floats]:
    """Return the derivatives of the residuals (observations, d), and the residuals themselves.

    Each coordinate steps towards the middle of its prior, where the model is best behaved.
    """
    steps = np.where(z > 0, -_STEP, _STEP)
    moved = simulate(z + np.diag(steps))
    residuals = likelihood.residuals(np.vstack([figures[None], moved]))
    residuals = np.nan_to_num(residuals)  # a figure that vanished says nothing of its slope
    return (residuals[1:] - residuals[0]).T / steps, residuals[0]


def _move(curvature: Floats, slope: Floats, damping: float) -> Floats:
    damped = curvature + damping * np.diag(np.diag(curvature))
    step = np.linalg.solve(damped, slope).astype(np.float64)
    longest = float(np.abs(step).max())
    return step * min(1.0, _LONGEST_MOVE / longest) if longest > 0 else step


def _log_posterior(likelihood: Likelihood, z: Floats, figures: Floats) -> Floats:
    return likelihood.log_many(figures) + log_prior(z)
