"""Where to simulate next: the posterior as the surrogate sees it, and around what fitted well.

It proposes points, which are then simulated. An emulator is trusted no further than its own points
reach; if it alone proposed the next ones, it would never reach further, and the few good points
that an earlier round found beyond would keep all of the weight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.proposals import Proposal
from capsim.calibration.surrogate import Surrogate

Floats = NDArray[np.float64]
_CLOUD = 3000  # candidates per iteration
_ITERATIONS = 8
_WALK = 300  # Metropolis steps: enough to forget where a walk began
_AROUND_SHARE = 0.4  # of the points, which may lie beyond the emulator's reach
_STEP = 2.4  # over the root of the dimension: the best scale of a walk's steps (Gelman et al. 1996)


@dataclass(frozen=True, kw_only=True)
class EmulatedPosterior:
    """The posterior as an emulator sees it, mixed with a proposal that is not bound by it."""

    surrogate: Surrogate
    around: Proposal  # what fitted well so far
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
        others = self.around.draw(count, dimensions, generator)
        is_other = generator.random(count) < _AROUND_SHARE
        return np.where(is_other[:, None], others, points)

    def log_density(self, z: Floats) -> Floats:
        """Return the log density of the mixture at points (n, d)."""
        known = self.surrogate.log_posterior(z) - self.log_constant
        other = np.log(_AROUND_SHARE) + self.around.log_density(z)
        density: Floats = np.logaddexp(np.log1p(-_AROUND_SHARE) + known, other)
        return density

    @property
    def _active(self) -> NDArray[np.int64]:
        return self.surrogate.active


def emulated_posterior(
    surrogate: Surrogate, dimensions: int, around: Proposal, generator: np.random.Generator
) -> EmulatedPosterior | Proposal:
    """Find the posterior of a surrogate by iterating on it alone; `around` where it is lost.

    Args:
        surrogate: of the likelihood.
        dimensions: of the points.
        around: the points that fitted well; where to begin.
        generator: for the candidates.
    """
    proposal = around
    for _ in range(_ITERATIONS):
        cloud = proposal.draw(_CLOUD, dimensions, generator)
        log_weights = surrogate.log_posterior(cloud) - proposal.log_density(cloud)
        if not np.isfinite(log_weights.max()):
            return around  # nothing that was proposed lies within the emulator's reach
        weights = np.exp(log_weights - log_weights.max())
        proposal = Proposal.around(cloud, weights / weights.sum(), surrogate.active)
    chosen = generator.choice(len(cloud), size=len(cloud) // 4, p=weights / weights.sum())
    return EmulatedPosterior(
        surrogate=surrogate,
        around=around,
        start=cloud[chosen],
        steps=proposal,
        log_constant=float(log_weights.max() + np.log(weights.mean())),
    )
