"""The Universal Scalability Law fitted to measured throughputs, with confidence intervals.

The law (Gunther 1993; see `capsim.theory.usl_throughput`) is linear in the cycle time N / X: with
lambda X(N) as in the theory, N / X = p + q N + c N (N - 1), where lambda = 1 / (p + q), sigma =
q / (p + q) and kappa = c / (p + q), and sigma in [0, 1] and kappa >= 0 say that p, q and c are not
negative. So the fit with the least squares of relative errors is one of non-negative least squares
(Lawson and Hanson 1974, chapter 23), which has no local minima.

Intervals are those of the profile likelihood with Student's quantile (Bates and Watts 1988, chapter
6): all values of a figure that some fit has whose sum of squares is not too much larger. They end
at 0, or are open, where the data do not exclude it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.calibration.student import student_quantile
from capsim.metrics.intervals import LEVEL
from capsim.theory import usl_peak, usl_throughput

FloatArray = npt.NDArray[np.float64]

PARAMETERS = 3
# Three different loads determine three parameters, whatever they are: there is nothing left that
# could show how badly the law fits, so there would be no interval.
FEWEST_LEVELS = PARAMETERS + 1

_LEAST_PEAK = 1e-6  # users: below it, throughput falls from the first user on
_STIFF = 1e6  # weight of a condition that has to hold, against rows of order 1
_HALVINGS = 40  # to the digits that anybody reads
_FURTHEST = 1e9  # times the best value: from here on an end is open
_ROUNDING = 1e-20  # of a sum of squares


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The best value of a figure with its 90 % confidence interval; infinite: open."""

    best: float
    lo: float
    hi: float


@dataclass(frozen=True, kw_only=True, eq=False)
class UslFit:
    """The law's parameters as load tests give them.

    Attributes:
        users: Numbers of users of the load tests, shape (tests,).
        rps: Requests per second that they measured, shape (tests,).
        unit_rate: Requests per second of one user, lambda.
        contention: Serial fraction sigma.
        coherency: Cost kappa of keeping a pair consistent.
        peak: Users beyond which throughput falls; infinite: it does not.
        error: Typical relative error of the fit, with the parameters discounted.
    """

    users: FloatArray
    rps: FloatArray
    unit_rate: Estimate
    contention: Estimate
    coherency: Estimate
    peak: Estimate
    error: float

    @property
    def is_beyond(self) -> bool:
        """Whether the peak lies beyond the loads that were measured: an extrapolation."""
        return self.peak.best > float(self.users.max())

    def throughput(self, users: Sequence[float] | FloatArray) -> FloatArray:
        """Return the best fit's requests per second at some numbers of users."""
        return np.array(
            [
                usl_throughput(
                    population=number,
                    unit_rate=self.unit_rate.best,
                    contention=self.contention.best,
                    coherency=self.coherency.best,
                )
                for number in users
            ]
        )

    def interval(self, users: float) -> Estimate:
        """Return the fit's requests per second at a number of users."""
        return _throughput(_columns(self.users, self.rps), users)


def fit_usl(*, users: Sequence[float], rps: Sequence[float]) -> UslFit:
    """Fit the law to load tests of one system under one workload.

    Args:
        users: of each load test, at least 1.
        rps: requests per second that each measured, positive.

    Raises:
        ValueError: fewer than `FEWEST_LEVELS` different numbers of users, or a value out of range.
    """
    numbers, rates = np.asarray(users, dtype=np.float64), np.asarray(rps, dtype=np.float64)
    if not ((numbers >= 1).all() and np.isfinite(numbers).all()):
        raise ValueError(f"users must be finite and at least 1, got {list(users)}")
    if not ((rates > 0).all() and np.isfinite(rates).all()):
        raise ValueError(f"rps must be positive and finite, got {list(rps)}")
    if len(np.unique(numbers)) < FEWEST_LEVELS:
        raise ValueError(f"users must have {FEWEST_LEVELS} different values, got {list(users)}")
    columns = _columns(numbers, rates)
    found, least = _least(columns)
    flat, serial, pairs = found.tolist()
    one = flat + serial
    contention, coherency = serial / one, pairs / one
    return UslFit(
        users=numbers,
        rps=rates,
        unit_rate=_throughput(columns, 1.0),
        contention=_estimate(columns, contention, _with_contention, highest=1.0),
        coherency=_estimate(columns, coherency, _with_coherency),
        peak=_peak(columns, usl_peak(contention=contention, coherency=coherency)),
        error=math.sqrt(least / (len(numbers) - PARAMETERS)),
    )


def _columns(users: FloatArray, rps: FloatArray) -> FloatArray:
    """Return the rows of the linear problem: each is X / f(N), which should be 1, by parameter."""
    rows = np.stack([np.ones_like(users), users, users * (users - 1)], axis=1)
    found: FloatArray = rows * (rps / users)[:, np.newaxis]
    return found


def _least(columns: FloatArray) -> tuple[FloatArray, float]:
    """Return the non-negative parameters with the least squares, and their sum."""
    from scipy.optimize import nnls

    scale = np.linalg.norm(columns, axis=0)
    scaled, norm = nnls(columns / scale, np.ones(len(columns)))
    return scaled / scale, float(norm**2)


def _allowed(columns: FloatArray) -> float:
    """Return the sum of squares that a fit may have to belong to the interval."""
    _, least = _least(columns)
    freedom = len(columns) - PARAMETERS
    quantile = student_quantile((1 + LEVEL) / 2, freedom)
    return least * (1 + quantile**2 / freedom) + _ROUNDING


def _with_coherency(columns: FloatArray, coherency: float) -> FloatArray:
    flat, serial, pairs = columns.T
    return np.stack([flat + coherency * pairs, serial + coherency * pairs], axis=1)


def _with_contention(columns: FloatArray, contention: float) -> FloatArray:
    flat, serial, pairs = columns.T
    return np.stack([(1 - contention) * flat + contention * serial, pairs], axis=1)


def _with_falling(columns: FloatArray, falling: float) -> FloatArray:
    """Keep kappa / (1 - sigma), which is 1 / peak^2, at a value."""
    flat, serial, pairs = columns.T
    return np.stack([flat + falling * pairs, serial], axis=1)


def _peak(columns: FloatArray, best: float) -> Estimate:
    falling = _estimate(columns, max(best, _LEAST_PEAK) ** -2, _with_falling)
    lo, hi = (math.inf if value == 0 else value**-0.5 for value in (falling.hi, falling.lo))
    return Estimate(best=best, lo=lo, hi=hi)


def _estimate(
    columns: FloatArray,
    best: float,
    reduced: Callable[[FloatArray, float], FloatArray],
    highest: float = math.inf,
) -> Estimate:
    """Return the range of a figure that is kept at a value by `reduced` columns."""

    def squares(value: float) -> float:
        return _least(reduced(columns, value))[1]

    return _range(squares, best, _allowed(columns), highest)


def _throughput(columns: FloatArray, users: float) -> Estimate:
    """Return the range of the throughput at a number of users."""
    from scipy.optimize import nnls

    row = np.array([1.0, users, users * (users - 1)])
    best, _ = _least(columns)

    def squares(rps: float) -> float:
        if rps <= 0:  # no fit has that
            return math.inf
        condition = _STIFF * row * (rps / users)
        stiff = np.vstack([columns, condition])
        scale = np.linalg.norm(stiff, axis=0)
        target = np.append(np.ones(len(columns)), _STIFF)
        scaled, _ = nnls(stiff / scale, target)
        misfit = columns @ (scaled / scale) - 1
        return float(misfit @ misfit)

    return _range(squares, float(users / (row @ best)), _allowed(columns), math.inf)


def _range(
    squares: Callable[[float], float], best: float, allowed: float, highest: float
) -> Estimate:
    """Return the values around the best one at which the sum of squares is still allowed."""
    lo = 0.0 if squares(0.0) <= allowed else _edge(squares, best, 0.0, allowed)
    top = highest if math.isfinite(highest) else _beyond(squares, best, allowed)
    if math.isinf(top) or squares(top) <= allowed:
        return Estimate(best=best, lo=lo, hi=top)
    return Estimate(best=best, lo=lo, hi=_edge(squares, best, top, allowed))


def _beyond(squares: Callable[[float], float], best: float, allowed: float) -> float:
    """Return a value that is not allowed above the best one; infinite: there is none."""
    value = max(best, 1e-12)
    while squares(value) <= allowed:
        value *= 2
        if value > _FURTHEST * max(best, 1e-6):
            return math.inf
    return value


def _edge(
    squares: Callable[[float], float], inside: float, outside: float, allowed: float
) -> float:
    """Return where between two values the sum of squares passes what is allowed."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if squares(middle) <= allowed:
            inside = middle
        else:
            outside = middle
    return inside
