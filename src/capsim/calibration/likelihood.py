"""How well a simulation agrees with what was reported, allowing for what no model gets right.

The logarithms of measured and simulated figures are compared. Their difference has four parts:
what the tool rounded away, the luck of one run, an error of the model that all response times of a
load test share, and one of each figure's own. Without the shared part, ten percentiles of one load
test would count as ten witnesses, and the posterior would be surer than its data allow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capsim.loadtest.observations import Observation

Floats = NDArray[np.float64]

# Standard deviations of log(simulated / measured) that a right calibration may still show: the
# model is not the system. Throughput: closed-form bounds with the right demand met real runs
# within 5 %. Response times: such bounds missed them by 11-24 % away from the knee and by far more
# near it; a simulation is trusted to about 20 % in all, of which a shared part moves them together.
SHARED_RESPONSE_SD = 0.15
_OWN_SD = {
    "rps": 0.03,
    "mean_s": 0.12,
    "p50_s": 0.12,
    "p66_s": 0.12,
    "p75_s": 0.12,
    "p80_s": 0.12,
    "p90_s": 0.15,
    "p95_s": 0.15,
    "p98_s": 0.20,
    "p99_s": 0.20,
    "p999_s": 0.40,  # a handful of requests decide it
    "max_s": 0.50,  # one request decides it
}
_FAILURE_RATIO_SD = 0.02  # of the ratio itself: it may be zero
_FREEDOM = 5  # Student's t: one contradictory load test must not silence the others
_UNDEFINED = -1e6  # log-likelihood of a simulation in which a reported figure does not exist


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """The log-likelihood of simulated figures, given a fixed list of observations."""

    observations: tuple[Observation, ...]
    sampling: tuple[tuple[float, ...], ...] = ()  # covariance of differences between equal runs

    def with_sampling_error(self, replications: Floats) -> "Likelihood":
        """Return the likelihood that allows for the luck of one run, measured and simulated.

        Args:
            replications: (n, observations) figures of one system under independent luck.
        """
        columns = [difference(o, replications[:, i]) for i, o in enumerate(self.observations)]
        spread = np.nan_to_num(np.vstack(columns))
        # Twice: the measured run had its luck, and the simulated one has its own.
        covariance = 2 * np.atleast_2d(np.cov(spread))
        return replace(self, sampling=tuple(map(tuple, covariance.tolist())))

    def widened(self, variance: Floats) -> "Likelihood":
        """Return the likelihood for figures that are uncertain by themselves, (observations,)."""
        known = np.array(self.sampling) if self.sampling else 0.0
        covariance = known + np.diag(variance)
        return replace(self, sampling=tuple(map(tuple, covariance.tolist())))

    def luck_of_one_run(self) -> Floats:
        """Return the variance that luck gives each figure of a run, (observations,)."""
        if not self.sampling:
            return np.zeros(len(self.observations))
        luck: Floats = np.diag(np.array(self.sampling)) / 2
        return luck

    def restricted(self, columns: Sequence[int]) -> "Likelihood":
        """Return the likelihood of some of the observations."""
        sampling: tuple[tuple[float, ...], ...] = ()
        if self.sampling:
            part = np.array(self.sampling)[np.ix_(columns, columns)]
            sampling = tuple(map(tuple, part.tolist()))
        return Likelihood(
            observations=tuple(self.observations[i] for i in columns), sampling=sampling
        )

    def log(self, simulated: Sequence[float]) -> float:
        """Return the log-likelihood, up to a constant, of figures in the observations' order."""
        return float(self.log_many(np.array([simulated], dtype=float))[0])

    def log_many(self, simulated: Floats) -> Floats:
        """Return the log-likelihood of each row of figures, (n,)."""
        total = np.zeros(len(simulated))
        for chosen, whitened in self._whitened(simulated):
            distance = (whitened**2).sum(axis=1)
            logs = -0.5 * (_FREEDOM + len(chosen)) * np.log1p(distance / _FREEDOM)
            total += np.where(np.isfinite(distance), logs, _UNDEFINED)
        return total

    def residuals(self, simulated: Floats) -> Floats:
        """Return differences such that minus half their sum of squares has the slope of `log`.

        Uncorrelated, in standard deviations, and with the weight that Student's tails leave to
        each load test at the first row; (n, observations), NaN where a figure is undefined.
        """
        found = np.empty(simulated.shape)
        for chosen, whitened in self._whitened(simulated):
            distance = float(np.nansum(whitened[0] ** 2))
            weight = (_FREEDOM + len(chosen)) / (_FREEDOM + distance)
            found[:, chosen] = whitened * np.sqrt(weight)
        return found

    def _whitened(self, simulated: Floats) -> Iterator[tuple[list[int], Floats]]:
        """Yield, for each load test, its columns and their uncorrelated unit differences."""
        for load_test in dict.fromkeys(o.load_test for o in self.observations):
            chosen = [i for i, o in enumerate(self.observations) if o.load_test == load_test]
            group = [self.observations[i] for i in chosen]
            columns = [difference(o, simulated[:, i]) for i, o in zip(chosen, group, strict=True)]
            shared = [SHARED_RESPONSE_SD if o.metric.endswith("_s") else 0.0 for o in group]
            covariance = np.diag([own_variance(o) for o in group]) + np.outer(shared, shared)
            if self.sampling:
                covariance += np.array(self.sampling)[np.ix_(chosen, chosen)]
            root = np.linalg.cholesky(covariance)
            yield chosen, np.linalg.solve(root, np.vstack(columns)).T


def difference(observation: Observation, simulated: Floats) -> Floats:
    """Return log(simulated / measured), or the plain difference of a failure ratio, (n,)."""
    if observation.metric == "failure_ratio":
        return simulated - observation.value
    if not observation.value > 0:
        return np.full_like(simulated, np.nan)
    positive = np.where(simulated > 0, simulated, np.nan)
    logs: Floats = np.log(positive / observation.value)
    return logs


def own_variance(observation: Observation) -> float:
    """Return the variance of a figure's own error, the tool's rounding included."""
    if observation.metric == "failure_ratio":
        return _FAILURE_RATIO_SD**2
    # A uniform error of one rounding step has the variance step^2 / 12.
    rounding = observation.rounding_s / observation.value if observation.value else 0.0
    return float(_OWN_SD[observation.metric] ** 2 + rounding**2 / 12)
