"""Closed forms and small Markov chains, against published values and against each other."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.theory import (
    NestedPools,
    birth_death_distribution,
    closed_full_backlog,
    erlang_a,
    erlang_b,
    erlang_c,
    limited_ps,
    limited_ps_occupancy,
    machine_repairman,
    mm1,
    mm1_ps,
    mm11_retrial,
    mmc,
    mmc_occupancy,
    mmck,
    ps_conditional_response_time,
    solve_ctmc,
    solve_nested_pools,
)

SERVERS = st.integers(1, 12)
RATE = st.floats(0.05, 20.0)
LOAD = st.floats(0.01, 0.98)


def to_digits(text: str) -> object:
    """Equality to the digits that are written down."""
    return pytest.approx(float(text), rel=0.0, abs=0.5 * 10.0 ** -len(text.partition(".")[2]))


def case_20(connections: int) -> NestedPools:
    """Fifty users, eight threads and a connection pool entered while holding a thread."""
    return NestedPools(
        population=50,
        think_time=1.0,
        threads=8,
        app_time=0.05,
        connections=connections,
        database_time=0.1,
    )


def test_case_7_one_closed_multi_server() -> None:
    """With next to no think time the repairman saturates 300 threads."""
    result = machine_repairman(population=400, think_time=1e-9, service_time=0.444, servers=300)
    assert result.throughput == to_digits("675.6757")
    assert result.response_time == to_digits("0.5920")
    assert result.waiting_time == to_digits("0.1480")


def test_case_8_repairman() -> None:
    """The single-server repairman keeps the published values."""
    result = machine_repairman(population=100, think_time=300.0, service_time=0.63)
    assert result.throughput == to_digits("0.332453")
    assert result.response_time == to_digits("0.794260")
    assert result.utilisation == to_digits("0.209445")


def test_case_10_four_servers() -> None:
    """M/M/4 with 40 arrivals per hour and 4 minutes of service keeps the textbook values."""
    result = mmc(arrival_rate=40.0 / 3600.0, service_rate=1.0 / 240.0, servers=4)
    assert result.waiting_time / 60.0 == to_digits("1.1353")
    assert result.population == to_digits("3.4235")


def test_case_12_two_servers_one_place_to_wait() -> None:
    """M/M/2/3 keeps its loss, population and response time."""
    result = mmck(arrival_rate=3.0, service_rate=4.0, servers=2, capacity=3)
    assert result.population == to_digits("0.762340")
    assert result.loss_probability == to_digits("0.0493601")
    assert result.response_time == to_digits("0.267308")


def test_case_13_three_jobs_at_full_rate() -> None:
    """Sharing with at most three jobs in service, each on a core of its own, is M/M/3."""
    occupancy = limited_ps_occupancy(
        arrival_rate=10.0, service_rate=12.0, in_service=3, cores=3, largest=4
    )
    published = ("0.4321330", "0.3601108", "0.1500462", "0.0416795", "0.0115776")
    assert occupancy.tolist() == [to_digits(text) for text in published]


@pytest.mark.parametrize(("arrival_rate", "expected"), [(3.0, 0.5), (4.0, 1.0)])
def test_case_14_processor_sharing(arrival_rate: float, expected: float) -> None:
    """M/M/1-PS has the mean sojourn of M/M/1, split in proportion to the demands."""
    result = mm1_ps(arrival_rate=arrival_rate, service_rate=5.0)
    mean_job = ps_conditional_response_time(demand=0.2, arrival_rate=arrival_rate, service_rate=5.0)
    assert result.response_time == pytest.approx(expected)
    assert mean_job == pytest.approx(expected)
    assert result.waiting_time == result.queue_length == 0.0


def test_case_15_one_server() -> None:
    """M/M/1 at 90 % load has a mean sojourn of ten services."""
    assert mm1(arrival_rate=0.9, service_rate=1.0).response_time == pytest.approx(10.0)


def test_case_16_erlang_a() -> None:
    """Erlang-A keeps the values of a call centre of fifty."""
    result = erlang_a(
        arrival_rate=48.0 / 60.0, service_rate=1.0 / 60.0, servers=50, patience_rate=0.5 / 60.0
    )
    assert result.abandonment_probability == to_digits("0.030912")
    assert result.waiting_time == to_digits("3.709")
    assert result.queue_length == to_digits("2.9676")
    assert result.utilisation == to_digits("0.93032")


@pytest.mark.parametrize(
    ("arrival_rate", "retrial_rate", "expected"),
    [(0.5, 0.5, "1.5"), (0.7, 1.0, "3.26667"), (0.8, 0.2, "19.2")],
)
def test_case_17_retrials(arrival_rate: float, retrial_rate: float, expected: str) -> None:
    """The mean orbit is the published one and that of the chain with a far cut-off."""

    def transitions(state: tuple[int, int]) -> Iterator[tuple[tuple[int, int], float]]:
        busy, orbit = state
        if not busy:
            yield (1, orbit), arrival_rate
            yield (1, max(0, orbit - 1)), orbit * retrial_rate
        else:
            yield (0, orbit), 1.0
            yield (1, min(orbit + 1, 400)), arrival_rate

    chain = solve_ctmc(start=(0, 0), transitions=transitions)
    result = mm11_retrial(arrival_rate=arrival_rate, service_rate=1.0, retrial_rate=retrial_rate)
    assert result.orbit == to_digits(expected)
    assert chain.mean(lambda state: state[1]) == pytest.approx(result.orbit)
    assert result.response_time * arrival_rate == pytest.approx(result.population)


@pytest.mark.parametrize(
    ("connections", "throughput", "response_time"),
    [(4, "37.97325", "0.316716"), (8, "42.71397", "0.170577")],
)
def test_case_20_nested_pools(connections: int, throughput: str, response_time: str) -> None:
    """Connections held within threads keep their throughput and response time."""
    result = solve_nested_pools(pools=case_20(connections))
    assert result.throughput == to_digits(throughput)
    assert result.response_time == to_digits(response_time)


def test_case_20_waits() -> None:
    """The two waits of nested pools are told apart and add up to the response time."""
    result = solve_nested_pools(pools=case_20(4))
    assert result.thread_waiting_time == to_digits("0.119757")
    assert result.connection_waiting_time == to_digits("0.046959")
    waits = result.thread_waiting_time + result.connection_waiting_time
    assert result.response_time == pytest.approx(waits + 0.15)
    assert solve_nested_pools(pools=case_20(8)).connection_waiting_time == pytest.approx(0.0)


def test_nested_pools_with_plenty_are_a_delay() -> None:
    """Pools as large as the population never make anybody wait."""
    pools = NestedPools(
        population=6, think_time=1.0, threads=6, app_time=0.2, connections=6, database_time=0.3
    )
    result = solve_nested_pools(pools=pools)
    assert result.throughput == pytest.approx(6.0 / 1.5)
    assert result.thread_utilisation == pytest.approx(result.throughput * 0.5 / 6.0)
    assert result.connection_utilisation == pytest.approx(result.throughput * 0.3 / 6.0)


def test_case_22_full_backlog() -> None:
    """A full backlog keeps its throughput, its refusals and the time of those served."""
    result = closed_full_backlog(
        population=50, think_time=1.0, servers=4, service_time=0.1, capacity=10
    )
    assert result.throughput == to_digits("37.573826")
    assert result.refused_probability == to_digits("0.134358")
    assert result.response_time == to_digits("0.175501")


@given(population=st.integers(1, 40), servers=SERVERS, think_time=st.floats(0.1, 20.0))
def test_a_backlog_for_everybody_refuses_nobody(
    population: int, servers: int, think_time: float
) -> None:
    """A closed system with room for all its users is the machine repairman."""
    roomy = closed_full_backlog(
        population=population,
        think_time=think_time,
        servers=servers,
        service_time=1.0,
        capacity=population,
    )
    exact = machine_repairman(
        population=population, think_time=think_time, service_time=1.0, servers=servers
    )
    assert roomy.refused_probability == 0.0
    assert roomy.throughput == pytest.approx(exact.throughput)
    assert roomy.response_time == pytest.approx(exact.response_time)


@given(service_rate=RATE, load=LOAD)
def test_erlang_c_of_one_server_is_its_load(service_rate: float, load: float) -> None:
    """With one server the Erlang C formula and M/M/c become M/M/1."""
    arrival_rate = load * service_rate
    single = mm1(arrival_rate=arrival_rate, service_rate=service_rate)
    assert erlang_c(servers=1, offered_load=load) == pytest.approx(load)
    assert single.response_time == pytest.approx(1.0 / (service_rate - arrival_rate))
    assert single.population == pytest.approx(load / (1.0 - load))


@given(service_rate=RATE, load=LOAD, servers=SERVERS)
def test_little_holds_in_open_queues(service_rate: float, load: float, servers: int) -> None:
    """Population and queue are throughput times response and wait in every open queue."""
    arrival_rate = load * service_rate * servers
    queues = [
        mmc(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers),
        mmck(
            arrival_rate=arrival_rate,
            service_rate=service_rate,
            servers=servers,
            capacity=servers + 3,
        ),
        limited_ps(
            arrival_rate=arrival_rate, service_rate=service_rate, in_service=15, cores=servers
        ),
        mm1_ps(arrival_rate=load * service_rate, service_rate=service_rate),
    ]
    for queue in queues:
        assert queue.population == pytest.approx(queue.throughput * queue.response_time)
        assert queue.queue_length == pytest.approx(queue.throughput * queue.waiting_time)


@given(arrival_rate=RATE, service_rate=RATE, servers=SERVERS, patience_rate=st.floats(0.01, 20.0))
def test_little_holds_with_abandonment(
    arrival_rate: float, service_rate: float, servers: int, patience_rate: float
) -> None:
    """Arrivals are either served or give up, at any load."""
    result = erlang_a(
        arrival_rate=arrival_rate,
        service_rate=service_rate,
        servers=servers,
        patience_rate=patience_rate,
    )
    served = arrival_rate * (1.0 - result.abandonment_probability)
    assert result.throughput == pytest.approx(served, rel=1e-6, abs=1e-9)
    assert result.population == pytest.approx(arrival_rate * result.response_time)
    assert result.queue_length == pytest.approx(arrival_rate * result.waiting_time)


@given(population=st.integers(1, 60), servers=SERVERS, think_time=st.floats(0.1, 50.0))
def test_little_holds_in_the_repairman(population: int, servers: int, think_time: float) -> None:
    """Those thinking and those present are the whole population."""
    result = machine_repairman(
        population=population, think_time=think_time, service_time=1.0, servers=servers
    )
    thinking = result.throughput * think_time
    assert thinking + result.population == pytest.approx(population)
    assert result.response_time == pytest.approx(result.waiting_time + 1.0)


@given(service_rate=RATE, load=LOAD, servers=SERVERS)
def test_erlang_a_lies_between_loss_and_waiting(
    service_rate: float, load: float, servers: int
) -> None:
    """Endless patience gives M/M/c, none at all gives the Erlang B loss."""
    arrival_rate = load * service_rate * servers
    rates = {"arrival_rate": arrival_rate, "service_rate": service_rate}
    patient = erlang_a(**rates, servers=servers, patience_rate=service_rate * 1e-7)
    hasty = erlang_a(**rates, servers=servers, patience_rate=service_rate * 1e7)
    waiting = mmc(**rates, servers=servers)
    blocking = erlang_b(servers=servers, offered_load=arrival_rate / service_rate)
    assert patient.waiting_time == pytest.approx(waiting.waiting_time, rel=1e-2)
    assert hasty.abandonment_probability == pytest.approx(blocking, rel=1e-4, abs=1e-6)


@given(service_rate=RATE, load=LOAD, servers=SERVERS, largest=st.integers(0, 30))
def test_occupancy_is_the_start_of_a_long_chain(
    service_rate: float, load: float, servers: int, largest: int
) -> None:
    """The M/M/c occupancy is that of a birth-death chain with a far cut-off."""
    arrival_rate = load * service_rate * servers
    occupancy = mmc_occupancy(
        arrival_rate=arrival_rate, service_rate=service_rate, servers=servers, largest=largest
    )
    places = 3000
    chain = birth_death_distribution(
        birth_rates=np.full(places, arrival_rate),
        death_rates=service_rate * np.minimum(np.arange(1, places + 1), servers),
    )
    np.testing.assert_allclose(occupancy, chain[: largest + 1], rtol=1e-9)


@given(load=LOAD, in_service=st.integers(1, 30))
def test_limited_sharing_of_one_core_is_mm1(load: float, in_service: int) -> None:
    """With one core the limit moves jobs between queue and service and changes nothing else."""
    limited = limited_ps(arrival_rate=load, service_rate=1.0, in_service=in_service)
    single = mm1(arrival_rate=load, service_rate=1.0)
    assert limited.response_time == pytest.approx(single.response_time)
    expected = load ** (in_service + 1) / (1.0 - load)
    assert limited.queue_length == pytest.approx(expected)


@given(load=st.floats(0.1, 5.0), servers=SERVERS)
def test_erlang_b_is_the_last_state_of_a_loss_system(load: float, servers: int) -> None:
    """The Erlang B recursion and M/M/c/c agree, above saturation too."""
    lossy = mmck(arrival_rate=load, service_rate=1.0, servers=servers, capacity=servers)
    assert erlang_b(servers=servers, offered_load=load) == pytest.approx(lossy.loss_probability)
    assert lossy.waiting_time == 0.0


@given(
    rates=st.lists(st.tuples(st.floats(0.01, 100.0), st.floats(0.01, 100.0)), max_size=30),
    start=st.integers(0, 30),
)
def test_chain_solver_equals_birth_death(rates: list[tuple[float, float]], start: int) -> None:
    """The general solver finds the birth-death solution from whatever state it starts."""

    def transitions(state: int) -> Iterator[tuple[int, float]]:
        yield state, 5.0
        if state < len(rates):
            yield state + 1, rates[state][0]
        if state > 0:
            yield state - 1, rates[state - 1][1]

    chain = solve_ctmc(start=min(start, len(rates)), transitions=transitions)
    exact = birth_death_distribution(
        birth_rates=[up for up, _ in rates], death_rates=[down for _, down in rates]
    )
    found = np.zeros(len(rates) + 1)
    found[list(chain.states)] = chain.probabilities
    np.testing.assert_allclose(found, exact, rtol=1e-9)


def test_chain_solver_survives_a_rare_start() -> None:
    """A start state too rare for a float leaves the others exact."""

    def transitions(state: int) -> Iterator[tuple[int, float]]:
        if state < 400:
            yield state + 1, 100.0
        if state > 0:
            yield state - 1, 1.0

    chain = solve_ctmc(start=0, transitions=transitions)
    assert chain.mean(lambda state: 400 - state) == pytest.approx(1.0 / 99.0)


def test_chain_without_return_is_refused() -> None:
    """A chain that never comes back has no stationary distribution from its start."""
    with pytest.raises(ValueError, match=r"transitions must lead back to the start state"):
        solve_ctmc(start=0, transitions=lambda state: [(1, 1.0)] if state == 0 else [])


def test_endless_chain_is_refused() -> None:
    """Exploring stops at the limit instead of running on."""
    with pytest.raises(ValueError, match=r"max_states must cover the chain, got 50"):
        solve_ctmc(start=0, transitions=lambda state: [(state + 1, 1.0)], max_states=50)


def test_negative_rate_is_refused() -> None:
    """A wrong rate is reported with its transition."""
    with pytest.raises(ValueError, match=r"transitions\(0\) rate to 1 must be non-negative"):
        solve_ctmc(start=0, transitions=lambda _: [(1, -1.0)])


def test_bad_rates_are_refused() -> None:
    """A refusal names the argument, its value and the rule."""
    with pytest.raises(ValueError, match=r"arrival_rate must be below the service capacity 8\.0"):
        mmc(arrival_rate=8.0, service_rate=4.0, servers=2)
    with pytest.raises(ValueError, match=r"service_rate must be positive and finite, got inf"):
        mm1(arrival_rate=1.0, service_rate=math.inf)
    with pytest.raises(ValueError, match=r"patience_rate must be positive and finite, got 0"):
        erlang_a(arrival_rate=1.0, service_rate=1.0, servers=1, patience_rate=0.0)
    with pytest.raises(ValueError, match=r"birth_rates\[1\] must be positive and finite, got 0"):
        birth_death_distribution(birth_rates=[1.0, 0.0], death_rates=[1.0, 1.0])
    with pytest.raises(ValueError, match=r"death_rates must have one entry per birth rate \(2\)"):
        birth_death_distribution(birth_rates=[1.0, 1.0], death_rates=[1.0])


def test_bad_sizes_are_refused() -> None:
    """Counts must be whole and large enough."""
    with pytest.raises(ValueError, match=r"capacity must be a whole number of at least 3, got 2"):
        mmck(arrival_rate=1.0, service_rate=1.0, servers=3, capacity=2)
    with pytest.raises(ValueError, match=r"offered_load must be below servers \(2\), got 2\.5"):
        erlang_c(servers=2, offered_load=2.5)
    with pytest.raises(ValueError, match=r"in_service must be a whole number .* got 0"):
        limited_ps(arrival_rate=1.0, service_rate=2.0, in_service=0)
    with pytest.raises(ValueError, match=r"threads must be a whole number .* got 0"):
        NestedPools(
            population=1, think_time=1.0, threads=0, app_time=1.0, connections=1, database_time=1.0
        )
