"""Laws of random quantities, given by mean and coefficient of variation, never by shape parameters.

The unit is the unit of the field that holds the law (`think_s`: seconds; `queries`: a number).
"""

import math
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from capsim.model.spec import NonNegative, Positive, Spec

Floats = NDArray[np.float64]
_Z95 = 1.6448536269514722  # 95 % quantile of the standard normal law


class Constant(Spec):
    """Always the same value; a bare number in a model file means this."""

    law: Literal["constant"] = "constant"
    value: NonNegative

    @property
    def mean(self) -> float:
        """The mean, in the unit of the field."""
        return self.value

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:  # noqa: ARG002 (the contract of a law)
        """Return an array of `size` draws."""
        return np.full(size, self.value)


class Uniform(Spec):
    """Uniform between `low` and `high`, as Locust's `between(low, high)`."""

    law: Literal["uniform"]
    low: NonNegative
    high: NonNegative

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            msg = f"low = {self.low} lies above high = {self.high}; exchange them"
            raise ValueError(msg)
        return self

    @property
    def mean(self) -> float:
        """The mean, in the unit of the field."""
        return (self.low + self.high) / 2

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Return an array of `size` draws."""
        return self.low + (self.high - self.low) * generator.random(size)


class Exponential(Spec):
    """Exponential with the given mean."""

    law: Literal["exponential"]
    mean: NonNegative

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Return an array of `size` draws."""
        return self.mean * generator.standard_exponential(size)


class Lognormal(Spec):
    """Lognormal with the given mean and coefficient of variation."""

    law: Literal["lognormal"]
    mean: NonNegative
    cv: NonNegative

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Return an array of `size` draws."""
        variance = math.log1p(self.cv**2)
        return self.mean * np.exp(
            generator.standard_normal(size) * math.sqrt(variance) - variance / 2
        )


class Percentiles(Spec):
    """Lognormal through a given median and 95th percentile."""

    law: Literal["percentiles"]
    p50: Positive
    p95: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.p50 > self.p95:
            msg = f"p50 = {self.p50} lies above p95 = {self.p95}; percentiles cannot decrease"
            raise ValueError(msg)
        return self

    @property
    def _sigma(self) -> float:
        return math.log(self.p95 / self.p50) / _Z95

    @property
    def mean(self) -> float:
        """The mean, in the unit of the field."""
        return self.p50 * math.exp(self._sigma**2 / 2)

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Return an array of `size` draws."""
        return self.p50 * np.exp(generator.standard_normal(size) * self._sigma)


class Gamma(Spec):
    """Gamma with the given mean and coefficient of variation (Erlang-k is cv = 1/sqrt(k))."""

    law: Literal["gamma"]
    mean: NonNegative
    cv: Positive

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Return an array of `size` draws."""
        shape = 1 / self.cv**2
        return self.mean / shape * generator.standard_gamma(shape, size)


class Hyperexponential(Spec):
    """Two exponential phases with balanced means, for cv > 1 (Whitt 1982, section 3)."""

    law: Literal["hyperexponential"]
    mean: NonNegative
    cv: Annotated[float, Field(gt=1)]

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Return an array of `size` draws."""
        squared = self.cv**2
        first = (1 + math.sqrt((squared - 1) / (squared + 1))) / 2
        chosen = generator.random(size) < first
        means = np.where(chosen, self.mean / (2 * first), self.mean / (2 * (1 - first)))
        return means * generator.standard_exponential(size)


class Geometric(Spec):
    """Whole numbers from 1 with the given mean, e.g. queries per request with an N+1 tail."""

    law: Literal["geometric"]
    mean: Annotated[float, Field(ge=1)]

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Return an array of `size` draws."""
        return generator.geometric(1 / self.mean, size).astype(np.float64)


class Poisson(Spec):
    """Whole numbers from 0 with the given mean."""

    law: Literal["poisson"]
    mean: NonNegative

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Return an array of `size` draws."""
        return generator.poisson(self.mean, size).astype(np.float64)


class ConstantPacing(Spec):
    """Locust's `constant_pacing`: think until `period` seconds after the last request's start."""

    law: Literal["constant_pacing"]
    period: NonNegative

    @property
    def mean(self) -> float:
        """The period: the mean time between starts, not the mean think time."""
        return self.period

    def draw(self, generator: np.random.Generator, size: tuple[int, ...]) -> Floats:  # noqa: ARG002 (the contract of a law)
        """Return an array of `size` periods."""
        return np.full(size, self.period)


def _number_is_constant(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"law": "constant", "value": value} if is_number else value


_Continuous = Constant | Uniform | Exponential | Lognormal | Percentiles | Gamma | Hyperexponential
_Shorthand = BeforeValidator(_number_is_constant, json_schema_input_type=float | dict[str, object])

Law = Annotated[_Continuous, Field(discriminator="law"), _Shorthand]
ThinkLaw = Annotated[_Continuous | ConstantPacing, Field(discriminator="law"), _Shorthand]
CountLaw = Annotated[Constant | Geometric | Poisson, Field(discriminator="law"), _Shorthand]
AnyLaw = _Continuous | ConstantPacing | Geometric | Poisson

ZERO = Constant(value=0.0)
