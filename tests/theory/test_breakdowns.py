"""Servers that are away at times, against Markov chains, integrals and a simulation."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from capsim.theory import (
    constant_service_kills,
    exponential_service_kills,
    mm1,
    mm1_breakdowns,
    recycling_availability,
    solve_ctmc,
)

FloatArray = npt.NDArray[np.float64]
TIME = st.floats(0.01, 100.0)


@pytest.mark.parametrize(
    ("arrival_rate", "failure_rate", "repair_rate"),
    [(0.3, 0.1, 0.2), (0.6, 0.01, 0.1), (0.5, 2.0, 5.0)],
)
def test_breakdowns_are_the_chain_of_server_and_queue(
    arrival_rate: float, failure_rate: float, repair_rate: float
) -> None:
    """Sojourn, population and availability are those of a chain with a far cut-off."""

    def transitions(state: tuple[bool, int]) -> Iterator[tuple[tuple[bool, int], float]]:
        up, present = state
        yield (not up, present), failure_rate if up else repair_rate
        if present < 500:
            yield (up, present + 1), arrival_rate
        if up and present:
            yield (up, present - 1), 1.0

    chain = solve_ctmc(start=(True, 0), transitions=transitions)
    result = mm1_breakdowns(
        arrival_rate=arrival_rate,
        service_rate=1.0,
        failure_rate=failure_rate,
        repair_rate=repair_rate,
    )
    population = chain.mean(lambda state: state[1])
    assert result.population == pytest.approx(population)
    assert result.response_time == pytest.approx(population / arrival_rate)
    assert result.availability == pytest.approx(chain.mean(lambda state: state[0]))
    busy = chain.mean(lambda state: state[0] and state[1] > 0)
    assert result.utilisation == pytest.approx(busy)


def test_a_server_that_hardly_fails_is_mm1() -> None:
    """Without failures the sojourn of M/M/1 is left."""
    result = mm1_breakdowns(arrival_rate=0.8, service_rate=1.0, failure_rate=1e-12, repair_rate=1.0)
    exact = mm1(arrival_rate=0.8, service_rate=1.0)
    assert result.response_time == pytest.approx(exact.response_time)


@pytest.mark.parametrize(("max_requests", "jitter"), [(1, 0), (5, 0), (5, 4), (20, 20)])
def test_recycling_is_a_chain_of_lives(max_requests: int, jitter: int) -> None:
    """A worker counts its requests down, boots, and draws the length of the next life."""
    service_time, boot_time = 0.2, 3.0

    def transitions(left: int) -> Iterator[tuple[int, float]]:
        if left:
            yield left - 1, 1.0 / service_time
        else:
            for extra in range(jitter + 1):
                yield max_requests + extra, 1.0 / (boot_time * (jitter + 1))

    chain = solve_ctmc(start=0, transitions=transitions)
    availability = recycling_availability(
        max_requests=max_requests, jitter=jitter, service_time=service_time, boot_time=boot_time
    )
    assert availability == pytest.approx(chain.mean(lambda left: left > 0))


def mean_over_sweep(value: Callable[[float], float], timeout: float, sweep: float) -> float:
    """Mean of a function of the instant of the kill, by the midpoint rule."""
    points = timeout + sweep * (np.arange(20_000) + 0.5) / 20_000
    return float(np.mean([value(point) for point in points]))


@pytest.mark.parametrize("service_time", [0.5, 2.0, 2.3, 2.9, 3.5])
def test_constant_kills_are_means_over_the_sweep(service_time: float) -> None:
    """Each instant of the kill has its own cycle; 20,000 of them leave an error of 1e-4."""
    result = constant_service_kills(
        workers=3, service_time=service_time, timeout=2.0, boot_time=5.0, sweep=1.0
    )
    killed = mean_over_sweep(lambda kill: float(service_time > kill), 2.0, 1.0)
    cycle = mean_over_sweep(
        lambda kill: min(service_time, kill) + 5.0 * (service_time > kill), 2.0, 1.0
    )
    assert result.kill_probability == pytest.approx(killed, abs=1e-4)
    assert result.throughput == pytest.approx(3.0 / cycle, rel=1e-3)
    assert result.goodput == pytest.approx(3.0 * (1.0 - killed) / cycle, rel=1e-3)


@pytest.mark.parametrize("sweep", [0.0, 1.0])
@pytest.mark.parametrize("service_time", [0.3, 2.0, 50.0])
def test_exponential_kills_are_integrals(service_time: float, sweep: float) -> None:
    """E[min(S, K)] is the integral of P(S > t) P(K > t), P(S > K) that of the density of S."""

    def kill_is_later(time: float) -> float:
        return float(np.clip((2.0 + sweep - time) / sweep, 0.0, 1.0)) if sweep else time < 2.0

    def alive(time: float) -> float:
        return float(np.exp(-time / service_time)) * kill_is_later(time)

    held = integrate.quad(alive, 0.0, 2.0)[0] + integrate.quad(alive, 2.0, 2.0 + sweep)[0]
    answered = held / service_time
    cycle = held + 5.0 * (1.0 - answered)
    result = exponential_service_kills(
        workers=4, service_time=service_time, timeout=2.0, boot_time=5.0, sweep=sweep
    )
    assert result.kill_probability == pytest.approx(1.0 - answered, rel=1e-6)
    assert result.throughput == pytest.approx(4.0 / cycle)
    assert result.goodput == pytest.approx(4.0 * answered / cycle)
    assert result.availability == pytest.approx(held / cycle)


def test_kills_agree_with_a_simulation() -> None:
    """A worker, request by request: goodput and throughput within 4 standard errors."""
    generator = np.random.default_rng(2)
    shape = (50, 4_000)
    demands = generator.exponential(2.0, shape)
    kills = 3.0 + generator.random(shape)
    lost = demands > kills
    times = (np.minimum(demands, kills) + 4.0 * lost).sum(axis=1)
    exact = exponential_service_kills(
        workers=1, service_time=2.0, timeout=3.0, boot_time=4.0, sweep=1.0
    )
    for rates, expected in (
        (shape[1] / times, exact.throughput),
        ((~lost).sum(axis=1) / times, exact.goodput),
    ):
        assert abs(rates.mean() - expected) < 4.0 * stats.sem(rates)


@given(service_time=TIME, timeout=TIME, boot_time=TIME)
def test_killing_never_raises_the_goodput_of_constant_work(
    service_time: float, timeout: float, boot_time: float
) -> None:
    """Requests of one length are all answered or none is."""
    result = constant_service_kills(
        workers=2, service_time=service_time, timeout=timeout, boot_time=boot_time
    )
    fits = service_time <= timeout
    assert result.goodput == (pytest.approx(2.0 / service_time) if fits else 0.0)
    assert result.throughput == pytest.approx(2.0 / (service_time if fits else timeout + boot_time))


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument and the rule."""
    with pytest.raises(ValueError, match=r"arrival_rate must be below the service capacity 0\.5"):
        mm1_breakdowns(arrival_rate=0.6, service_rate=1.0, failure_rate=1.0, repair_rate=1.0)
    with pytest.raises(ValueError, match=r"max_requests must be a whole number of at least 1"):
        recycling_availability(max_requests=0, service_time=1.0, boot_time=1.0)
    with pytest.raises(ValueError, match=r"timeout must be positive and finite, got 0"):
        constant_service_kills(workers=1, service_time=1.0, timeout=0.0, boot_time=1.0)
