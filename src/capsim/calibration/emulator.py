"""A cheap stand-in for the simulation near the points that agree best with what was measured.

A quadratic in z is fitted to the logarithm of every figure by ridge regression (linear emulation,
Craig et al. 1997, with squares). What it leaves unexplained is known from its own residuals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_RIDGE = 0.1  # against noise in coefficients of inputs of about unit variance
_TRUSTED = 0.95  # share of its own points that an emulator's reach takes in


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """log figure = quadratic in z, with the variance that this leaves unexplained."""

    coefficients: Floats  # (features, figures)
    residual_variance: Floats  # (figures,)
    centre: Floats  # (d,) of the points that it was fitted to
    spread: Floats  # (d, d), their covariance
    reach: float  # squared Mahalanobis distance up to which it is trusted

    @classmethod
    def fit(cls, z: Floats, logs: Floats) -> "Emulator":
        """Fit to points (n, d) and the logarithms of their figures (n, figures)."""
        x = _features(z)
        penalty = _RIDGE * np.eye(x.shape[1])
        penalty[0, 0] = 0.0
        gram = x.T @ x
        coefficients = np.linalg.solve(gram + penalty, x.T @ logs).astype(np.float64)
        freedom = float(np.trace(np.linalg.solve(gram + penalty, gram)))
        residuals = logs - x @ coefficients
        variance = (residuals**2).sum(axis=0) / max(1.0, len(z) - freedom)
        centre, spread = z.mean(axis=0), np.atleast_2d(np.cov(z.T))
        reach = float(np.quantile(_distances(z, centre, spread), _TRUSTED))
        return cls(
            coefficients=coefficients,
            residual_variance=variance,
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
        logs: Floats = _features(z) @ self.coefficients
        return logs


def _distances(z: Floats, centre: Floats, spread: Floats) -> Floats:
    away = z - centre
    squared: Floats = (away * np.linalg.solve(spread, away.T).T).sum(axis=1)
    return squared


def _features(z: Floats) -> Floats:
    """Return 1, every coordinate, and every product of two, (n, features)."""
    rows, columns = np.triu_indices(z.shape[1])
    return np.hstack([np.ones((len(z), 1)), z, z[:, rows] * z[:, columns]])
