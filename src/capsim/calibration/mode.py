"""Where the posterior is highest, and how it falls off around there.

Gauss-Newton on the weighted differences between simulated and measured figures, with the prior as
a regulariser and Levenberg's damping (Levenberg 1944; Nocedal & Wright 2006, section 10.3). Under
equal luck the simulation is a deterministic function of its parameters, so finite differences are
exact up to the discreteness of its figures; the step is wide enough to look past that. The result
only ever proposes points: what they are worth is decided by true simulations.
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
    active = np.flatnonzero(np.abs(jacobian).max(axis=0) > 0)
    covariance = np.linalg.inv(curvature[np.ix_(active, active)]).astype(np.float64)
    return Mode(z=z, figures=figures, active=active, covariance=covariance)


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
