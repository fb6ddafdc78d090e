"""How well a simulation agrees with what was reported, allowing for what no model gets right.

The logarithms of measured and simulated figures are compared. Their difference has three parts:
what the tool rounded away, an error of the model that all response times of a load test share,
and one of each figure's own. Without the shared part, ten percentiles of one load test would
count as ten witnesses, and the posterior would be surer than its data allow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capsim.loadtest.observations import Observation

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

    observations: Sequence[Observation]

    def log(self, simulated: Sequence[float]) -> float:
        """Return the log-likelihood, up to a constant; `simulated` is in the observations' order."""
        pairs = list(zip(self.observations, simulated, strict=True))
        load_tests = dict.fromkeys(o.load_test for o in self.observations)
        return sum(_of_load_test([p for p in pairs if p[0].load_test == t]) for t in load_tests)


def _of_load_test(pairs: Sequence[tuple[Observation, float]]) -> float:
    differences = np.array([difference(o, value) for o, value in pairs])
    if not np.isfinite(differences).all():
        return _UNDEFINED
    shared = [SHARED_RESPONSE_SD if o.metric.endswith("_s") else 0.0 for o, _ in pairs]
    covariance = np.diag([own_variance(o) for o, _ in pairs]) + np.outer(shared, shared)
    distance = float(differences @ np.linalg.solve(covariance, differences))
    freedom = _DEGREES_OF_FREEDOM
    return -0.5 * (freedom + len(pairs)) * math.log1p(distance / freedom)


def difference(observation: Observation, simulated: float) -> float:
    """Return log(simulated / measured), or the plain difference of a failure ratio."""
    if observation.metric == "failure_ratio":
        return simulated - observation.value
    if not simulated > 0 or not observation.value > 0:
        return math.nan
    return math.log(simulated / observation.value)


def own_variance(observation: Observation) -> float:
    """Return the variance of a figure's own error, the tool's rounding included."""
    if observation.metric == "failure_ratio":
        return _FAILURE_RATIO_SD**2
    # A uniform error of one rounding step has the variance step^2 / 12.
    rounding = observation.rounding_s / observation.value if observation.value else 0.0
    return float(_OWN_SD[observation.metric] ** 2 + rounding**2 / 12)
