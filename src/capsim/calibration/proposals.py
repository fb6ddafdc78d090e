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
from scipy.stats import multivariate_t, qmc

from capsim.model.priors import Prior

Floats = NDArray[np.float64]
_NORMAL = NormalDist()
_TAIL = 1e-4  # quantiles stay inside (tail, 1 - tail), where templates were checked
_PRIOR_SHARE = 0.1  # of every adapted proposal: no corner of the prior is ever left out
_FREEDOM = 5  # heavier tails than the target's keep importance weights bounded
_INFLATION = 1.3  # covariance estimated from few effective draws is too small


def design(dimensions: int, count: int, seed: int) -> Floats:
    """Return (count, dimensions) points of a scrambled Sobol sequence on the normal scale."""
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


def log_prior(z: Floats) -> Floats:
    """Return the log density of the standard normal prior, (n,)."""
    density: Floats = -0.5 * (z**2).sum(axis=1) - 0.5 * z.shape[1] * math.log(2 * math.pi)
    return density


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A multivariate t around what fitted well, mixed with the prior."""

    mean: Floats  # (d,)
    shape: Floats  # (d, d)

    @classmethod
    def around(cls, z: Floats, weights: Floats) -> "Proposal":
        """Return the proposal with the weighted mean and covariance of earlier points."""
        mean = weights @ z
        centred = z - mean
        covariance = (centred * weights[:, None]).T @ centred
        # Few effective draws leave directions unexplored: shrink towards the diagonal, and keep
        # a floor, so that the next round can still move there.
        effective = 1 / float((weights**2).sum())
        shrink = min(1.0, z.shape[1] / effective)
        covariance = (1 - shrink) * covariance + shrink * np.diag(np.diag(covariance))
        covariance += np.eye(z.shape[1]) * 0.02**2
        return cls(mean=mean, shape=_INFLATION * covariance)

    def draw(self, count: int, generator: np.random.Generator) -> Floats:
        """Return (count, d) points."""
        dimensions = len(self.mean)
        near = multivariate_t(self.mean, self.shape, df=_FREEDOM, seed=generator).rvs(count)
        near = np.asarray(near).reshape(count, dimensions)
        wide = generator.standard_normal((count, dimensions))
        from_prior = generator.random(count) < _PRIOR_SHARE
        return np.where(from_prior[:, None], wide, near)

    def log_density(self, z: Floats) -> Floats:
        """Return the log density of the mixture at points (n, d)."""
        near = multivariate_t(self.mean, self.shape, df=_FREEDOM).logpdf(z)
        return np.logaddexp(
            math.log(1 - _PRIOR_SHARE) + np.atleast_1d(near), math.log(_PRIOR_SHARE) + log_prior(z)
        )
