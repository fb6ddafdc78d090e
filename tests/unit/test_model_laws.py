"""Laws have the mean, spread and percentiles that their parameters name."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from capsim.model.laws import (
    AnyLaw,
    Constant,
    ConstantPacing,
    Exponential,
    Gamma,
    Geometric,
    Hyperexponential,
    Lognormal,
    Percentiles,
    Poisson,
    Uniform,
)
from capsim.plan.streams import stream

DRAWS = 200_000
BATCHES = 100
DEVIATIONS = 4.0  # of an estimate; the seeds are fixed

LAWS: list[tuple[AnyLaw, float, float]] = [  # law, mean, coefficient of variation
    (Constant(value=0.3), 0.3, 0.0),
    (Uniform(law="uniform", low=1.0, high=3.0), 2.0, math.sqrt(1 / 3) / 2),
    (Uniform(law="uniform", low=2.0, high=2.0), 2.0, 0.0),
    (Exponential(law="exponential", mean=0.4), 0.4, 1.0),
    (Lognormal(law="lognormal", mean=0.02, cv=0.5), 0.02, 0.5),
    (Lognormal(law="lognormal", mean=0.02, cv=0.0), 0.02, 0.0),
    (Gamma(law="gamma", mean=5.0, cv=0.5), 5.0, 0.5),
    (Gamma(law="gamma", mean=5.0, cv=2.0), 5.0, 2.0),
    (Hyperexponential(law="hyperexponential", mean=0.1, cv=1.5), 0.1, 1.5),
    (Hyperexponential(law="hyperexponential", mean=0.1, cv=3.0), 0.1, 3.0),
    (Geometric(law="geometric", mean=1.0), 1.0, 0.0),
    (Geometric(law="geometric", mean=4.0), 4.0, math.sqrt(0.75)),
    (Poisson(law="poisson", mean=2.5), 2.5, math.sqrt(1 / 2.5)),
    (ConstantPacing(law="constant_pacing", period=7.0), 7.0, 0.0),
]


def estimate(values: np.ndarray, statistic: Callable[[np.ndarray], float]) -> tuple[float, float]:
    """A statistic of all draws, and its standard error from batches."""
    batches = [statistic(batch) for batch in np.split(values, BATCHES)]
    return float(np.mean(batches)), float(np.std(batches, ddof=1) / math.sqrt(BATCHES))


def draws(law: AnyLaw) -> np.ndarray:
    """Many draws of a law."""
    return law.draw(stream(1, 0, "laws", repr(law)), (DRAWS,))


@pytest.mark.parametrize(("law", "mean", "cv"), LAWS, ids=lambda value: str(value)[:30])
def test_a_law_has_its_mean_and_spread(law: AnyLaw, mean: float, cv: float) -> None:
    """Mean and second moment lie within four standard errors of what the parameters say."""
    values = draws(law)
    assert values.min() >= 0.0
    assert law.mean == pytest.approx(mean)
    found, error = estimate(values, np.mean)
    assert found == pytest.approx(mean, rel=1e-12, abs=DEVIATIONS * error)
    square, error = estimate(values, lambda batch: float(np.mean(batch**2)))
    expected = mean**2 * (1 + cv**2)
    assert square == pytest.approx(expected, rel=1e-12, abs=DEVIATIONS * error)
    assert error <= 0.05 * expected


def test_percentiles_are_met() -> None:
    """A law given by p50 and p95 has them, and its mean is that of its draws."""
    law = Percentiles(law="percentiles", p50=0.013, p95=0.030)
    values = draws(law)
    for level, value in ((0.5, 0.013), (0.95, 0.030)):
        below = float((values <= value).mean())
        error = math.sqrt(level * (1 - level) / DRAWS)
        assert below == pytest.approx(level, abs=DEVIATIONS * error)
    found, error = estimate(values, np.mean)
    assert found == pytest.approx(law.mean, abs=DEVIATIONS * error)


def test_equal_percentiles_are_a_constant() -> None:
    """p50 = p95 leaves no spread."""
    law = Percentiles(law="percentiles", p50=0.5, p95=0.5)
    assert draws(law) == pytest.approx(0.5)
    assert law.mean == 0.5


def test_counts_are_whole_numbers() -> None:
    """Geometric counts start at one, Poisson counts at zero."""
    for law, least in ((LAWS[11][0], 1.0), (LAWS[12][0], 0.0)):
        values = draws(law)
        assert (values % 1 == 0).all()
        assert values.min() == least


def test_a_zero_mean_draws_zeros() -> None:
    """A demand of zero is allowed in every law of times."""
    for law in (
        Exponential(law="exponential", mean=0),
        Lognormal(law="lognormal", mean=0, cv=1),
        Gamma(law="gamma", mean=0, cv=1),
        Hyperexponential(law="hyperexponential", mean=0, cv=2),
        Poisson(law="poisson", mean=0),
    ):
        assert not draws(law).any()
