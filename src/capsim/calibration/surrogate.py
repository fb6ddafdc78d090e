"""The likelihood as an emulator sees it: without the luck of single runs.

Two runs of one system differ by luck, and runs of neighbouring parameters do too. Weighed by its
own luck, a point that was lucky would count for many. So the figures of points within the
emulator's reach are replaced by its own, and what it leaves unexplained beyond luck widens the
likelihood. Luck itself is in the likelihood already, for the measured run and for a simulated one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.emulator import Emulator
from capsim.calibration.likelihood import Likelihood
from capsim.calibration.proposals import log_prior

Floats = NDArray[np.float64]
_POINTS_PER_DIMENSION = 10  # used at least, best first


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """An emulator of the figures, and the likelihood that allows for its error."""

    emulator: Emulator
    likelihood: Likelihood
    active: NDArray[np.int64]  # coordinates that the figures depend on
    columns: NDArray[np.int64]  # the figures that it knows: those that have a logarithm

    @classmethod
    def fit(
        cls, likelihood: Likelihood, z: Floats, figures: Floats, active: NDArray[np.int64]
    ) -> "Surrogate":
        """Fit to the better half of the points simulated so far.

        Args:
            likelihood: of the figures.
            z: (n, d) points.
            figures: (n, observations) what came out.
            active: coordinates that any figure depends on.
        """
        observed = likelihood.observations
        columns = [i for i, o in enumerate(observed) if o.metric != "failure_ratio"]
        known = np.flatnonzero((figures[:, columns] > 0).all(axis=1))
        agreement = likelihood.log_many(figures[known]) + log_prior(z[known])
        count = max(len(known) // 2, _POINTS_PER_DIMENSION * len(active))
        best = known[np.argsort(-agreement, kind="stable")[:count]]
        emulator = Emulator.fit(z[best][:, active], np.log(figures[best][:, columns]))
        luck = likelihood.luck_of_one_run()
        unexplained = np.zeros(len(observed))
        unexplained[columns] = np.maximum(0.0, emulator.residual_variance - luck[columns])
        return cls(
            emulator=emulator,
            likelihood=likelihood.widened(unexplained),
            active=active,
            columns=np.array(columns),
        )

    def log_likelihood(self, z: Floats, figures: Floats) -> Floats:
        """Return the log-likelihood of simulated points; beyond reach, by their own figures."""
        smooth = figures.copy()
        near = np.flatnonzero(self.emulator.trusts(z[:, self.active]))
        logs = self.emulator.predict(z[near][:, self.active])
        smooth[np.ix_(near, self.columns)] = np.exp(logs)
        return self.likelihood.log_many(smooth)

    def log_posterior(self, z: Floats) -> Floats:
        """Return the unnormalised log posterior of any points; minus infinity beyond reach."""
        part = self.likelihood.restricted(self.columns.tolist())
        logs = self.emulator.predict(z[:, self.active])
        heights = part.log_many(np.exp(logs)) + log_prior(z)
        target: Floats = np.where(self.emulator.trusts(z[:, self.active]), heights, -np.inf)
        return target
