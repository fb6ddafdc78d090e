"""Means over independent runs, and how well so many runs know them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capsim.calibration.student import student_quantile
from capsim.metrics.intervals import LEVEL


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over runs with its 90 % confidence interval; NaN where it is undefined.

    The interval says where the mean over endlessly many runs lies, not what one run would report:
    it closes with more runs. `sd` is what one run differs by, and does not.
    """

    mean: float
    lo: float
    hi: float
    half_width: float  # before the interval was cut to the values that are possible
    sd: float  # standard deviation between runs
    runs: int  # in which the figure is defined


def mean_of(values: Sequence[float], *, most: float = math.inf) -> Mean:
    """Return the mean of independent values with its confidence interval, by Student's t.

    The half-width is t(n - 1, 0.95) s / sqrt(n) (Law & Kelton, "Simulation Modeling and Analysis",
    3rd edition, 2000, equation 4.12): exact for normal values, and nearly so for skewed ones once
    there are some ten.

    Args:
        values: one per run, none of them negative; NaN ones are left out.
        most: the largest value that is possible, such as 1 for a share.
    """
    known = np.asarray([value for value in values if not math.isnan(value)])
    runs = len(known)
    if runs < 2:  # noqa: PLR2004 (one value says nothing of how far apart they are)
        mean = float(known.mean()) if runs else math.nan
        nan = math.nan
        return Mean(mean=mean, lo=nan, hi=nan, half_width=nan, sd=nan, runs=runs)
    mean, sd = float(known.mean()), float(known.std(ddof=1))
    half = student_quantile((1 + LEVEL) / 2, runs - 1) * sd / math.sqrt(runs)
    return Mean(
        mean=mean,
        lo=max(0.0, mean - half),
        hi=min(most, mean + half),
        half_width=half,
        sd=sd,
        runs=runs,
    )
