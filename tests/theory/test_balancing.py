"""Balancers, against Markov chains, differential equations and each other."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from capsim.theory import (
    best_of_choices,
    birth_death_distribution,
    mmc,
    random_split,
    round_robin,
    solve_ctmc,
)

FloatArray = npt.NDArray[np.float64]
LOAD = st.floats(0.01, 0.98)


@pytest.mark.parametrize(("servers", "load"), [(2, 0.5), (3, 0.9), (8, 0.7)])
def test_round_robin_is_a_chain_of_phases(servers: int, load: float) -> None:
    """One server sees every n-th arrival: a chain of arrivals passed by and requests present."""
    arrival_rate, longest = load * servers, 900 // servers

    def transitions(state: tuple[int, int]) -> Iterator[tuple[tuple[int, int], float]]:
        passed, present = state
        if passed < servers - 1:
            yield (passed + 1, present), arrival_rate
        else:
            yield (0, min(present + 1, longest)), arrival_rate
        if present:
            yield (passed, present - 1), 1.0

    chain = solve_ctmc(start=(0, 0), transitions=transitions)
    result = round_robin(arrival_rate=arrival_rate, service_rate=1.0, servers=servers)
    assert result.population / servers == pytest.approx(chain.mean(lambda state: state[1]))
    queue = chain.mean(lambda state: max(0, state[1] - 1))
    assert result.queue_length / servers == pytest.approx(queue)


def test_round_robin_of_many_servers_has_regular_arrivals() -> None:
    """With n to infinity the root is that of D/M/1, s = exp(-(1 - s) / rho)."""
    root = 0.0
    for _ in range(2000):
        root = np.exp(-(1.0 - root) / 0.9)
    result = round_robin(arrival_rate=0.9e7, service_rate=1.0, servers=10_000_000)
    assert result.response_time == pytest.approx(1.0 / (1.0 - root), rel=1e-5)


def test_random_split_is_one_chain_per_server() -> None:
    """Each server of four has the population of a birth-death chain at its share of the load."""
    occupancy = birth_death_distribution(
        birth_rates=np.full(500, 0.8), death_rates=np.full(500, 1.0)
    )
    result = random_split(arrival_rate=3.2, service_rate=1.0, servers=4)
    assert result.population == pytest.approx(4.0 * float(np.arange(501) @ occupancy))
    assert result.utilisation == pytest.approx(0.8)


@pytest.mark.parametrize(("load", "choices"), [(0.5, 2), (0.9, 2), (0.8, 3)])
def test_best_of_choices_is_the_rest_of_its_flow(load: float, choices: int) -> None:
    """The fractions of servers with at least i requests come to rest at the closed form.

    They rise by arrivals whose shortest choice has i - 1, and fall by services.
    """

    def flow(_: float, tails: FloatArray) -> FloatArray:
        levels = np.concatenate(([1.0], tails, [0.0]))
        chosen = load * (levels[:-2] ** choices - levels[1:-1] ** choices)
        return np.asarray(chosen - (levels[1:-1] - levels[2:]))

    rest = integrate.solve_ivp(
        flow, (0.0, 2000.0), np.zeros(40), method="LSODA", rtol=1e-9, atol=1e-12
    ).y[:, -1]
    result = best_of_choices(arrival_rate=load, service_rate=1.0, choices=choices)
    assert result.population == pytest.approx(rest.sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("load", "expected"), [(0.5, 1.2657), (0.7, 1.6145), (0.9, 2.6141), (0.95, 3.3830)]
)
def test_two_choices_keep_their_published_times(load: float, expected: float) -> None:
    """The times in the limit of many servers (Mitzenmacher 2001), to four digits."""
    result = best_of_choices(arrival_rate=load, service_rate=1.0)
    assert result.response_time == pytest.approx(expected, abs=0.5e-4)


@given(load=LOAD, servers=st.integers(2, 40))
def test_balancers_have_an_order(load: float, servers: int) -> None:
    """A common queue is best, turns are better than chance, and so are two choices."""
    rates = {"arrival_rate": load * servers, "service_rate": 1.0, "servers": servers}
    common, turns, chance = mmc(**rates), round_robin(**rates), random_split(**rates)
    two = best_of_choices(arrival_rate=load, service_rate=1.0)
    assert common.response_time <= turns.response_time <= chance.response_time
    assert two.response_time <= chance.response_time
    three = best_of_choices(arrival_rate=load, service_rate=1.0, choices=3)
    assert three.response_time <= two.response_time


@given(load=LOAD, service_rate=st.floats(0.05, 20.0))
def test_one_server_needs_no_balancer(load: float, service_rate: float) -> None:
    """With one server turns and chance are the same queue."""
    rates = {"arrival_rate": load * service_rate, "service_rate": service_rate, "servers": 1}
    expected = pytest.approx(1.0 / (service_rate * (1.0 - load)))
    assert round_robin(**rates).response_time == expected
    assert random_split(**rates).response_time == expected


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument and the rule."""
    with pytest.raises(ValueError, match=r"choices must be a whole number of at least 2, got 1"):
        best_of_choices(arrival_rate=0.5, service_rate=1.0, choices=1)
    with pytest.raises(ValueError, match=r"arrival_rate must be below the service capacity 2\.0"):
        round_robin(arrival_rate=2.0, service_rate=1.0, servers=2)
