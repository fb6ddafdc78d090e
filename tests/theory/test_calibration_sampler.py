"""The sampler against a posterior that is known exactly."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from capsim.calibration.kept_points import KeptPoints
from capsim.calibration.proposals import log_prior
from capsim.calibration.sampler import Effort, Sampler
from capsim.journal import Journal
from capsim.loadtest.observations import Observation
from capsim.model.template import Template

Floats = NDArray[np.float64]
_PAIRS = 3  # of parameters, each seen through two figures of its own
# Of 5 seeds x 6 parameters x 2 moments, one of a thousand such sets goes beyond this by chance.
_STANDARD_ERRORS = 4.1


def figures_of(z: Floats) -> Floats:
    """Return two figures of every two parameters: a ridge that is long, thin and bent."""
    first, second = z[:, ::2], z[:, 1::2]
    logs = [
        0.6 * first + 0.1 * second + 0.08 * first**2 + 1.2,
        0.2 * (second + 0.5 * first**2) - 0.5,
    ]
    return np.exp(np.stack(logs, axis=2).reshape(len(z), -1))


class Known(Sampler):
    """A sampler of a system whose figures are given by a formula."""

    def _simulated(self, points: Floats, **others: Any) -> Floats:
        figures = figures_of(points)
        replications: Sequence[int] = others.get("replications", ())
        if replications:
            luck = np.random.default_rng(0).standard_normal(figures.shape)
            return np.asarray(figures * np.exp(0.03 * luck))
        self.seen = (np.vstack([self.seen[0], points]), np.vstack([self.seen[1], figures]))
        return figures


def known_sampler(seed: int) -> Known:
    """Return a sampler that has done its work."""
    prior = SimpleNamespace(prior="normal", integer=False)
    names = [f"parameter {i}" for i in range(2 * _PAIRS)]
    template = SimpleNamespace(priors=dict.fromkeys(names, prior))
    wanted = [
        Observation(load_test=str(i), metric="rps" if i % 2 else "mean_s", value=1.0)
        for i in range(2 * _PAIRS)
    ]
    sampler = Known(
        cast("Template", template), names, wanted, seed, KeptPoints(journal=Journal(None, ""))
    )
    sampler.explore(Effort(), None, None)
    return sampler


def exact_moments(sampler: Known) -> tuple[Floats, Floats]:
    """Return the posterior means and variances, by a grid over each pair of parameters."""
    axis = np.linspace(-6, 6, 601)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=2).reshape(-1, 2)
    figures = figures_of(grid)
    means, variances = [], []
    for pair in range(_PAIRS):
        part = sampler.likelihood.restricted([2 * pair, 2 * pair + 1])
        logs = part.log_many(figures) + log_prior(grid)
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        mean = weights @ grid
        means.append(mean)
        variances.append(weights @ (grid - mean) ** 2)
    return np.concatenate(means), np.concatenate(variances)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_bent_posterior_is_found_whole(seed: int) -> None:
    """Means and variances are exact within their own errors, also where no emulator reached."""
    sampler = known_sampler(seed)
    means, variances = exact_moments(sampler)
    weights = sampler.weights()
    away = sampler.z - weights @ sampler.z
    for found, exact in ((sampler.z, means), (away**2, variances)):
        estimate = weights @ found
        # The error of a self-normalised importance sample (Owen 2013, equation 9.8).
        error = np.sqrt(weights**2 @ (found - estimate) ** 2)
        assert np.all(np.abs(estimate - exact) < _STANDARD_ERRORS * error)
    assert 1 / (weights**2).sum() > Effort().enough
