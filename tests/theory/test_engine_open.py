"""The engine under open arrivals: exact values must lie in its own confidence intervals."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from capsim.engine import simulate_plan
from capsim.model.laws import AnyLaw, Constant, Exponential, Gamma, Hyperexponential
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import Status
from capsim.plan.plan import Plan, Resource, Station
from capsim.plan.streams import stream
from capsim.theory import (
    erlang_a,
    limited_ps,
    limited_ps_occupancy,
    mg1,
    mm1,
    mm1_ps,
    mm1_random_order_waiting_variance,
    mm11_retrial,
    mmc,
    mmck,
)

Agrees = Callable[..., None]
OF_ANY_LAW = pytest.mark.parametrize(
    "demand",
    [
        Constant(value=0.2),
        Gamma(law="gamma", mean=0.2, cv=0.5),
        Hyperexponential(law="hyperexponential", mean=0.2, cv=2.0),
    ],
    ids=["constant", "erlang-4", "hyperexponential"],
)


def exponential(mean: float) -> Exponential:
    """An exponential law."""
    return Exponential(law="exponential", mean=mean)


def poisson_times(rate: float, horizon_s: float, replication: int) -> NDArray[np.float64]:
    """Arrival times of a Poisson process, in order."""
    luck = stream(1, replication, "arrivals", "interarrival")
    count = int(rate * horizon_s + 10 * np.sqrt(rate * horizon_s) + 10)
    times = np.cumsum(luck.standard_exponential(count) / rate)
    assert times[-1] > horizon_s
    return times[times < horizon_s]


def finish(
    builder: PlanBuilder, request: int, rate: float, horizon_s: float, replication: int
) -> Plan:
    """Add Poisson arrivals of a request class, and build."""
    times = poisson_times(rate, horizon_s, replication)
    builder.arrivals("arrivals", classes=[(request, 1.0)], times=times)
    return builder.build(horizon_s=horizon_s, seed=1, replication=replication)


def many_servers(
    service: AnyLaw,
    *,
    rate: float,
    servers: int,
    horizon_s: float,
    queue_limit: int | None = None,
    patience: AnyLaw | None = None,
) -> Callable[[int], Plan]:
    """G/G/c: a queue that may be limited, and customers that may give up."""

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        limits = {} if queue_limit is None else {"queue_limit": queue_limit}
        server = builder.resource(Resource(name="server", capacity=servers, **limits))
        column = builder.column("service", service)
        gives_up = {} if patience is None else {"patience": builder.column("patience", patience)}
        request = builder.request_class("request")
        builder.acquire(server, **gives_up)
        builder.delay(column)
        builder.end()
        return finish(builder, request, rate, horizon_s, replication)

    return build


def sharing(
    demand: AnyLaw,
    *,
    rate: float,
    horizon_s: float,
    cores: int = 1,
    in_service: int | None = None,
    quantum_s: float = 0.0,
) -> Callable[[int], Plan]:
    """Processor sharing or slices, of all present or of at most `in_service` of them."""

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        turn = builder.column("turn", None)
        station = builder.station(
            Station(name="processor", cores=cores, quantum_s=quantum_s, turn_column=turn)
        )
        column = builder.column("demand", demand)
        place = None
        if in_service is not None:
            place = builder.resource(Resource(name="place", capacity=in_service))
        request = builder.request_class("request")
        if place is not None:
            builder.acquire(place)
        builder.serve(station, column)
        builder.end()
        return finish(builder, request, rate, horizon_s, replication)

    return build


def test_case_10_four_servers(agrees: Agrees) -> None:
    """M/M/4 in hours keeps wait and population; 20 x 16,000 arrivals, within 8 %."""
    exact = mmc(arrival_rate=40.0, service_rate=15.0, servers=4)
    agrees(
        many_servers(exponential(1 / 15), rate=40.0, servers=4, horizon_s=400.0),
        lambda w: {"Wq": w.wait("server"), "L": w.population()},
        {"Wq": exact.waiting_time, "L": exact.population},
        warm_up=5.0,
        half_width={"Wq": 0.08, "L": 0.03},
    )


def test_case_12_one_place_to_wait(agrees: Agrees) -> None:
    """M/M/2/3 refuses who finds it full; 20 x 12,000 arrivals, within 6 %."""
    exact = mmck(arrival_rate=3.0, service_rate=4.0, servers=2, capacity=3)
    agrees(
        many_servers(exponential(0.25), rate=3.0, servers=2, horizon_s=4_000.0, queue_limit=1),
        lambda w: {"L": w.population(), "loss": w.share(Status.BACKLOG_FULL), "W": w.response()},
        {"L": exact.population, "loss": exact.loss_probability, "W": exact.response_time},
        warm_up=50.0,
        half_width={"L": 0.02, "loss": 0.06, "W": 0.02},
    )


def test_case_13_sharing_three_cores(agrees: Agrees) -> None:
    """Sharing over three cores has the occupancy of M/M/3; 20 x 15,000 arrivals, within 5 %."""
    occupancy = limited_ps_occupancy(
        arrival_rate=10.0, service_rate=12.0, in_service=3, cores=3, largest=4
    )
    exact = {f"p{n}": float(p) for n, p in enumerate(occupancy)}
    agrees(
        sharing(exponential(1 / 12), rate=10.0, horizon_s=1_500.0, cores=3),
        lambda w: {f"p{n}": float(p) for n, p in enumerate(w.occupancy(4))},
        exact,
        warm_up=20.0,
        half_width=dict.fromkeys(exact, 0.05) | {"p4": 0.10},
    )


def test_three_in_service_on_one_core(agrees: Agrees) -> None:
    """At most three sharing one core is M/M/1 with a shorter queue; 20 x 15,000, within 10 %."""
    rates = {"arrival_rate": 6.0, "service_rate": 12.0, "in_service": 3, "cores": 1}
    occupancy = limited_ps_occupancy(**rates, largest=4)
    exact = {f"p{n}": float(p) for n, p in enumerate(occupancy)}
    exact |= {"queue": limited_ps(**rates).queue_length, "R": limited_ps(**rates).response_time}
    agrees(
        sharing(exponential(1 / 12), rate=6.0, horizon_s=2_500.0, in_service=3),
        lambda w: {
            **{f"p{n}": float(p) for n, p in enumerate(w.occupancy(4))},
            "queue": w.queue("place"),
            "R": w.response(),
        },
        exact,
        warm_up=20.0,
        half_width=dict.fromkeys(exact, 0.10) | {"queue": 0.15},
    )


@pytest.mark.parametrize("rate", [3.0, 4.0])
def test_case_14_processor_sharing(agrees: Agrees, rate: float) -> None:
    """M/M/1-PS has the mean sojourn of M/M/1; 20 x 10,000 to 15,000, within 4 and 10 %."""
    exact = mm1_ps(arrival_rate=rate, service_rate=5.0)
    agrees(
        sharing(exponential(0.2), rate=rate, horizon_s=3_500.0),
        lambda w: {"R": w.response(), "U": w.busy("processor"), "Q": w.present("processor")},
        {"R": exact.response_time, "U": exact.utilisation, "Q": exact.population},
        warm_up=50.0,
        half_width={"R": 0.10, "U": 0.02, "Q": 0.10} if rate > 3 else 0.05,
    )


@OF_ANY_LAW
def test_processor_sharing_is_insensitive(agrees: Agrees, demand: AnyLaw) -> None:
    """M/G/1-PS has the same mean sojourn for every law; 20 x 10,000 arrivals, within 8 %."""
    exact = mm1_ps(arrival_rate=3.0, service_rate=5.0)
    agrees(
        sharing(demand, rate=3.0, horizon_s=3_500.0),
        lambda w: {"R": w.response(), "Q": w.present("processor")},
        {"R": exact.response_time, "Q": exact.population},
        warm_up=50.0,
        half_width=0.08,
    )


@OF_ANY_LAW
def test_short_slices_are_processor_sharing(agrees: Agrees, demand: AnyLaw) -> None:
    """Slices of a 40th of the demand: the mean sojourn of PS, within 8 %, whatever the law."""
    exact = mm1_ps(arrival_rate=3.0, service_rate=5.0)
    agrees(
        sharing(demand, rate=3.0, horizon_s=2_500.0, quantum_s=0.005),
        lambda w: {"R": w.response(), "Q": w.present("processor"), "U": w.busy("processor")},
        {"R": exact.response_time, "Q": exact.population, "U": exact.utilisation},
        warm_up=50.0,
        half_width=0.08,
    )


@pytest.mark.parametrize(
    ("demand", "cv"),
    [
        (Constant(value=0.2), 0.0),
        (exponential(0.2), 1.0),
        (Hyperexponential(law="hyperexponential", mean=0.2, cv=2.0), 2.0),
    ],
    ids=["constant", "exponential", "hyperexponential"],
)
def test_long_slices_are_one_after_the_other(agrees: Agrees, demand: AnyLaw, cv: float) -> None:
    """Slices that nobody exceeds: Pollaczek and Khinchine's mean; 20 x 10,000, within 12 %."""
    exact = mg1(arrival_rate=3.0, service_time=0.2, cv=cv)
    agrees(
        sharing(demand, rate=3.0, horizon_s=3_500.0, quantum_s=1e6),
        lambda w: {"R": w.response(), "U": w.busy("processor")},
        {"R": exact.response_time, "U": exact.utilisation},
        warm_up=50.0,
        half_width=0.12,
    )


def test_a_demand_of_whole_slices_is_no_turn_longer() -> None:
    """Rounding leaves nothing over: 10 ms in slices of 5 ms end as 10 ms less a nanosecond do."""
    sojourns = []
    for demand_s in (0.010, 0.010 - 1e-9):
        build = sharing(Constant(value=demand_s), rate=90.0, horizon_s=60.0, quantum_s=0.005)
        trace = simulate_plan(build(0))
        sojourns.append(np.nanmean(trace.end - trace.start))
    assert sojourns[0] == pytest.approx(sojourns[1], rel=1e-4)


def test_the_next_turn_is_drawn_at_random(agrees: Agrees) -> None:
    """Random order spreads waits by Kingman's factor; FIFO's variance is a third smaller."""
    waiting = mm1_random_order_waiting_variance(arrival_rate=3.0, service_rate=5.0)
    # A wait says nothing of the demand that follows it, so the variances add up.
    agrees(
        sharing(exponential(0.2), rate=3.0, horizon_s=4_500.0, quantum_s=1e6),
        lambda w: {"variance": float((w.trace.end - w.trace.start)[w.served].var())},
        {"variance": waiting + 0.2**2},
        warm_up=100.0,
        half_width=0.20,
    )


def test_case_15_one_server_at_90_percent(agrees: Agrees) -> None:
    """M/M/1 at 90 % load; its long memory leaves 12 % after 20 x 22,000."""
    exact = mm1(arrival_rate=90.0, service_rate=100.0)
    agrees(
        many_servers(exponential(0.01), rate=90.0, servers=1, horizon_s=250.0),
        lambda w: {"R": w.response(), "U": w.in_use("server")},
        {"R": exact.response_time, "U": exact.utilisation},
        warm_up=10.0,
        half_width={"R": 0.12, "U": 0.02},
    )


@pytest.mark.parametrize("queue_limit", [None, 3], ids=["endless", "four at most"])
def test_one_server_follows_lindley(queue_limit: int | None) -> None:
    """Each wait in a FIFO queue is the one that Lindley's recursion gives, refusals included."""
    build = many_servers(
        exponential(1.0), rate=0.9, servers=1, horizon_s=3_000.0, queue_limit=queue_limit
    )
    trace = simulate_plan(build(0))
    order = np.argsort(trace.index)
    starts = trace.start[order]
    waits, status = trace.waits[order, 0], trace.status[order]
    services = (trace.end - trace.start)[order] - waits
    free_at = 0.0
    leaves: list[float] = []
    for start, service, wait, outcome in zip(starts, services, waits, status, strict=True):
        if outcome == Status.IN_FLIGHT:
            break
        leaves = [end for end in leaves if end > start]
        if queue_limit is not None and len(leaves) > queue_limit:
            assert outcome == Status.BACKLOG_FULL
            continue
        assert outcome == Status.OK
        assert wait == pytest.approx(max(0.0, free_at - start), abs=1e-9)
        free_at = start + wait + service
        leaves.append(free_at)


def test_case_16_erlang_a(agrees: Agrees) -> None:
    """Customers with drawn patience abandon a call centre; 20 x 14,000, in minutes, within 12 %."""
    exact = erlang_a(arrival_rate=48.0, service_rate=1.0, servers=50, patience_rate=0.5)
    agrees(
        many_servers(
            exponential(1.0),
            rate=48.0,
            servers=50,
            horizon_s=300.0,
            patience=exponential(2.0),
        ),
        lambda w: {
            "abandon": w.share(Status.QUEUE_TIMEOUT),
            "Wq": w.wait("server", of_all=True),
            "Lq": w.queue("server"),
            "U": w.in_use("server") / 50,
        },
        {
            "abandon": exact.abandonment_probability,
            "Wq": exact.waiting_time,
            "Lq": exact.queue_length,
            "U": exact.utilisation,
        },
        warm_up=10.0,
        half_width={"abandon": 0.13, "Wq": 0.13, "Lq": 0.13, "U": 0.01},
    )


@pytest.mark.parametrize(
    ("rate", "retrial_rate", "horizon_s", "half_width"),
    [(0.5, 0.5, 6_000.0, 0.10), (0.7, 1.0, 7_000.0, 0.12), (0.8, 0.2, 11_000.0, 0.12)],
)
def test_case_17_retrials(
    agrees: Agrees, rate: float, retrial_rate: float, horizon_s: float, half_width: float
) -> None:
    """Whoever is refused waits in an orbit and retries; 20 x 3,000 to 10,000 arrivals."""
    exact = mm11_retrial(arrival_rate=rate, service_rate=1.0, retrial_rate=retrial_rate)

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        server = builder.resource(Resource(name="server", capacity=1, queue_limit=0))
        service = builder.column("service", exponential(1.0))
        # A loop reads a fresh draw in every round; after 60 rounds it begins again.
        rounds = builder.column("rounds", Constant(value=60))
        orbit = builder.column("orbit", exponential(1 / retrial_rate), count=rounds)
        request = builder.request_class("request")
        to_server = builder.jump()
        back = builder.here
        builder.delay(orbit, repeated=True)
        builder.repeat(rounds, builder.here + 1)
        builder.land(to_server)
        builder.acquire(server, otherwise=back)
        builder.delay(service)
        builder.end()
        return finish(builder, request, rate, horizon_s, replication)

    agrees(
        build,
        lambda w: {
            "orbit": w.population() - w.in_use("server"),
            "U": w.in_use("server"),
            "R": w.response(),
        },
        {"orbit": exact.orbit, "U": exact.utilisation, "R": exact.response_time},
        warm_up=500.0,
        half_width={"orbit": half_width, "U": 0.03, "R": half_width},
    )
