"""A cheap stand-in for the simulations so far, to find where the next ones are worth their time.

A quadratic in z is fitted to the logarithm of every figure, by ridge regression on the points that
agree best (the linear emulation of Craig et al. 1997 with squares). What it gets wrong is known
from its own residuals and widens the likelihood, so that a poor fit explores instead of misleading.
It only ever proposes points: weights always come from real simulations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.likelihood import Likelihood
from capsim.calibration.proposals import Proposal, log_prior
from capsim.loadtest.observations import Observation

Floats = NDArray[np.float64]
_CLOUD = 2000  # candidates per iteration
_ITERATIONS = 6
_RIDGE = 0.1  # on coefficients of unit-variance inputs; against noise, not against the data
_POINTS_PER_DIMENSION = 8  # used at least, best first


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """log figure = quadratic in z, with the variance that this leaves unexplained."""

    coefficients: Floats  # (features, figures)
    residual_variance: Floats  # (figures,)

    @classmethod
    def fit(cls, z: Floats, logs: Floats, agreement: Floats) -> "Emulator":
        """Fit to the points of highest agreement, (n, d) and (n, figures)."""
        count = max(len(z) // 2, _POINTS_PER_DIMENSION * z.shape[1])
        chosen = np.argsort(-agreement, kind="stable")[:count]
        x, y = _features(z[chosen]), logs[chosen]
        penalty = _RIDGE * np.eye(x.shape[1])
        penalty[0, 0] = 0.0
        gram = x.T @ x
        coefficients = np.linalg.solve(gram + penalty, x.T @ y).astype(np.float64)
        freedom = float(np.trace(np.linalg.solve(gram + penalty, gram)))
        left = max(1.0, len(chosen) - freedom)
        residuals = y - x @ coefficients
        return cls(coefficients=coefficients, residual_variance=(residuals**2).sum(axis=0) / left)

    def predict(self, z: Floats) -> Floats:
        """Return the emulated logarithms, (n, figures)."""
        logs: Floats = _features(z) @ self.coefficients
        return logs


def emulated_proposal(
    wanted: Sequence[Observation],
    z: Floats,
    figures: Floats,
    start: Proposal,
    generator: np.random.Generator,
) -> Proposal:
    """Return where the emulated posterior lies, found by iterating on the emulator alone.

    Args:
        wanted: the observations, in the order of the figures' columns.
        z: (n, d) points simulated so far.
        figures: (n, observations) what came out.
        start: where to begin.
        generator: for the candidates.
    """
    smooth = [i for i, o in enumerate(wanted) if o.metric != "failure_ratio"]
    observations = [wanted[i] for i in smooth]
    known = (figures[:, smooth] > 0).all(axis=1)
    logs = np.log(figures[known][:, smooth])
    likelihood = Likelihood(observations=tuple(observations))
    active = start.active
    emulator = Emulator.fit(
        z[known][:, active], logs, likelihood.log_many(figures[known][:, smooth])
    )
    likelihood = likelihood.widened(emulator.residual_variance)
    proposal = start
    for _ in range(_ITERATIONS):
        cloud = proposal.draw(_CLOUD, z.shape[1], generator)
        agreement = likelihood.log_many(np.exp(emulator.predict(cloud[:, active])))
        log_weights = agreement + log_prior(cloud) - proposal.log_density(cloud)
        weights = np.exp(log_weights - log_weights.max())
        proposal = Proposal.around(cloud, weights / weights.sum(), active)
    return proposal


def _features(z: Floats) -> Floats:
    """Return 1, every coordinate, and every product of two, (n, features)."""
    rows, columns = np.triu_indices(z.shape[1])
    return np.hstack([np.ones((len(z), 1)), z, z[:, rows] * z[:, columns]])
