"""The likelihood as an emulator sees it: without the luck of single runs.

Two runs of one system differ by luck, and runs of neighbouring parameters do too. Weighed by its
own luck, a point that was lucky would count for many. So the figures of points within the
emulator's reach are replaced by its own, and the likelihood is widened by the error that the
emulator makes at points it has not seen. Where a simulation contradicts the emulator by more than
that error allows, the simulation is believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.emulator import Emulator, points_needed
from capsim.calibration.likelihood import Likelihood
from capsim.calibration.proposals import log_prior, to_cells
from capsim.model.priors import Prior

Floats = NDArray[np.float64]
# Points fitted to: those that lie no lower than this share of a normal posterior does. The better
# half of them would leave out the half of the posterior that lies lower.
_PLAUSIBLE = 0.9999
_FEWEST_PER_DIMENSION = 3  # points, below which there is nothing to fit
_CONTRADICTS = 4.0  # standard deviations of the emulator's error
_ROUNDING = 1e-6  # an emulator may be exact but for this


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """An emulator of the figures, and the likelihood that allows for its error.

    Failure ratios have no logarithm and are not emulated; those of the simulations are used.
    """

    emulator: Emulator
    likelihood: Likelihood
    priors: Sequence[Prior]
    active: NDArray[np.int64]  # coordinates that the figures depend on
    columns: NDArray[np.int64]  # the figures that it knows

    @classmethod
    def fit(
        cls,
        likelihood: Likelihood,
        priors: Sequence[Prior],
        z: Floats,
        figures: Floats,
        active: NDArray[np.int64],
    ) -> "Surrogate | None":
        """Fit to the points so far that the posterior may reach; none: there are too few.

        Args:
            likelihood: of the figures.
            priors: of the parameters.
            z: (n, d) points.
            figures: (n, observations) what came out.
            active: coordinates that any figure depends on.
        """
        from scipy.stats import chi2

        observed = likelihood.observations
        emulated = [i for i, o in enumerate(observed) if o.metric != "failure_ratio"]
        columns = np.array(emulated, dtype=np.int64)
        known = np.flatnonzero((figures[:, columns] > 0).all(axis=1))
        if len(known) < _FEWEST_PER_DIMENSION * (len(active) + 1):
            return None
        agreement = likelihood.log_many(figures[known]) + log_prior(z[known])
        # Below its mode a normal density falls by half a chi-squared variable.
        lowest = agreement.max() - chi2.ppf(_PLAUSIBLE, len(active)) / 2
        count = max(int((agreement >= lowest).sum()), points_needed(len(active)))
        best = known[np.argsort(-agreement, kind="stable")[:count]]
        inputs = to_cells(z[best], priors)[:, active]
        emulator = Emulator.fit(inputs, np.log(figures[best][:, columns]))
        # The likelihood holds the luck of two runs, measured and simulated; a smoothed figure has
        # the emulator's error in the place of the second.
        error = np.zeros(len(observed))
        luck = likelihood.luck_of_one_run()
        error[columns] = np.maximum(0.0, emulator.error_variance - luck[columns])
        return cls(
            emulator=emulator,
            likelihood=likelihood.widened(error),
            priors=priors,
            active=active,
            columns=columns,
        )

    def log_likelihood(self, z: Floats, figures: Floats) -> Floats:
        """Return the log-likelihood of simulated points, by the emulator where it can be."""
        inputs = self._inputs(z)
        logs = self.emulator.predict(inputs)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.log(figures[:, self.columns])
        error = np.sqrt(np.maximum(self.emulator.error_variance, _ROUNDING**2))
        away = np.abs(own - logs) / error
        agrees = (away < _CONTRADICTS).all(axis=1)  # never true of an undefined figure
        near = np.flatnonzero(self.emulator.trusts(inputs) & agrees)
        smooth = figures.copy()
        smooth[np.ix_(near, self.columns)] = np.exp(logs[near])
        return self.likelihood.log_many(smooth)

    def log_posterior(self, z: Floats) -> Floats:
        """Return the unnormalised log posterior of any points; minus infinity beyond reach."""
        inputs = self._inputs(z)
        part = self.likelihood.restricted(self.columns.tolist())
        heights = part.log_many(np.exp(self.emulator.predict(inputs))) + log_prior(z)
        target: Floats = np.where(self.emulator.trusts(inputs), heights, -np.inf)
        return target

    def beyond_reach(self, z: Floats, weights: Floats) -> float:
        """Return how much of the weight lies on points that the emulator is not trusted at."""
        return float(weights[~self.emulator.trusts(self._inputs(z))].sum())

    def _inputs(self, z: Floats) -> Floats:
        return to_cells(z, self.priors)[:, self.active]
