"""Pools within pools, against a chain of single users, other solvers and published values."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.theory import (
    ClosedNetwork,
    LayeredPools,
    NestedPools,
    PoolLayer,
    Station,
    exact_mva,
    machine_repairman,
    solve_ctmc,
    solve_layered_pools,
    solve_nested_pools,
)

TIME = st.floats(0.01, 3.0)
PLACES = st.integers(1, 5)

# Where a user is, and the layers of which the user holds a place there; None marks a wait.
STAGES = ("think", "wait 0", "in 0", "wait 1", "in 1", "wait 2", "in 2", "out 1", "out 0")
HELD = (0, 0, 1, 1, 2, 2, 3, 2, 1)
WAITED_FOR = {1: 0, 3: 1, 5: 2}


def solve_by_users(
    places: tuple[int, int, int], rates: dict[int, float], users: int
) -> tuple[float, float]:
    """Completions per second and mean number inside three layers, user by user.

    A place goes to any of those who wait for it with equal chance: the users are alike, so the
    numbers are those of first come first served.
    """

    def settle(state: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], float]]:
        for stage, layer in WAITED_FOR.items():
            waiting = [user for user in range(users) if state[user] == stage]
            taken = sum(HELD[at] > layer for at in state)
            if waiting and taken < places[layer]:
                for user in waiting:
                    granted = (*state[:user], stage + 1, *state[user + 1 :])
                    for final, share in settle(granted):
                        yield final, share / len(waiting)
                return
        yield state, 1.0

    def transitions(state: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], float]]:
        for user, stage in enumerate(state):
            if stage not in WAITED_FOR:
                moved = (*state[:user], (stage + 1) % len(STAGES), *state[user + 1 :])
                for final, share in settle(moved):
                    yield final, rates[stage] * share

    chain = solve_ctmc(start=(0,) * users, transitions=transitions)
    thinking = chain.mean(lambda state: state.count(0))
    return thinking * rates[0], users - thinking


@pytest.mark.parametrize("places", [(3, 3, 1), (3, 2, 1), (2, 2, 2), (2, 1, 1), (1, 1, 1)])
def test_three_layers_are_a_chain_of_single_users(places: tuple[int, int, int]) -> None:
    """Phases before and after each inner layer, three users followed one by one."""
    layers = (
        PoolLayer(places=places[0], before=0.3, after=0.2),
        PoolLayer(places=places[1], before=0.15, after=0.1),
        PoolLayer(places=places[2], before=0.5),
    )
    rates = {0: 1.0, 2: 1 / 0.3, 4: 1 / 0.15, 6: 1 / 0.5, 7: 1 / 0.1, 8: 1 / 0.2}
    throughput, inside = solve_by_users(places, rates, users=3)
    result = solve_layered_pools(pools=LayeredPools(population=3, think_time=1.0, layers=layers))
    assert result.throughput == pytest.approx(throughput)
    assert result.response_time == pytest.approx(inside / throughput)


@settings(max_examples=20)
@given(think=TIME, app=TIME, database=TIME, threads=PLACES, connections=PLACES)
def test_two_layers_are_nested_pools(
    think: float, app: float, database: float, threads: int, connections: int
) -> None:
    """Threads and connections give throughput, times and use of their own chain."""
    expected = solve_nested_pools(
        pools=NestedPools(
            population=9,
            think_time=think,
            threads=threads,
            app_time=app,
            connections=connections,
            database_time=database,
        )
    )
    layers = (
        PoolLayer(places=threads, before=app),
        PoolLayer(places=connections, before=database),
    )
    result = solve_layered_pools(pools=LayeredPools(population=9, think_time=think, layers=layers))
    assert result.throughput == pytest.approx(expected.throughput)
    assert result.response_time == pytest.approx(expected.response_time)
    waits = (expected.thread_waiting_time, expected.connection_waiting_time)
    assert result.waiting_times == pytest.approx(waits, abs=1e-9)
    use = (expected.thread_utilisation, expected.connection_utilisation)
    assert result.utilisations == pytest.approx(use)


def test_case_20_as_layers() -> None:
    """The published nested pools of fifty users, to their digits."""
    layers = (PoolLayer(places=8, before=0.05), PoolLayer(places=4, before=0.1))
    result = solve_layered_pools(pools=LayeredPools(population=50, think_time=1.0, layers=layers))
    assert result.throughput == pytest.approx(37.97325, abs=0.5e-5)
    assert result.response_time == pytest.approx(0.316716, abs=0.5e-6)
    assert result.waiting_times == pytest.approx((0.119757, 0.046959), abs=0.5e-6)


@pytest.mark.parametrize(("before", "after"), [(0.2, 0.0), (0.0, 0.2), (0.12, 0.08)])
def test_roomy_layers_leave_a_product_form(before: float, after: float) -> None:
    """If only the processor can be short, all times before and after it are think time."""
    layers = (
        PoolLayer(places=6, before=before, after=after),
        PoolLayer(places=7),
        PoolLayer(places=1, before=0.4),
    )
    result = solve_layered_pools(pools=LayeredPools(population=6, think_time=1.0, layers=layers))
    exact = exact_mva(
        network=ClosedNetwork(stations=(Station(demand=0.4),), population=6, think_time=1.2)
    )
    assert result.throughput == pytest.approx(float(exact.throughput[-1]))
    assert result.waiting_times[:2] == pytest.approx((0.0, 0.0), abs=1e-12)


@settings(max_examples=20)
@given(places=st.tuples(PLACES, PLACES, PLACES), think=TIME)
def test_layers_without_times_are_one_station(places: tuple[int, int, int], think: float) -> None:
    """Clients, threads and server threads that only hold: the smallest pool is the station."""
    layers = (
        *(PoolLayer(places=size) for size in places[:2]),
        PoolLayer(places=places[2], after=1),
    )
    result = solve_layered_pools(pools=LayeredPools(population=8, think_time=think, layers=layers))
    exact = machine_repairman(population=8, think_time=think, service_time=1.0, servers=min(places))
    assert result.throughput == pytest.approx(exact.throughput)
    assert sum(result.waiting_times) == pytest.approx(exact.waiting_time, abs=1e-9)
    assert result.response_time == pytest.approx(exact.response_time)


def test_times_add_up() -> None:
    """A place is held for its own times, and for the wait and the hold further in."""
    layers = (
        PoolLayer(places=5, before=0.1, after=0.05),
        PoolLayer(places=3, before=0.05, after=0.02),
        PoolLayer(places=2, before=0.1),
    )
    result = solve_layered_pools(pools=LayeredPools(population=12, think_time=0.5, layers=layers))
    waits, holds = result.waiting_times, result.holding_times
    assert holds[2] == pytest.approx(0.1)
    assert holds[1] == pytest.approx(0.07 + waits[2] + holds[2])
    assert holds[0] == pytest.approx(0.15 + waits[1] + holds[1])
    assert result.response_time == pytest.approx(waits[0] + holds[0])
    assert result.throughput * (0.5 + result.response_time) == pytest.approx(12.0)


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument and the rule."""
    with pytest.raises(ValueError, match=r"places must be a whole number of at least 1, got 0"):
        PoolLayer(places=0, before=1.0)
    with pytest.raises(ValueError, match=r"number of layers must be a whole number of at least 1"):
        LayeredPools(population=1, think_time=1.0, layers=())
    with pytest.raises(ValueError, match=r"time in the innermost layer must be positive"):
        LayeredPools(population=1, think_time=1.0, layers=(PoolLayer(places=1),))
