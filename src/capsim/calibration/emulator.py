"""A cheap stand-in for the simulations so far, to find where the next ones are worth their time.

A quadratic in z is fitted to the logarithm of every figure, by ridge regression on the points that
agree best (linear emulation, Craig et al. 1997, with squares). What it leaves unexplained is known
from its own residuals and widens the likelihood, so that a poor fit explores instead of misleading.
It only ever proposes points: what they are worth is decided by true simulations.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.likelihood import Likelihood
from capsim.calibration.proposals import PRIOR_SHARE, Proposal, log_prior

Floats = NDArray[np.float64]
_CLOUD = 3000  # candidates per iteration
_ITERATIONS = 8
_RIDGE = 0.1  # against noise in coefficients of inputs of about unit variance
_TRUSTED = 0.95  # share of its own points that an emulator's reach takes in
_WALK = 300  # Metropolis steps: enough to forget where a walk began
_STEP = 2.4  # over the root of the dimension: the best scale of a walk's steps (Gelman et al. 1996)
_POINTS_PER_DIMENSION = 10  # used at least, best first


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


@dataclass(frozen=True, kw_only=True)
class EmulatedPosterior:
    """The posterior as an emulator sees it, mixed with the prior: where to simulate next."""

    likelihood: Likelihood
    emulator: Emulator
    active: NDArray[np.int64]  # coordinates that the figures depend on; the others keep their prior
    start: Floats  # (m, d) points to walk from, distributed as the posterior, nearly
    steps: Proposal  # whose shape the walk's steps have
    log_constant: float  # log of the integral of the unnormalised posterior

    def draw(self, count: int, dimensions: int, generator: np.random.Generator) -> Floats:
        """Return (count, dimensions) points: each the end of a Metropolis walk of its own."""
        points = self.start[generator.integers(len(self.start), size=count)]
        heights = self._log_target(points)
        root = np.linalg.cholesky(self.steps.shape) * _STEP / np.sqrt(len(self.active))
        for _ in range(_WALK):
            moved = points.copy()
            moved[:, self.active] += generator.standard_normal((count, len(self.active))) @ root.T
            found = self._log_target(moved)
            accepted = np.log(generator.random(count)) < found - heights
            points = np.where(accepted[:, None], moved, points)
            heights = np.where(accepted, found, heights)
        passive = np.setdiff1d(np.arange(dimensions), self.active)
        points[:, passive] = generator.standard_normal((count, len(passive)))
        wide = generator.standard_normal((count, dimensions))
        from_prior = generator.random(count) < PRIOR_SHARE
        return np.where(from_prior[:, None], wide, points)

    def log_density(self, z: Floats) -> Floats:
        """Return the log density of the mixture at points (n, d)."""
        known = self._log_target(z) - self.log_constant
        wide = np.log(PRIOR_SHARE) + log_prior(z)
        density: Floats = np.logaddexp(np.log1p(-PRIOR_SHARE) + known, wide)
        return density

    def _log_target(self, z: Floats) -> Floats:
        return _log_target(self.likelihood, self.emulator, self.active, z)


def emulated_posterior(
    likelihood: Likelihood,
    z: Floats,
    figures: Floats,
    start: Proposal,
    generator: np.random.Generator,
) -> EmulatedPosterior:
    """Fit an emulator to what is known, and find its posterior by iterating on it alone.

    Args:
        likelihood: of the figures.
        z: (n, d) points simulated so far.
        figures: (n, observations) what came out.
        start: where to begin.
        generator: for the candidates.
    """
    active = start.active
    observed = likelihood.observations
    columns = [i for i, o in enumerate(observed) if o.metric != "failure_ratio"]  # has no log
    known = np.flatnonzero((figures[:, columns] > 0).all(axis=1))
    agreement = likelihood.log_many(figures[known]) + log_prior(z[known])
    count = max(len(known) // 2, _POINTS_PER_DIMENSION * len(active))
    best = known[np.argsort(-agreement, kind="stable")[:count]]
    emulator = Emulator.fit(z[best][:, active], np.log(figures[best][:, columns]))
    widened = likelihood.restricted(columns).widened(emulator.residual_variance)
    proposal = start
    for _ in range(_ITERATIONS):
        cloud = proposal.draw(_CLOUD, z.shape[1], generator)
        log_weights = _log_target(widened, emulator, active, cloud) - proposal.log_density(cloud)
        weights = np.exp(log_weights - log_weights.max())
        proposal = Proposal.around(cloud, weights / weights.sum(), active)
    chosen = generator.choice(len(cloud), size=len(cloud) // 4, p=weights / weights.sum())
    return EmulatedPosterior(
        likelihood=widened,
        emulator=emulator,
        active=active,
        start=cloud[chosen],
        steps=proposal,
        log_constant=float(log_weights.max() + np.log(weights.mean())),
    )


def _log_target(
    likelihood: Likelihood, emulator: Emulator, active: NDArray[np.int64], z: Floats
) -> Floats:
    """Return the unnormalised log posterior of the emulator; minus infinity out of its reach."""
    logs = emulator.predict(z[:, active])
    heights = likelihood.log_many(np.exp(logs)) + log_prior(z)
    target: Floats = np.where(emulator.trusts(z[:, active]), heights, -np.inf)
    return target


def _distances(z: Floats, centre: Floats, spread: Floats) -> Floats:
    away = z - centre
    squared: Floats = (away * np.linalg.solve(spread, away.T).T).sum(axis=1)
    return squared


def _features(z: Floats) -> Floats:
    """Return 1, every coordinate, and every product of two, (n, features)."""
    rows, columns = np.triu_indices(z.shape[1])
    return np.hstack([np.ones((len(z), 1)), z, z[:, rows] * z[:, columns]])
