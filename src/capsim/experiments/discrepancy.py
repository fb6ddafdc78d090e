"""The model is not the system: predictions carry the same model error as the calibration."""

import numpy as np
from numpy.typing import NDArray

from capsim.calibration.likelihood import SHARED_RESPONSE_SD
from capsim.plan.streams import stream


def response_factors(count: int, seed: int) -> NDArray[np.float64]:
    """Return one factor on all response times per draw, lognormal around 1.

    It is the part of the likelihood's error that all response times of a load test share. Equal
    arguments give equal factors, so that it cancels in paired differences.
    """
    luck = stream(seed, 0, "model discrepancy").standard_normal(count)
    factors: NDArray[np.float64] = np.exp(SHARED_RESPONSE_SD * luck)
    return factors
