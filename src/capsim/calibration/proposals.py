"""Where to try parameters: a space-filling design first, then near what fitted well.

Everything happens on the priors' own normal scale: z is standard normal a priori, u = Phi(z) is
a quantile, and the parameter is that quantile of its prior.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from capsim.model.priors import Prior

Floats = NDArray[np.float64]
_NORMAL = NormalDist()
_TAIL = 1e-4  # quantiles stay inside (tail, 1 - tail), where templates were checked
PRIOR_SHARE = 0.1  # of every adapted proposal: no corner of the prior is ever left out
_FREEDOM = 8  # heavier tails than the target's keep importance weights bounded
_FLOOR = 0.02  # standard deviation in z: no parameter is ever known better than the proposal
# Wider than what was found: tails that no proposal reaches are missed without a sign of it. Of the
# bent ridge in tests/theory/test_calibration_sampler.py, 2 in place of 1.2 doubles the draws that
# are effective when counted over points of the exact posterior.
_INFLATION = 2.0


def design(dimensions: int, count: int, seed: int) -> Floats:
    """Return (count, dimensions) points of a scrambled Sobol sequence on the normal scale."""
    from scipy.stats import qmc

    sobol = qmc.Sobol(dimensions, rng=np.random.default_rng(seed))
    u = sobol.random_base2(math.ceil(math.log2(count)))[:count]
    return to_normal(np.asarray(u))


def to_normal(u: Floats) -> Floats:
    """Return the normal scores of quantiles."""
    clipped = np.clip(u, _TAIL, 1 - _TAIL)
    scores: Floats = np.vectorize(_NORMAL.inv_cdf)(clipped)
    return scores


def to_values(z: Floats, priors: Sequence[Prior]) -> Floats:
    """Return the parameters (n, d) that points on the normal scale stand for."""
    u = np.clip(np.vectorize(_NORMAL.cdf)(z), _TAIL, 1 - _TAIL)
    columns = [[prior.quantile(q) for q in u[:, i]] for i, prior in enumerate(priors)]
    return np.array(columns).T.reshape(z.shape)


def to_cells(z: Floats, priors: Sequence[Prior]) -> Floats:
    """Return points (n, d) with every choice or whole number moved to the middle of its cell.

    Points of one cell stand for the same parameters; a smooth emulator has to see them as one.
    """
    cells = z.copy()
    for i, prior in enumerate(priors):
        if prior.integer or prior.prior == "choice":
            u = np.clip(np.vectorize(_NORMAL.cdf)(z[:, i]), _TAIL, 1 - _TAIL)
            cells[:, i] = to_normal(np.array([prior.cell(q) for q in u]))
    return cells


def log_prior(z: Floats) -> Floats:
    """Return the log density of the standard normal prior, (n,)."""
    density: Floats = -0.5 * (z**2).sum(axis=1) - 0.5 * z.shape[1] * math.log(2 * math.pi)
    return density


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A multivariate t around what fitted well, mixed with the prior.

    Coordinates that no observation depends on are drawn from the prior: nothing can be learned
    of them, and an estimate of their place would be noise.
    """

    active: NDArray[np.int64]  # (k,) coordinates that observations depend on
    mean: Floats  # (k,)
    shape: Floats  # (k, k)

    @classmethod
    def around(cls, z: Floats, weights: Floats, active: NDArray[np.int64]) -> "Proposal":
        """Return the proposal with the weighted mean and covariance of earlier points (n, d)."""
        points = z[:, active]
        mean = weights @ points
        centred = points - mean
        covariance = (centred * weights[:, None]).T @ centred
        # Few effective draws leave directions unexplored: shrink towards the diagonal, and keep
        # a floor, so that the next round can still move there.
        effective = 1 / float((weights**2).sum())
        shrink = min(1.0, len(active) / effective)
        covariance = (1 - shrink) * covariance + shrink * np.diag(np.diag(covariance))
        covariance += np.eye(len(active)) * _FLOOR**2
        return cls(active=active, mean=mean, shape=_INFLATION * covariance)

    def draw(self, count: int, dimensions: int, generator: np.random.Generator) -> Floats:
        """Return (count, dimensions) points."""
        from scipy.stats import multivariate_t

        points = generator.standard_normal((count, dimensions))
        near = multivariate_t(self.mean, self.shape, df=_FREEDOM, seed=generator).rvs(count)
        adapted = generator.random(count) >= PRIOR_SHARE
        found = np.asarray(near).reshape(count, len(self.mean))
        points[np.ix_(adapted, self.active)] = found[adapted]
        return points

    def log_density(self, z: Floats) -> Floats:
        """Return the log density of the mixture at points (n, d)."""
        from scipy.stats import multivariate_t

        passive = np.delete(z, self.active, axis=1)
        near = multivariate_t(self.mean, self.shape, df=_FREEDOM).logpdf(z[:, self.active])
        return np.logaddexp(
            math.log(1 - PRIOR_SHARE) + np.atleast_1d(near) + log_prior(passive),
            math.log(PRIOR_SHARE) + log_prior(z),
        )
