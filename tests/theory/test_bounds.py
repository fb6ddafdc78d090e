"""Asymptotic and balanced job bounds, against exact solutions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.theory import (
    ClosedNetwork,
    NestedPools,
    Station,
    asymptotic_bounds,
    balanced_job_bounds,
    closed_full_backlog,
    exact_mva,
    knee,
    solve_nested_pools,
)

DEMANDS = st.lists(st.floats(0.01, 10.0), min_size=1, max_size=4)
STATIONS = st.lists(
    st.tuples(st.floats(0.01, 10.0), st.one_of(st.integers(1, 6), st.just(math.inf))),
    min_size=1,
    max_size=4,
)
POPULATION = st.integers(1, 40)
THINK_TIME = st.floats(0.0, 100.0)
# Room for rounding where a bound and the exact value coincide.
ROUNDING = 1e-9


def exact(
    demands: list[float], servers: list[float], population: int, think_time: float
) -> tuple[float, float]:
    """Exact throughput and response time at the full population."""
    stations = tuple(
        Station(demand=demand, servers=number)
        for demand, number in zip(demands, servers, strict=True)
    )
    result = exact_mva(
        network=ClosedNetwork(stations=stations, population=population, think_time=think_time)
    )
    return float(result.throughput[-1]), float(result.response_time[-1])


@given(stations=STATIONS, population=POPULATION, think_time=THINK_TIME)
def test_asymptotic_bounds_enclose_the_exact_solution(
    stations: list[tuple[float, float]], population: int, think_time: float
) -> None:
    """No network of single servers, multi-servers and delays leaves its bounds."""
    demands, servers = [each[0] for each in stations], [each[1] for each in stations]
    throughput, response_time = exact(demands, servers, population, think_time)
    bounds = asymptotic_bounds(
        demands=demands, servers=servers, population=population, think_time=think_time
    )
    assert bounds.lower_throughput <= throughput * (1.0 + ROUNDING)
    assert throughput <= bounds.upper_throughput * (1.0 + ROUNDING)
    assert bounds.lower_response_time <= response_time * (1.0 + ROUNDING) + ROUNDING
    assert response_time <= bounds.upper_response_time * (1.0 + ROUNDING)


@given(demands=DEMANDS, population=POPULATION, think_time=THINK_TIME)
def test_balanced_bounds_enclose_the_exact_solution(
    demands: list[float], population: int, think_time: float
) -> None:
    """No network of single servers leaves its balanced job bounds."""
    servers = [1.0] * len(demands)
    throughput, response_time = exact(demands, servers, population, think_time)
    bounds = balanced_job_bounds(demands=demands, population=population, think_time=think_time)
    assert bounds.lower_throughput <= throughput * (1.0 + ROUNDING)
    assert throughput <= bounds.upper_throughput * (1.0 + ROUNDING)
    assert bounds.lower_response_time <= response_time * (1.0 + ROUNDING) + ROUNDING
    assert response_time <= bounds.upper_response_time * (1.0 + ROUNDING)


@given(demands=DEMANDS, population=POPULATION, think_time=THINK_TIME)
def test_balanced_bounds_are_the_tighter_ones(
    demands: list[float], population: int, think_time: float
) -> None:
    """Balanced job bounds never lie outside the asymptotic ones."""
    wide = asymptotic_bounds(demands=demands, population=population, think_time=think_time)
    tight = balanced_job_bounds(demands=demands, population=population, think_time=think_time)
    assert wide.lower_throughput <= tight.lower_throughput * (1.0 + ROUNDING)
    assert tight.upper_throughput <= wide.upper_throughput * (1.0 + ROUNDING)


@given(demand=st.floats(0.01, 10.0), stations=st.integers(1, 4), population=POPULATION)
def test_balanced_bounds_are_exact_for_a_balanced_batch_system(
    demand: float, stations: int, population: int
) -> None:
    """Without think time and with equal demands both balanced bounds are the exact value."""
    demands = [demand] * stations
    throughput, _ = exact(demands, [1.0] * stations, population, 0.0)
    bounds = balanced_job_bounds(demands=demands, population=population)
    assert bounds.lower_throughput == pytest.approx(throughput)
    assert bounds.upper_throughput == pytest.approx(throughput)


@pytest.mark.parametrize(
    ("population", "think_time", "stations", "users_at_knee"),
    [
        pytest.param(10, 1.0 / 0.3, [(1.5, 1)], (1.5 + 1.0 / 0.3) / 1.5, id="1"),
        pytest.param(3, 15.0, [(0.605, 1), (2.1, 1), (1.35, 1)], 19.055 / 2.1, id="3"),
        pytest.param(5, 30.0, [(2.0, 1), (0.24, 1), (0.6, 1)], 32.84 / 2.0, id="4"),
        pytest.param(400, 0.0, [(0.444, 300)], 300.0, id="7"),
        pytest.param(100, 300.0, [(0.63, 1)], 300.63 / 0.63, id="8"),
    ],
)
def test_closed_cases_respect_their_asymptotes(
    population: int, think_time: float, stations: list[tuple[float, float]], users_at_knee: float
) -> None:
    """Every closed case stays below both asymptotes, which cross at the knee."""
    demands, servers = [each[0] for each in stations], [each[1] for each in stations]
    capacity = min(number / demand for demand, number in stations)
    throughput, _ = exact(demands, servers, population, think_time)
    bounds = asymptotic_bounds(
        demands=demands, servers=servers, population=population, think_time=think_time
    )
    at_most = min(population / (math.fsum(demands) + think_time), capacity)
    assert bounds.upper_throughput == pytest.approx(at_most)
    assert throughput <= at_most * (1.0 + ROUNDING)
    assert knee(demands=demands, servers=servers, think_time=think_time) == pytest.approx(
        users_at_knee
    )


@pytest.mark.parametrize("connections", [4, 8])
def test_nested_pools_respect_their_asymptotes(connections: int) -> None:
    """Holding a thread while waiting only lowers the throughput below the bounds."""
    pools = NestedPools(
        population=50,
        think_time=1.0,
        threads=8,
        app_time=0.05,
        connections=connections,
        database_time=0.1,
    )
    bounds = asymptotic_bounds(
        demands=[0.05, 0.1], servers=[math.inf, connections], population=50, think_time=1.0
    )
    throughput = solve_nested_pools(pools=pools).throughput
    assert throughput <= min(float(bounds.upper_throughput), pools.threads / 0.15)


def test_full_backlog_respects_its_asymptotes() -> None:
    """Refusing users cannot lift the throughput over the capacity of the servers."""
    bounds = asymptotic_bounds(demands=[0.1], servers=[4], population=50, think_time=1.0)
    result = closed_full_backlog(
        population=50, think_time=1.0, servers=4, service_time=0.1, capacity=10
    )
    assert result.throughput <= bounds.upper_throughput


def test_bounds_keep_the_shape_of_the_population() -> None:
    """Scalars and arrays of users give results of the same shape."""
    users = np.array([[1, 10], [100, 1000]])
    table = asymptotic_bounds(demands=[0.1, 0.3], population=users, think_time=2.0)
    single = asymptotic_bounds(demands=[0.1, 0.3], population=100, think_time=2.0)
    assert table.upper_throughput.shape == table.lower_response_time.shape == (2, 2)
    assert single.upper_throughput.shape == ()
    assert table.upper_response_time[1, 0] == single.upper_response_time
    assert balanced_job_bounds(demands=[0.1], population=users).lower_throughput.shape == (2, 2)


def test_delays_alone_never_saturate() -> None:
    """A system of delays has no knee and one exact throughput."""
    bounds = asymptotic_bounds(
        demands=[1.0, 2.0], servers=[math.inf, math.inf], population=50, think_time=7.0
    )
    assert knee(demands=[1.0, 2.0], servers=[math.inf, math.inf]) == math.inf
    assert bounds.lower_throughput == bounds.upper_throughput == 5.0


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument, its value and the rule."""
    with pytest.raises(ValueError, match=r"demands must have at least one station, got 0"):
        knee(demands=[])
    with pytest.raises(ValueError, match=r"demands\[1\] must be positive and finite, got 0"):
        balanced_job_bounds(demands=[1.0, 0.0], population=1)
    with pytest.raises(ValueError, match=r"servers must have one entry per station \(1\), got 2"):
        asymptotic_bounds(demands=[1.0], servers=[1, 2], population=1)
    with pytest.raises(ValueError, match=r"servers\[0\] must be a whole number .* got 0"):
        asymptotic_bounds(demands=[1.0], servers=[0], population=1)
    with pytest.raises(ValueError, match=r"population must be at least 1 and finite, got 0"):
        asymptotic_bounds(demands=[1.0], population=[5, 0])
    with pytest.raises(ValueError, match=r"think_time must be non-negative and finite, got -1"):
        knee(demands=[1.0], think_time=-1.0)
