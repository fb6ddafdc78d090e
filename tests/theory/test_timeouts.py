"""Timeouts and orders of service, against integral equations, small chains and a simulation."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from capsim.theory import (
    ServiceOrder,
    birth_death_distribution,
    erlang_b,
    mg1,
    mm1,
    mm1_late_answers,
    mm1_random_order_waiting_variance,
    mm1_waiting_variance,
    mmc,
    mmc_fixed_patience,
)

FloatArray = npt.NDArray[np.float64]
PLACES = 900


def mm1_occupancy(arrival_rate: float, service_rate: float) -> FloatArray:
    """Number in M/M/1 as a birth-death chain with a far cut-off."""
    return birth_death_distribution(
        birth_rates=np.full(PLACES, arrival_rate), death_rates=np.full(PLACES, service_rate)
    )


def offered_wait(
    arrival_rate: float, capacity: float, servers: int, patience: float
) -> tuple[float, float]:
    """P(wait beyond patience) and mean wait up to it, from the level crossings of the wait.

    Down-crossings of a level balance the jumps over it, which are exponential with the rate of all
    servers: v(x) = l p(c-1) exp(-m x) + l integral of v(y) exp(-m (x - y)) over y < min(x, tau).
    Solved on a grid with the trapezoidal rule, whose error is of second order in its step.
    """
    steps = 4000
    grid, step = np.linspace(0.0, patience, steps + 1, retstep=True)
    density = np.empty(steps + 1)
    density[0] = arrival_rate
    carried, fade = 0.0, math.exp(-capacity * step)
    for i in range(1, steps + 1):
        carried = (carried + arrival_rate * step / 2 * density[i - 1]) * fade
        start = arrival_rate * math.exp(-capacity * grid[i])
        density[i] = (start + carried) / (1.0 - arrival_rate * step / 2)
        carried += arrival_rate * step / 2 * density[i]
    beyond = density[-1] / capacity
    # Relative weights of 0..c-1 present: k mu of them leave per second, l arrive.
    service_rate = capacity / servers
    below, weight = 0.0, 1.0
    for present in range(servers - 1, -1, -1):
        below += weight
        weight *= present * service_rate / arrival_rate
    total = below + float(integrate.trapezoid(density, grid)) + beyond
    mean = float(integrate.trapezoid(grid * density, grid)) + patience * beyond
    return beyond / total, mean / total


@pytest.mark.parametrize("servers", [1, 3, 10])
@pytest.mark.parametrize("load", [0.3, 0.9, 1.0, 1.4])
@pytest.mark.parametrize("patience", [0.2, 3.0])
def test_fixed_patience_solves_the_level_crossings(
    servers: int, load: float, patience: float
) -> None:
    """Loss and mean wait are those of the integral equation, below and above saturation."""
    result = mmc_fixed_patience(
        arrival_rate=load * servers, service_rate=1.0, servers=servers, patience=patience
    )
    timeout, wait = offered_wait(load * servers, float(servers), servers, patience)
    assert result.abandonment_probability == pytest.approx(timeout, rel=1e-4)
    assert result.waiting_time == pytest.approx(wait, rel=1e-4)


def test_fixed_patience_agrees_with_a_simulation() -> None:
    """Customers one by one, three servers, 20 batches: within 4 standard errors."""
    generator = np.random.default_rng(1)
    batches, size, patience = 20, 10_000, 1.0
    gaps = generator.exponential(1.0 / 2.8, batches * size)
    demands = generator.exponential(1.0, batches * size)
    free, lost, waits = [0.0, 0.0, 0.0], np.zeros(batches * size), np.zeros(batches * size)
    for i, now in enumerate(np.cumsum(gaps).tolist()):
        free.sort()
        wait = max(0.0, free[0] - now)
        waits[i] = min(wait, patience)
        if wait > patience:
            lost[i] = 1.0
        else:
            free[0] = now + wait + demands[i]
    exact = mmc_fixed_patience(arrival_rate=2.8, service_rate=1.0, servers=3, patience=patience)
    for sample, expected in (
        (lost, exact.abandonment_probability),
        (waits, exact.waiting_time),
    ):
        means = sample.reshape(batches, size).mean(axis=1)
        assert abs(means.mean() - expected) < 4.0 * stats.sem(means)


@given(load=st.floats(0.01, 5.0), servers=st.integers(1, 30))
def test_no_patience_is_erlang_b(load: float, servers: int) -> None:
    """Who does not wait at all is lost when all servers are busy."""
    result = mmc_fixed_patience(
        arrival_rate=load * servers, service_rate=1.0, servers=servers, patience=0.0
    )
    blocking = erlang_b(servers=servers, offered_load=load * servers)
    assert result.abandonment_probability == pytest.approx(blocking)
    assert result.waiting_time == 0.0


@given(load=st.floats(0.01, 0.9), servers=st.integers(1, 30))
def test_endless_patience_is_mmc(load: float, servers: int) -> None:
    """Nobody gives up below saturation, and the wait is that of M/M/c."""
    rates = {"arrival_rate": load * servers, "service_rate": 1.0, "servers": servers}
    result = mmc_fixed_patience(**rates, patience=1e4)
    assert result.abandonment_probability == 0.0
    assert result.waiting_time == pytest.approx(mmc(**rates).waiting_time)


@given(load=st.floats(1.1, 50.0), servers=st.integers(1, 30))
def test_an_overload_times_out_what_is_too_much(load: float, servers: int) -> None:
    """With a long patience an overloaded station works at its capacity and nearly all wait it."""
    result = mmc_fixed_patience(
        arrival_rate=load * servers, service_rate=1.0, servers=servers, patience=1e4
    )
    assert result.throughput == pytest.approx(float(servers))
    assert result.waiting_time == pytest.approx(1e4, rel=2e-3)


def test_fixed_patience_is_smooth_at_saturation() -> None:
    """Small exponents, where the closed form is 0 / 0, continue it."""

    def at(load: float) -> tuple[float, float]:
        result = mmc_fixed_patience(arrival_rate=load, service_rate=1.0, servers=1, patience=2.0)
        return result.abandonment_probability, result.waiting_time

    for step in (1e-9, 4e-6, 6e-6, 1e-4):
        middle = np.add(at(1.0 - step), at(1.0 + step)) / 2.0
        np.testing.assert_allclose(middle, at(1.0), rtol=max(1e-9, step**2))


@pytest.mark.parametrize("load", [0.2, 0.7, 0.95])
@pytest.mark.parametrize("patience", [0.5, 3.0, 20.0])
def test_late_answers_are_sojourns_beyond_the_patience(load: float, patience: float) -> None:
    """Whoever finds n is late if fewer than n + 1 services end in time: a Poisson tail."""
    result = mm1_late_answers(arrival_rate=load, service_rate=1.0, patience=patience)
    late = stats.poisson.cdf(np.arange(PLACES + 1), patience)
    expected = float(late @ mm1_occupancy(load, 1.0))
    assert result.timeout_probability == pytest.approx(expected)
    assert result.goodput == pytest.approx(load * (1.0 - expected))
    assert result.utilisation == pytest.approx(load)


def test_late_answers_of_an_overload() -> None:
    """In overload the server is busy for nobody."""
    result = mm1_late_answers(arrival_rate=1.2, service_rate=1.0, patience=30.0)
    assert (result.timeout_probability, result.goodput, result.utilisation) == (1.0, 0.0, 1.0)


def waiting_moments(arrival_rate: float, order: ServiceOrder) -> tuple[float, float]:
    """First two moments of the wait in M/M/1 with service rate 1, by first steps of one customer.

    The state is the number of the others who wait and matter: who stands before it (fifo), anybody
    (random), who came after it (lifo). A service that ends takes the next of them or the customer.
    """
    size = 400
    rates = np.zeros((size, size))
    for others in range(size):
        arrivals = 0.0 if order == "fifo" else arrival_rate
        passed = {"fifo": 0.0, "random": 1.0 / (others + 1), "lifo": 0.0}[order] if others else 1.0
        rates[others, others] = arrivals + 1.0
        rates[others, min(others + 1, size - 1)] -= arrivals
        if others:
            rates[others, others - 1] -= 1.0 - passed
    first = np.linalg.solve(rates, np.ones(size))
    second = np.linalg.solve(rates, 2.0 * first)
    found = mm1_occupancy(arrival_rate, 1.0)[1 : size + 1]
    if order == "lifo":
        return float(found.sum() * first[0]), float(found.sum() * second[0])
    return float(found @ first), float(found @ second)


@pytest.mark.parametrize("order", ["fifo", "random", "lifo"])
@pytest.mark.parametrize("load", [0.3, 0.7, 0.85])
def test_order_of_service_spreads_the_wait(order: ServiceOrder, load: float) -> None:
    """All orders have the mean of M/M/1 and the variance that a tagged customer sees."""
    mean, second = waiting_moments(load, order)
    variance = mm1_waiting_variance(arrival_rate=load, service_rate=1.0, order=order)
    assert mm1(arrival_rate=load, service_rate=1.0).waiting_time == pytest.approx(mean)
    assert variance == pytest.approx(second - mean**2)
    # Times scale with the service, variances with its square.
    slow = mm1_waiting_variance(arrival_rate=load / 4.0, service_rate=0.25, order=order)
    assert slow == pytest.approx(16.0 * variance)


def test_random_order_by_its_own_name() -> None:
    """The older name gives the variance of random order."""
    variance = mm1_waiting_variance(arrival_rate=3.0, service_rate=5.0, order="random")
    named = mm1_random_order_waiting_variance(arrival_rate=3.0, service_rate=5.0)
    assert named == variance
    assert mg1(arrival_rate=3.0, service_time=0.2, cv=1.0).waiting_time == pytest.approx(0.3)


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument and the rule."""
    with pytest.raises(ValueError, match=r"patience must be non-negative and finite, got -1"):
        mmc_fixed_patience(arrival_rate=1.0, service_rate=1.0, servers=1, patience=-1.0)
    with pytest.raises(ValueError, match=r"servers must be a whole number of at least 1, got 0"):
        mmc_fixed_patience(arrival_rate=1.0, service_rate=1.0, servers=0, patience=1.0)
    with pytest.raises(ValueError, match=r"arrival_rate must be positive and finite, got 0"):
        mm1_late_answers(arrival_rate=0.0, service_rate=1.0, patience=1.0)
    with pytest.raises(ValueError, match=r"order must be one of fifo, random, lifo, got sjf"):
        mm1_waiting_variance(arrival_rate=1.0, service_rate=2.0, order="sjf")  # type: ignore[arg-type]
