"""The engine on closed systems: exact values must lie in its own confidence intervals."""

from collections.abc import Callable

import numpy as np
import pytest

from capsim.engine import simulate_plan
from capsim.model.laws import AnyLaw, Constant, Exponential, Hyperexponential
from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering import lower
from capsim.plan.ops import Status
from capsim.plan.plan import Plan, Resource, Station
from capsim.theory import (
    ClosedNetwork,
    NestedPools,
    asymptotic_bounds,
    closed_full_backlog,
    exact_mva,
    machine_repairman,
    solve_nested_pools,
)
from capsim.theory import Station as Queue

Agrees = Callable[..., None]


def exponential(mean: float) -> Exponential:
    """An exponential law."""
    return Exponential(law="exponential", mean=mean)


def lowered(model: Model) -> Callable[[int], Plan]:
    """The replications of a model's default scenario."""

    def build(replication: int) -> Plan:
        return lower(model, model.scenario(), seed=1, replication=replication)

    return build


def queues_in_series(  # noqa: PLR0913 (what makes up a network)
    services: dict[str, AnyLaw],
    *,
    population: int,
    think: AnyLaw,
    horizon_s: float,
    servers: int = 1,
    backlog: int | None = None,
    shared: tuple[str, ...] = (),
) -> Callable[[int], Plan]:
    """A closed network: FIFO queues, or processor sharing for the names in `shared`."""

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        limits = {} if backlog is None else {"queue_limit": backlog}
        fifos = {
            name: builder.resource(Resource(name=name, capacity=servers, **limits))
            for name in services
            if name not in shared
        }
        stations = {name: builder.station(Station(name=name)) for name in shared}
        columns = {name: builder.column(name, law) for name, law in services.items()}
        request = builder.request_class("request")
        for name in services:
            if name in shared:
                builder.serve(stations[name], columns[name])
            else:
                builder.acquire(fifos[name])
                builder.delay(columns[name])
                builder.release(fifos[name])
        builder.end()
        builder.users("users", think=think, classes=[(request, 1.0)], starts=np.zeros(population))
        return builder.build(horizon_s=horizon_s, seed=1, replication=replication)

    return build


def test_case_1_one_server_in_saturation(agrees: Agrees) -> None:
    """Ten users saturate one FIFO server; 20 x 4,000 requests, within 3 %."""
    exact = machine_repairman(population=10, think_time=1 / 0.3, service_time=1.5)
    agrees(
        queues_in_series(
            {"server": exponential(1.5)},
            population=10,
            think=exponential(1 / 0.3),
            horizon_s=6_000.0,
        ),
        lambda w: {
            "X": w.throughput(),
            "Q": w.in_use("server") + w.queue("server"),
            "R": w.response(),
            "U": w.in_use("server"),
        },
        {
            "X": exact.throughput,
            "Q": exact.population,
            "R": exact.response_time,
            "U": exact.utilisation,
        },
        warm_up=100.0,
        half_width=0.03,
    )


def test_case_3_three_queues(agrees: Agrees) -> None:
    """Three FIFO queues follow exact MVA, in units of 100 s; 20 x 6,000 requests, within 3 %."""
    demands = {"cpu": 0.00605, "disk": 0.021, "tape": 0.0135}
    exact = exact_mva(
        network=ClosedNetwork(
            stations=tuple(Queue(demand=d) for d in demands.values()), population=3, think_time=0.15
        )
    )
    agrees(
        queues_in_series(
            {name: exponential(demand) for name, demand in demands.items()},
            population=3,
            think=exponential(0.15),
            horizon_s=400.0,
        ),
        lambda w: {"X": w.throughput(), **{n: w.in_use(n) + w.queue(n) for n in demands}},
        {
            "X": exact.throughput[-1],
            **dict(zip(demands, exact.queue_length[-1].tolist(), strict=True)),
        },
        warm_up=2.0,
        half_width=0.03,
    )


def test_case_4_processor_sharing_is_insensitive(agrees: Agrees) -> None:
    """A hyperexponential demand changes no mean at a PS processor; 20 x 4,500, within 8 %.

    Times are in units of 10 s.
    """
    demands = {"processor": 0.2, "drum": 0.024, "disk": 0.06}
    services = {name: exponential(demand) for name, demand in demands.items()}
    services |= {"processor": Hyperexponential(law="hyperexponential", mean=0.2, cv=3.0)}
    exact = exact_mva(
        network=ClosedNetwork(
            stations=tuple(Queue(demand=d) for d in demands.values()), population=5, think_time=3.0
        )
    )
    agrees(
        queues_in_series(
            services,
            population=5,
            think=exponential(3.0),
            horizon_s=3_000.0,
            shared=("processor",),
        ),
        lambda w: {
            "X": w.throughput(),
            "processor": w.present("processor"),
            "drum": w.in_use("drum") + w.queue("drum"),
            "disk": w.in_use("disk") + w.queue("disk"),
        },
        {
            "X": exact.throughput[-1],
            **dict(zip(demands, exact.queue_length[-1].tolist(), strict=True)),
        },
        warm_up=30.0,
        half_width=0.08,
    )


def test_case_7_three_hundred_threads(agrees: Agrees) -> None:
    """Users that never think saturate many threads; 20 x 10,000 requests, within 2 %."""
    exact = machine_repairman(population=400, think_time=1e-9, service_time=0.444, servers=300)
    agrees(
        queues_in_series(
            {"thread": exponential(0.444)},
            population=400,
            think=Constant(value=0.0),
            horizon_s=20.0,
            servers=300,
        ),
        lambda w: {"X": w.throughput(), "R": w.response(), "wait": w.wait("thread")},
        {
            "X": exact.throughput,
            "R": exact.response_time,
            "wait": exact.waiting_time,
        },
        warm_up=5.0,
        half_width=0.02,
    )


CASE_8_MODEL = """
name = "case-8"
default_scenario = "test"
server = { kind = "gunicorn-sync", workers = 1, timeout_s = 0, backlog = 100 }

[requests.work]
delay_s = { law = "exponential", mean = 0.0063 }

[scenarios.test]
duration_s = 300
users = 100
user_classes.all = { think_s = { law = "exponential", mean = 3 }, tasks = { work = 1 } }
"""


@pytest.mark.parametrize("route", ["plan", "model"])
def test_case_8_machine_repairman(agrees: Agrees, template: Callable, route: str) -> None:
    """The single-server repairman, in units of 100 s, as a plan and as a worker; within 2 %."""
    exact = machine_repairman(population=100, think_time=3.0, service_time=0.0063)
    if route == "plan":
        name = "server"
        build = queues_in_series(
            {name: exponential(0.0063)},
            population=100,
            think=exponential(3.0),
            horizon_s=300.0,
        )
    else:
        name = "worker"
        model = template(CASE_8_MODEL).bind({})
        build = lowered(model)
    agrees(
        build,
        lambda w: {"X": w.throughput(), "R": w.response(), "U": w.in_use(name)},
        {"X": exact.throughput, "R": exact.response_time, "U": exact.utilisation},
        warm_up=20.0,
        half_width=0.02,
    )


def nested_pools(connections: int) -> Callable[[int], Plan]:
    """Case 20 as a plan: a connection pool that is entered while holding a thread."""

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        thread = builder.resource(Resource(name="thread", capacity=8))
        connection = builder.resource(Resource(name="database connection", capacity=connections))
        app = builder.column("app", exponential(0.05))
        query = builder.column("query", exponential(0.1))
        request = builder.request_class("request")
        builder.acquire(thread)
        builder.delay(app)
        builder.acquire(connection)
        builder.delay(query)
        builder.end()
        builder.users(
            "users", think=exponential(1.0), classes=[(request, 1.0)], starts=np.zeros(50)
        )
        return builder.build(horizon_s=200.0, seed=1, replication=replication)

    return build


CASE_20_MODEL = """
name = "case-20"
default_scenario = "test"
machine.cores = 1
server = {{ kind = "gunicorn-gthread", workers = 1, threads = 8 }}

[database]
cores = 8
access = {{ kind = "pool", size = {connections}, wait_timeout_s = 1e6 }}

[requests.work]
delay_s = {{ law = "exponential", mean = 0.05 }}
queries = 1
query_s = {{ law = "exponential", mean = 0.1 }}

[scenarios.test]
duration_s = 200
users = 50
user_classes.all = {{ think_s = {{ law = "exponential", mean = 1 }}, tasks = {{ work = 1 }} }}
"""


@pytest.mark.parametrize("connections", [4, 8])
@pytest.mark.parametrize("route", ["plan", "model"])
def test_case_20_nested_pools(
    agrees: Agrees, template: Callable, route: str, connections: int
) -> None:
    """Two queues in series keep both waits apart; 20 x 7,000 requests, within 2 to 15 %."""
    exact = solve_nested_pools(
        pools=NestedPools(
            population=50,
            think_time=1.0,
            threads=8,
            app_time=0.05,
            connections=connections,
            database_time=0.1,
        )
    )
    expected = {
        "X": exact.throughput,
        "R": exact.response_time,
        "thread wait": exact.thread_waiting_time,
        "connections": exact.connection_utilisation * connections,
    }
    if connections < 8:
        expected["connection wait"] = exact.connection_waiting_time
    if route == "plan":
        build = nested_pools(connections)
    else:
        model = template(CASE_20_MODEL.format(connections=connections)).bind({})
        build = lowered(model)
    agrees(
        build,
        lambda w: {
            "X": w.throughput(),
            "R": w.response(),
            "thread wait": w.wait("thread"),
            "connections": w.in_use("database connection"),
            "connection wait": w.wait("database connection"),
        },
        expected,
        warm_up=10.0,
        half_width={
            "X": 0.02,
            "R": 0.06,
            "thread wait": 0.15,
            "connections": 0.02,
            "connection wait": 0.05,
        },
    )


CASE_22_MODEL = """
name = "case-22"
default_scenario = "test"
server = { kind = "gunicorn-sync", workers = 4, backlog = 5 }  # of which 6 fit
network = { overflow = "refuse" }

[requests.work]
delay_s = { law = "exponential", mean = 0.1 }

[scenarios.test]
duration_s = 300
users = 50
user_classes.all = { think_s = { law = "exponential", mean = 1 }, tasks = { work = 1 } }
"""


@pytest.mark.parametrize("route", ["plan", "model"])
def test_case_22_full_backlog(agrees: Agrees, template: Callable, route: str) -> None:
    """A full backlog refuses at once, and the refused think again; 20 x 12,000, within 2 to 8 %."""
    exact = closed_full_backlog(
        population=50, think_time=1.0, servers=4, service_time=0.1, capacity=10
    )
    if route == "plan":
        build = queues_in_series(
            {"server": exponential(0.1)},
            population=50,
            think=exponential(1.0),
            horizon_s=300.0,
            servers=4,
            backlog=6,
        )
    else:
        model = template(CASE_22_MODEL).bind({})
        build = lowered(model)
    agrees(
        build,
        lambda w: {
            "X": w.throughput(),
            "refused": w.share(Status.BACKLOG_FULL),
            "R": w.response(),
            "Q": w.population(),
        },
        {
            "X": exact.throughput,
            "refused": exact.refused_probability,
            "R": exact.response_time,
            "Q": exact.population,
        },
        warm_up=10.0,
        half_width={"X": 0.015, "refused": 0.08, "R": 0.03, "Q": 0.03},
    )


@pytest.mark.parametrize("population", [1, 3, 8, 40])
def test_asymptotic_bounds_hold(window: type, population: int) -> None:
    """No run beats min(N / (R0 + Z), c / D) by more than its noise, of about 2 %."""
    build = queues_in_series(
        {"server": exponential(0.2)},
        population=population,
        think=exponential(1.0),
        horizon_s=2_000.0,
        servers=2,
    )
    bounds = asymptotic_bounds(demands=[0.2], servers=[2], think_time=1.0, population=[population])
    throughput = window(simulate_plan(build(0)), 50.0).throughput()
    assert throughput <= 1.05 * bounds.upper_throughput[0]
    assert throughput >= 0.95 * bounds.lower_throughput[0]
