"""Moments of a documented think law, and the time between two requests of a user that follow.

Uniform, exponential, lognormal, gamma and hyperexponential laws: Johnson, Kotz and Balakrishnan
1994, "Continuous Univariate Distributions".
"""

from dataclasses import dataclass

from capsim.loadtest.observations import LoadTest
from capsim.model.laws import Constant, ConstantPacing, Exponential, Percentiles, ThinkLaw, Uniform


@dataclass(frozen=True, kw_only=True)
class Wait:
    """The waiting of a user per request.

    Attributes:
        mean_s: Mean think time per request, in seconds.
        variance: Variance of a think time per request, in seconds squared.
        squared: Mean square of a think time, in seconds squared.
        residual_s: Mean rest of a think time that is cut at a random moment, in seconds.
        period_s: Of constant pacing, between two starts; none: other laws.
    """

    mean_s: float
    variance: float
    squared: float
    residual_s: float
    period_s: float | None = None


def wait_of(test: LoadTest) -> Wait | None:
    """Return how a user of a load test waits; none: nobody wrote it down."""
    law = test.think_s
    if law is None:
        return None
    if isinstance(law, ConstantPacing):
        period = law.period
        return Wait(
            mean_s=period, variance=0.0, squared=period**2, residual_s=period / 2, period_s=period
        )
    share = 1 / test.requests_per_wait
    squared = variance(law) + law.mean**2
    # E[Z^2] / 2 E[Z]: Cox 1962, "Renewal Theory", section 5.2.
    residual = squared / (2 * law.mean) if law.mean > 0 else 0.0
    return Wait(
        mean_s=law.mean * share,
        variance=variance(law) * share,
        squared=squared,
        residual_s=residual,
    )


def variance(law: ThinkLaw) -> float:
    """Return the variance of a think law, in seconds squared."""
    if isinstance(law, Constant | ConstantPacing):
        return 0.0
    if isinstance(law, Uniform):
        return (law.high - law.low) ** 2 / 12
    if isinstance(law, Exponential):
        return law.mean**2
    if isinstance(law, Percentiles):  # lognormal: exp(sigma^2) = (mean / median)^2
        return law.mean**2 * ((law.mean / law.p50) ** 2 - 1)
    return (law.mean * law.cv) ** 2


def cycle_bounds_s(wait: Wait, response_s: float, slowest_s: float) -> tuple[float, float]:
    """Return the least and the largest mean time from a request to the user's next, in seconds.

    They differ for constant pacing alone, where a slow request takes from the waiting.
    """
    if wait.period_s is None:
        return wait.mean_s + response_s, wait.mean_s + response_s
    least = max(wait.period_s, response_s)
    return least, least if slowest_s <= wait.period_s else wait.period_s + response_s
