"""The Universal Scalability Law, against published values, bounds and a search."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from capsim.theory import asymptotic_bounds, usl_peak, usl_throughput

COST = st.floats(1e-6, 0.5)


@pytest.mark.parametrize(
    ("population", "published"),
    [(1, 1.0), (2, 1.8868), (4, 3.0769), (6, 3.5294), (8, 3.5398), (10, 3.3557)],
)
def test_published_throughputs(population: int, published: float) -> None:
    """The series with sigma = kappa = 0.02 that the R package usl is tested with."""
    result = usl_throughput(population=population, unit_rate=1.0, contention=0.02, coherency=0.02)
    assert result == pytest.approx(published, abs=0.5e-4)


def test_published_peak() -> None:
    """The same package, with sigma = 0.001 and kappa = 1e-5, to its two digits."""
    assert usl_peak(contention=0.001, coherency=1e-5) == pytest.approx(320.0, abs=5.0)


@given(contention=st.floats(1e-3, 0.9), population=st.integers(1, 500))
def test_amdahl_is_the_pessimistic_bound(contention: float, population: int) -> None:
    """Without coherency cost all meet at the serial part: the lower asymptotic bound."""
    result = usl_throughput(
        population=population, unit_rate=1.0, contention=contention, coherency=0.0
    )
    bound = asymptotic_bounds(
        demands=[contention], population=population, think_time=1.0 - contention
    )
    assert result == pytest.approx(float(bound.lower_throughput))


@given(contention=COST, coherency=COST)
def test_the_peak_is_where_a_search_finds_it(contention: float, coherency: float) -> None:
    """The reciprocal of the throughput is least at the peak, or at one user before it."""
    peak = max(1.0, usl_peak(contention=contention, coherency=coherency))

    def cost(population: float) -> float:
        return 1.0 / usl_throughput(
            population=population, unit_rate=1.0, contention=contention, coherency=coherency
        )

    found = optimize.minimize_scalar(cost, bounds=(1.0, 2_000.0), method="bounded")
    assert cost(peak) <= found.fun * (1.0 + 1e-12)


def test_no_coherency_cost_has_no_peak() -> None:
    """Amdahl's law never falls."""
    assert usl_peak(contention=0.1, coherency=0.0) == math.inf


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument and the rule."""
    with pytest.raises(ValueError, match=r"contention must be in \[0, 1\], got 1\.1"):
        usl_peak(contention=1.1, coherency=0.1)
    with pytest.raises(ValueError, match=r"population must be finite and at least 1, got 0\.5"):
        usl_throughput(population=0.5, unit_rate=1.0, contention=0.1, coherency=0.0)
