"""How well a simulation agrees with what was reported, allowing for what no model gets right.

The logarithms of measured and simulated figures are compared. Their difference has three parts:
what the tool rounded away, an error of the model that all response times of a load test share,
and one of each figure's own. Without the shared part, ten percentiles of one load test would
count as ten witnesses, and the posterior would be surer than its data allow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capsim.loadtest.observations import Observation

Floats = NDArray[np.float64]

# Standard deviations of log(simulated / measured) that a right calibration may still show: the
# model is not the system. Throughput: closed-form bounds with the right demand met real runs
# within 5 %. Response times: the same bounds missed them by 11-24 %, half of which a simulation
# is expected to explain. Tails: endpoints of one queue in one run differ by 8 % in the median.
SHARED_RESPONSE_SD = 0.10
_OWN_SD = {
    "rps": 0.03,
    "mean_s": 0.07,
    "p50_s": 0.07,
    "p66_s": 0.07,
    "p75_s": 0.07,
    "p80_s": 0.07,
    "p90_s": 0.10,
    "p95_s": 0.10,
    "p98_s": 0.15,
    "p99_s": 0.15,
    "p999_s": 0.35,  # a handful of requests decide it
    "max_s": 0.50,  # one request decides it
}
_FAILURE_RATIO_SD = 0.02  # of the ratio itself: it may be zero
_DEGREES_OF_FREEDOM = 5  # Student's t: one contradictory load test must not silence the others
_UNDEFINED = -1e6  # log-likelihood of a simulation in which a reported figure does not exist


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """The log-likelihood of simulated figures, given a fixed list of observations."""

    observations: tuple[Observation, ...]
    extra_variance: tuple[float, ...] = ()  # of each figure's own error; none: nothing extra

    def widened(self, variance: Floats) -> "Likelihood":
        """Return the likelihood for figures that are uncertain by themselves."""
        return replace(self, extra_variance=tuple(variance.tolist()))

    def log(self, simulated: Sequence[float]) -> float:
        """Return the log-likelihood, up to a constant, of figures in the observations' order."""
        return float(self.log_many(np.array([simulated], dtype=float))[0])

    def log_many(self, simulated: Floats) -> Floats:
        """Return the log-likelihood of each row of figures, (n,)."""
        total = np.zeros(len(simulated))
        for load_test in dict.fromkeys(o.load_test for o in self.observations):
            chosen = [i for i, o in enumerate(self.observations) if o.load_test == load_test]
            total += self._of_load_test(chosen, simulated[:, chosen])
        return total

    def _of_load_test(self, chosen: Sequence[int], simulated: Floats) -> Floats:
        group = [self.observations[i] for i in chosen]
        columns = [difference(o, simulated[:, i]) for i, o in enumerate(group)]
        differences = np.column_stack(columns)
        defined = np.logical_and.reduce(np.isfinite(differences), axis=1)
        own = np.array([own_variance(o) for o in group])
        if self.extra_variance:
            own = own + np.array([self.extra_variance[i] for i in chosen])
        shared = np.array([SHARED_RESPONSE_SD if o.metric.endswith("_s") else 0.0 for o in group])
        covariance = np.diag(own) + np.outer(shared, shared)
        known = np.where(np.expand_dims(defined, 1), differences, 0.0)
        distance = (known * np.linalg.solve(covariance, known.T).T).sum(axis=1)
        freedom = _DEGREES_OF_FREEDOM
        logs = -0.5 * (freedom + len(group)) * np.log1p(distance / freedom)
        result: Floats = np.where(defined, logs, _UNDEFINED)
        return result


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
