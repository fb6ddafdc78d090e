"""A cheap stand-in for the simulation near the points that agree best with what was measured.

A quadratic in z is fitted to the logarithm of every figure by ridge regression (linear emulation,
Craig et al. 1997, with squares); products, and then squares, are left out where there are too few
points for them. Its error is what it makes at points left out of the fit, which the hat matrix
gives without fitting again (Allen 1974, PRESS): the residuals of the fit itself would flatter it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_RIDGE = 0.1  # against noise in coefficients of inputs of about unit variance
_TRUSTED = 0.99  # share of its own points that an emulator's reach takes in
_POINTS_PER_FEATURE = 3
_LEVERAGE = 0.99  # beyond, a point decides its own prediction, and says nothing when left out


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """log figure = quadratic in z, with the variance of its error at points it has not seen."""

    features: Callable[[Floats], Floats]
    coefficients: Floats  # (features, figures)
    error_variance: Floats  # (figures,), luck of a single run included
    centre: Floats  # (d,) of the points that it was fitted to
    spread: Floats  # (d, d), their covariance
    reach: float  # squared Mahalanobis distance up to which it is trusted

    @classmethod
    def fit(cls, z: Floats, logs: Floats) -> "Emulator":
        """Fit to points (n, d) and the logarithms of their figures (n, figures)."""
        features = _richest(len(z), z.shape[1])
        x = features(z)
        penalty = _RIDGE * np.eye(x.shape[1])
        penalty[0, 0] = 0.0
        solved = np.linalg.solve(x.T @ x + penalty, x.T)
        coefficients = (solved @ logs).astype(np.float64)
        leverage = np.clip((x * solved.T).sum(axis=1), 0.0, _LEVERAGE)
        left_out = (logs - x @ coefficients) / (1 - leverage)[:, None]
        centre, spread = z.mean(axis=0), np.atleast_2d(np.cov(z.T))
        spread = spread + _RIDGE**2 * np.eye(len(centre))  # a choice may have only one value left
        reach = float(np.quantile(_distances(z, centre, spread), _TRUSTED))
        return cls(
            features=features,
            coefficients=coefficients,
            error_variance=(left_out**2).mean(axis=0),
            centre=centre,
            spread=spread,
            reach=reach,
        )

    def trusts(self, z: Floats) -> NDArray[np.bool_]:
        """Return which points lie among those that it was fitted to; beyond, a quadratic lies."""
        inside: NDArray[np.bool_] = _distances(z, self.centre, self.spread) <= self.reach
        return inside

    def predict(self, z: Floats) -> Floats:
        """Return the emulated logarithms, (n, figures)."""
        logs: Floats = self.features(z) @ self.coefficients
        return logs


def points_needed(dimensions: int) -> int:
    """Return how many points a full quadratic needs."""
    return _POINTS_PER_FEATURE * (dimensions + 1) * (dimensions + 2) // 2


def _richest(points: int, dimensions: int) -> Callable[[Floats], Floats]:
    if points >= points_needed(dimensions):
        return _quadratic
    if points >= _POINTS_PER_FEATURE * (2 * dimensions + 1):
        return _squares
    return _linear


def _distances(z: Floats, centre: Floats, spread: Floats) -> Floats:
    away = z - centre
    squared: Floats = (away * np.linalg.solve(spread, away.T).T).sum(axis=1)
    return squared


def _linear(z: Floats) -> Floats:
    return np.hstack([np.ones((len(z), 1)), z])


def _squares(z: Floats) -> Floats:
    return np.hstack([_linear(z), z**2])


def _quadratic(z: Floats) -> Floats:
    """Return 1, every coordinate, and every product of two, (n, features)."""
    rows, columns = np.triu_indices(z.shape[1])
    return np.hstack([_linear(z), z[:, rows] * z[:, columns]])
