"""Mean value analysis and the operational laws, against published networks and Markov chains."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.theory import (
    ClosedNetwork,
    CustomerClass,
    MvaResult,
    Station,
    exact_multiclass_mva,
    exact_mva,
    interactive_response_time,
    machine_repairman,
    mean_population,
    mean_response_time,
    measured_demand,
    service_demand,
    solve_ctmc,
    station_throughput,
    utilisation,
)
from capsim.theory.mva_lattice import Networks, solve_lattice

SERVERS = st.one_of(st.integers(1, 5), st.just(math.inf))
STATIONS = st.builds(Station, demand=st.floats(0.01, 10.0), servers=SERVERS)
NETWORKS = st.builds(
    ClosedNetwork,
    stations=st.lists(STATIONS, min_size=1, max_size=4).map(tuple),
    population=st.integers(1, 30),
    think_time=st.floats(0.0, 50.0),
)


def solve(*demands: float, population: int, think_time: float, servers: float = 1) -> MvaResult:
    """Solve a network of stations that all have the same number of servers."""
    stations = tuple(Station(demand=demand, servers=servers) for demand in demands)
    return exact_mva(
        network=ClosedNetwork(stations=stations, population=population, think_time=think_time)
    )


def to_digits(text: str) -> object:
    """Equality to the digits that are written down."""
    return pytest.approx(float(text), rel=0.0, abs=0.5 * 10.0 ** -len(text.partition(".")[2]))


def test_case_1_one_saturated_server() -> None:
    """A saturated server keeps the published values to all digits."""
    result = solve(1.5, population=10, think_time=1.0 / 0.3)
    assert result.throughput[-1] == to_digits("0.666608197")
    assert result.queue_length[-1, 0] == to_digits("7.777973")
    assert result.response_time[-1] == to_digits("11.66798")
    assert result.utilisation[-1, 0] == to_digits("0.999912")


def test_case_3_three_queues() -> None:
    """The textbook network of three queues keeps its queue lengths and throughput."""
    result = solve(0.605, 2.10, 1.35, population=3, think_time=15.0)
    expected = [to_digits(text) for text in ("0.0975660", "0.3946566", "0.2350300")]
    assert result.queue_length[-1].tolist() == expected
    assert result.throughput[-1] == to_digits("0.151516")


def test_case_4_processor_sharing_and_fcfs() -> None:
    """Processor sharing enters with its mean demand alone."""
    result = solve(2.0, 0.24, 0.6, population=5, think_time=30.0)
    expected = [to_digits(text) for text in ("0.3852", "0.0369", "0.0965")]
    assert result.queue_length[-1].tolist() == expected
    assert result.throughput[-1] == to_digits("0.1494")


def test_case_7_three_hundred_threads() -> None:
    """Hundreds of servers lose no digits, even without think time."""
    result = solve(0.444, population=400, think_time=0.0, servers=300)
    assert result.throughput[-1] == to_digits("675.6757")
    assert result.response_time[-1] == to_digits("0.5920")
    assert result.response_time[-1] - 0.444 == to_digits("0.1480")


def test_case_8_long_think_time() -> None:
    """A lightly loaded server under many users keeps the published values."""
    result = solve(0.63, population=100, think_time=300.0)
    assert result.throughput[-1] == to_digits("0.332453")
    assert result.response_time[-1] == to_digits("0.794260")
    assert result.utilisation[-1, 0] == to_digits("0.209445")


@pytest.mark.parametrize(("population", "servers"), [(30, 4), (60, 59), (1500, 900)])
def test_multi_server_equals_the_repairman(population: int, servers: int) -> None:
    """The load dependent recursion agrees with a birth-death chain, also where P(0) underflows."""
    result = solve(1.0, population=population, think_time=0.5, servers=servers)
    exact = machine_repairman(
        population=population, think_time=0.5, service_time=1.0, servers=servers
    )
    assert result.throughput[-1] == pytest.approx(exact.throughput, rel=1e-9)
    assert result.queue_length[-1, 0] == pytest.approx(exact.population, rel=1e-9)


def test_two_multi_server_stations_equal_their_markov_chain() -> None:
    """Several load dependent stations in one network do not disturb each other."""
    population, think_time, first, second = 9, 1.0, 0.4, 0.7

    def transitions(state: tuple[int, int]) -> Iterator[tuple[tuple[int, int], float]]:
        one, two = state
        if one + two < population:
            yield (one + 1, two), (population - one - two) / think_time
        if one > 0:
            yield (one - 1, two + 1), min(one, 2) / first
        if two > 0:
            yield (one, two - 1), min(two, 3) / second

    chain = solve_ctmc(start=(0, 0), transitions=transitions)
    stations = (Station(demand=first, servers=2), Station(demand=second, servers=3))
    result = exact_mva(
        network=ClosedNetwork(stations=stations, population=population, think_time=think_time)
    )
    means = [chain.mean(lambda state: state[0]), chain.mean(lambda state: state[1])]
    np.testing.assert_allclose(result.queue_length[-1], means, rtol=1e-12)


@given(network=NETWORKS)
def test_little_holds_in_every_result(network: ClosedNetwork) -> None:
    """Little's law, the interactive law and the utilisation law hold at every population."""
    result = exact_mva(network=network)
    throughput = result.throughput
    np.testing.assert_allclose(
        result.queue_length, throughput[:, None] * result.station_response_time
    )
    thinking = throughput * network.think_time
    np.testing.assert_allclose(result.queue_length.sum(axis=1) + thinking, result.population)
    np.testing.assert_allclose(
        [
            interactive_response_time(population=n, throughput=x, think_time=network.think_time)
            for n, x in zip(result.population, throughput, strict=True)
        ],
        result.response_time,
        rtol=1e-9,
        atol=1e-9,
    )
    for index, station in enumerate(network.stations):
        law = utilisation(
            throughput=float(throughput[-1]), demand=station.demand, servers=station.servers
        )
        assert result.utilisation[-1, index] == pytest.approx(law)


@given(network=NETWORKS)
def test_utilisation_stays_below_one(network: ClosedNetwork) -> None:
    """No station is ever busier than it can be, and more users never complete less."""
    result = exact_mva(network=network)
    assert result.utilisation.max() <= 1.0 + 1e-9
    assert np.all(np.diff(result.throughput) >= -1e-9 * result.throughput[0])


@given(network=NETWORKS)
def test_one_customer_meets_nobody(network: ClosedNetwork) -> None:
    """One customer takes the sum of its demands, and thinks."""
    result = exact_mva(network=network)
    demand = math.fsum(station.demand for station in network.stations)
    assert result.response_time[0] == pytest.approx(demand)
    assert 1.0 / result.throughput[0] == pytest.approx(demand + network.think_time)


@given(demand=st.floats(0.01, 5.0), population=st.integers(1, 20))
def test_enough_servers_are_a_delay(demand: float, population: int) -> None:
    """A station with a server for everybody delays and does not queue."""
    many = solve(demand, population=population, think_time=1.0, servers=population)
    delay = solve(demand, population=population, think_time=1.0, servers=math.inf)
    np.testing.assert_allclose(many.response_time, delay.response_time)


@given(network=NETWORKS)
def test_single_class_is_the_multiclass_special_case(network: ClosedNetwork) -> None:
    """Two classes with the same demands behave as one class of their joint size."""
    stations = tuple(
        station if station.servers in {1, math.inf} else Station(demand=station.demand)
        for station in network.stations
    )
    together = exact_mva(
        network=ClosedNetwork(
            stations=stations, population=network.population + 2, think_time=network.think_time
        )
    )
    demands = tuple(station.demand for station in stations)
    apart = exact_multiclass_mva(
        classes=tuple(
            CustomerClass(demands=demands, population=number, think_time=network.think_time)
            for number in (network.population, 2)
        ),
        delays=frozenset(i for i, each in enumerate(stations) if each.servers == math.inf),
    )
    assert apart.throughput.sum() == pytest.approx(together.throughput[-1])
    np.testing.assert_allclose(apart.queue_length.sum(axis=0), together.queue_length[-1])
    np.testing.assert_allclose(apart.utilisation.sum(axis=0), together.utilisation[-1])


def test_multiclass_equals_its_markov_chain() -> None:
    """Two classes with different demands share a processor as the chain says."""
    numbers, think_times, demands = (3, 2), (1.0, 2.0), (0.2, 0.9)

    def transitions(state: tuple[int, int]) -> Iterator[tuple[tuple[int, int], float]]:
        for index in range(2):
            step = (1 - index, index)
            up = (state[0] + step[0], state[1] + step[1])
            down = (state[0] - step[0], state[1] - step[1])
            if state[index] < numbers[index]:
                yield up, (numbers[index] - state[index]) / think_times[index]
            if state[index] > 0:
                yield down, state[index] / sum(state) / demands[index]

    chain = solve_ctmc(start=(0, 0), transitions=transitions)
    result = exact_multiclass_mva(
        classes=tuple(
            CustomerClass(demands=(demand,), population=number, think_time=think_time)
            for demand, number, think_time in zip(demands, numbers, think_times, strict=True)
        )
    )
    means = [chain.mean(lambda state: state[0]), chain.mean(lambda state: state[1])]
    np.testing.assert_allclose(result.queue_length[:, 0], means, rtol=1e-12)
    np.testing.assert_allclose(result.throughput * result.response_time, means, rtol=1e-12)


def test_operational_laws() -> None:
    """The laws are the textbook identities and invert each other."""
    assert mean_population(throughput=4.0, response_time=0.5) == 2.0
    assert mean_response_time(population=2.0, throughput=4.0) == 0.5
    assert utilisation(throughput=4.0, demand=0.5, servers=4) == 0.5
    assert measured_demand(utilisation=0.5, throughput=4.0, servers=4) == 0.5
    assert interactive_response_time(population=30, throughput=2.0, think_time=10.0) == 5.0
    assert station_throughput(throughput=2.0, visits=3.5) == 7.0
    assert service_demand(visits=20.0, service_time=0.03) == pytest.approx(0.6)


def test_bad_networks_are_refused() -> None:
    """A refusal names the argument, its value and the rule."""
    with pytest.raises(ValueError, match=r"demand must be positive and finite, got -1"):
        Station(demand=-1.0)
    with pytest.raises(ValueError, match=r"servers must be a whole number .* got 1\.5"):
        Station(demand=1.0, servers=1.5)
    with pytest.raises(ValueError, match=r"stations must have at least one station, got 0"):
        ClosedNetwork(stations=(), population=1)
    with pytest.raises(ValueError, match=r"population must be a whole number .* got 0"):
        ClosedNetwork(stations=(Station(demand=1.0),), population=0)
    with pytest.raises(ValueError, match=r"think_time must be non-negative and finite, got nan"):
        ClosedNetwork(stations=(Station(demand=1.0),), population=1, think_time=math.nan)


def test_bad_classes_are_refused() -> None:
    """Classes that do not fit together are refused by name."""
    one = CustomerClass(demands=(1.0,), population=1)
    two = CustomerClass(demands=(1.0, 2.0), population=1)
    with pytest.raises(ValueError, match=r"classes must have at least one class, got 0"):
        exact_multiclass_mva(classes=())
    with pytest.raises(ValueError, match=r"classes\[1\]\.demands must have one entry per station"):
        exact_multiclass_mva(classes=(one, two))
    with pytest.raises(ValueError, match=r"delays must name stations 0\.\.0, got 1"):
        exact_multiclass_mva(classes=(one,), delays=frozenset({1}))


def test_bad_measurements_are_refused() -> None:
    """An impossible measurement is refused by name."""
    with pytest.raises(ValueError, match=r"utilisation must be between 0 and 1, got 1\.2"):
        measured_demand(utilisation=1.2, throughput=1.0)
    with pytest.raises(ValueError, match=r"throughput must be positive and finite, got 0"):
        mean_response_time(population=1.0, throughput=0.0)


def test_multiclass_at_stations_of_several_servers_equals_its_markov_chain() -> None:
    """Two classes share two stations of several servers as the chain says."""
    numbers, think_times, servers = (3, 3), (1.0, 0.5), (2, 3)
    demands = ((0.4, 1.1), (0.9, 0.7))

    def transitions(state: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], float]]:
        present = (state[0] + state[1], state[2] + state[3])
        for index in range(2):
            thinking = numbers[index] - state[index] - state[2 + index]
            if thinking:
                yield moved(state, index, +1), thinking / think_times[index]
            for station in range(2):
                mine = state[2 * station + index]
                if mine:
                    share = mine * min(1.0, servers[station] / present[station])
                    left = moved(state, 2 * station + index, -1)
                    after = moved(left, 2 + index, +1) if station == 0 else left
                    yield after, share / demands[index][station]

    def moved(state: tuple[int, ...], place: int, by: int) -> tuple[int, ...]:
        return (*state[:place], state[place] + by, *state[place + 1 :])

    chain = solve_ctmc(start=(0, 0, 0, 0), transitions=transitions)
    result = exact_multiclass_mva(
        classes=tuple(
            CustomerClass(demands=each, population=number, think_time=think_time)
            for each, number, think_time in zip(demands, numbers, think_times, strict=True)
        ),
        servers=servers,
    )
    means = [[chain.mean(lambda state, i=i: state[i])] for i in range(4)]
    np.testing.assert_allclose(result.queue_length.T.ravel(), np.ravel(means), rtol=1e-10)


@given(
    demands=st.lists(st.floats(0.01, 5.0), min_size=1, max_size=3),
    servers=st.lists(SERVERS, min_size=3, max_size=3),
    numbers=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    think_time=st.floats(0.0, 5.0),
)
def test_classes_that_do_not_differ_are_one(
    demands: list[float], servers: list[float], numbers: tuple[int, int], think_time: float
) -> None:
    """Classes with equal demands share stations of several servers as one class does."""
    counts = servers[: len(demands)]
    stations = tuple(Station(demand=d, servers=c) for d, c in zip(demands, counts, strict=True))
    together = exact_mva(
        network=ClosedNetwork(stations=stations, population=sum(numbers), think_time=think_time)
    )
    apart = exact_multiclass_mva(
        classes=tuple(
            CustomerClass(demands=tuple(demands), population=number, think_time=think_time)
            for number in numbers
        ),
        servers=counts,
    )
    assert apart.throughput.sum() == pytest.approx(together.throughput[-1])
    np.testing.assert_allclose(apart.queue_length.sum(axis=0), together.queue_length[-1])


def test_many_networks_at_once_are_as_each_alone() -> None:
    """Networks that differ in demands, servers and think times do not mix."""
    demands, servers = np.array([[0.3, 1.0], [2.0, 0.1], [0.5, 0.5]]), [[1, 4], [3, 1], [2, 2]]
    think_times = np.array([0.0, 5.0, 1.0])
    solved = solve_lattice(
        Networks(
            demands=demands[:, np.newaxis],
            servers=np.array(servers, dtype=float),
            think_times=think_times[:, np.newaxis],
            population=(12,),
        )
    )
    for number in range(3):
        stations = tuple(
            Station(demand=d, servers=c)
            for d, c in zip(demands[number], servers[number], strict=True)
        )
        alone = exact_mva(
            network=ClosedNetwork(
                stations=stations, population=12, think_time=float(think_times[number])
            )
        )
        np.testing.assert_allclose(solved.throughput[1:, number, 0], alone.throughput)


def test_bad_servers_of_several_classes_are_refused() -> None:
    """A number of servers is checked for several classes, too."""
    one = CustomerClass(demands=(1.0, 2.0), population=1)
    with pytest.raises(ValueError, match=r"servers must have one entry per station \(2\), got 1"):
        exact_multiclass_mva(classes=(one,), servers=(2,))
    with pytest.raises(ValueError, match=r"servers\[1\] must be a whole number .* got 0"):
        exact_multiclass_mva(classes=(one,), servers=(2, 0))
