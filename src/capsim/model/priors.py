"""Priors: what is believed of an unknown parameter before any load test, and why."""

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from capsim.model.spec import NonNegative, Positive, Spec

_NORMAL = NormalDist()
_P = TypeVar("_P")
_Z95 = _NORMAL.inv_cdf(0.95)
_CELLS = 1000  # quantiles looked at to find those of a whole number


class _Prior(Spec):
    reason: Annotated[str, Field(min_length=10)]  # documentation, defaults or a measurement
    integer: bool = False

    def _quantile(self, u: float) -> float:
        raise NotImplementedError

    def quantile(self, u: float) -> float:
        """Return the value below which a share `u` (strictly between 0 and 1) of the prior lies."""
        value = self._quantile(u)
        return float(round(value)) if self.integer else value

    def cell(self, u: float) -> float:
        """Return the middle of the quantiles that stand for the same value as `u`; mostly `u`."""
        if not self.integer:
            return u
        return _middle_of_cell(self, self.quantile(u))


@lru_cache(maxsize=4096)
def _middle_of_cell(prior: _Prior, value: float) -> float:
    grid = [(i + 0.5) / _CELLS for i in range(_CELLS)]
    same = [u for u in grid if prior.quantile(u) == value] or [
        min(grid, key=lambda u: abs(prior.quantile(u) - value))
    ]
    return (same[0] + same[-1]) / 2


class LognormalPrior(_Prior):
    """Positive values: 90 % lie within a `factor` of the `median`, either way."""

    prior: Literal["lognormal"]
    median: Positive
    factor: Annotated[float, Field(gt=1)]

    def _quantile(self, u: float) -> float:
        return self.median * math.exp(_NORMAL.inv_cdf(u) * math.log(self.factor) / _Z95)


class UniformPrior(_Prior):
    """Any value between `low` and `high` alike."""

    prior: Literal["uniform"]
    low: NonNegative
    high: NonNegative

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _check_ordered(self, self.low, self.high)

    def _quantile(self, u: float) -> float:
        return self.low + u * (self.high - self.low)


class LoguniformPrior(_Prior):
    """Any order of magnitude between `low` and `high` alike."""

    prior: Literal["loguniform"]
    low: Positive
    high: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _check_ordered(self, self.low, self.high)

    def _quantile(self, u: float) -> float:
        return self.low * math.exp(u * math.log(self.high / self.low))


class ChoicePrior(_Prior):
    """One of a few `values`, each alike."""

    prior: Literal["choice"]
    values: Annotated[tuple[float, ...], Field(min_length=1)]

    def _quantile(self, u: float) -> float:
        return self.values[self._number(u)]

    def cell(self, u: float) -> float:
        """Return the middle of the quantiles of a choice."""
        return (self._number(u) + 0.5) / len(self.values)

    def _number(self, u: float) -> int:
        return min(int(u * len(self.values)), len(self.values) - 1)


def _check_ordered(prior: _P, low: float, high: float) -> _P:
    if low >= high:
        msg = f"low = {low} must lie below high = {high}; exchange them"
        raise ValueError(msg)
    return prior


Prior = Annotated[
    LognormalPrior | UniformPrior | LoguniformPrior | ChoicePrior, Field(discriminator="prior")
]
