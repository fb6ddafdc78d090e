"""Where to simulate next: the posterior as the surrogate sees it, mixed with the prior.

It proposes points, which are then simulated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.proposals import PRIOR_SHARE, Proposal, log_prior
from capsim.calibration.surrogate import Surrogate

Floats = NDArray[np.float64]
_CLOUD = 3000  # candidates per iteration
_ITERATIONS = 8
_WALK = 300  # Metropolis steps: enough to forget where a walk began
_STEP = 2.4  # over the root of the dimension: the best scale of a walk's steps (Gelman et al. 1996)


@dataclass(frozen=True, kw_only=True)
class EmulatedPosterior:
    """The posterior as an emulator sees it, mixed with the prior: where to simulate next."""

    surrogate: Surrogate
    start: Floats  # (m, d) points to walk from, distributed as the posterior, nearly
    steps: Proposal  # whose shape the walk's steps have
    log_constant: float  # log of the integral of the unnormalised posterior

    def draw(self, count: int, dimensions: int, generator: np.random.Generator) -> Floats:
        """Return (count, dimensions) points: each the end of a Metropolis walk of its own."""
        points = self.start[generator.integers(len(self.start), size=count)]
        heights = self.surrogate.log_posterior(points)
        root = np.linalg.cholesky(self.steps.shape) * _STEP / np.sqrt(len(self._active))
        for _ in range(_WALK):
            moved = points.copy()
            moved[:, self._active] += generator.standard_normal((count, len(self._active))) @ root.T
            found = self.surrogate.log_posterior(moved)
            accepted = np.log(generator.random(count)) < found - heights
            points = np.where(accepted[:, None], moved, points)
            heights = np.where(accepted, found, heights)
        passive = np.setdiff1d(np.arange(dimensions), self._active)
        points[:, passive] = generator.standard_normal((count, len(passive)))
        wide = generator.standard_normal((count, dimensions))
        from_prior = generator.random(count) < PRIOR_SHARE
        return np.where(from_prior[:, None], wide, points)

    def log_density(self, z: Floats) -> Floats:
        """Return the log density of the mixture at points (n, d)."""
        known = self.surrogate.log_posterior(z) - self.log_constant
        wide = np.log(PRIOR_SHARE) + log_prior(z)
        density: Floats = np.logaddexp(np.log1p(-PRIOR_SHARE) + known, wide)
        return density

    @property
    def _active(self) -> NDArray[np.int64]:
        return self.surrogate.active


def emulated_posterior(
    surrogate: Surrogate, dimensions: int, start: Proposal, generator: np.random.Generator
) -> EmulatedPosterior | Proposal:
    """Find the posterior of a surrogate by iterating on it alone; `start` where it is lost.

    Args:
        surrogate: of the likelihood.
        dimensions: of the points.
        start: where to begin.
        generator: for the candidates.
    """
    proposal = start
    for _ in range(_ITERATIONS):
        cloud = proposal.draw(_CLOUD, dimensions, generator)
        log_weights = surrogate.log_posterior(cloud) - proposal.log_density(cloud)
        if not np.isfinite(log_weights.max()):
            return start  # nothing that was proposed lies within the emulator's reach
        weights = np.exp(log_weights - log_weights.max())
        proposal = Proposal.around(cloud, weights / weights.sum(), surrogate.active)
    chosen = generator.choice(len(cloud), size=len(cloud) // 4, p=weights / weights.sum())
    return EmulatedPosterior(
        surrogate=surrogate,
        start=cloud[chosen],
        steps=proposal,
        log_constant=float(log_weights.max() + np.log(weights.mean())),
    )
