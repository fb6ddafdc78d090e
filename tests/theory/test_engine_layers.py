"""The engine on pools within pools, several kinds of users, and cores that get in each other's way.

Exact values must lie in the engine's own confidence intervals.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from capsim.engine import simulate_plan
from capsim.model.laws import AnyLaw, Constant, Exponential
from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering import lower
from capsim.plan.ops import Order
from capsim.plan.plan import Plan, Resource, Station
from capsim.theory import (
    CustomerClass,
    LayeredPools,
    PoolLayer,
    exact_multiclass_mva,
    solve_layered_pools,
    usl_peak,
    usl_throughput,
)

Agrees = Callable[..., None]


def exponential(mean: float) -> Exponential:
    """An exponential law."""
    return Exponential(law="exponential", mean=mean)


def layered(names: tuple[str, ...], pools: LayeredPools, order: Order) -> Callable[[int], Plan]:
    """Pools within pools as a plan; the innermost serves in the given order."""

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        turn = builder.column("turn", None)
        slots = []
        for name, layer in zip(names, pools.layers, strict=True):
            own = order if name == names[-1] else Order.FIFO
            spec = Resource(name=name, capacity=layer.places, order=own, turn_column=turn)
            slots.append(builder.resource(spec))
        request = builder.request_class("request")
        way_in = list(zip(names, pools.layers, slots, strict=True))
        for name, layer, place in way_in:
            builder.acquire(place)
            builder.delay(builder.column(f"{name}: before", exponential(layer.before)))
        for name, layer, place in reversed(way_in):
            builder.delay(builder.column(f"{name}: after", exponential(layer.after)))
            builder.release(place)
        builder.end()
        builder.users(
            "users",
            think=exponential(pools.think_time),
            classes=[(request, 1.0)],
            starts=np.zeros(pools.population),
        )
        return builder.build(horizon_s=220.0, seed=1, replication=replication)

    return build


def _compared(
    agrees: Agrees, build: Callable[[int], Plan], names: tuple[str, ...], pools: LayeredPools
) -> None:
    """Compare throughput, response, and the wait for and use of every layer."""
    exact = solve_layered_pools(pools=pools)
    expected = {"X": exact.throughput, "R": exact.response_time}
    half_width = {"X": 0.02, "R": 0.05}
    for name, wait, used in zip(names, exact.waiting_times, exact.utilisations, strict=True):
        expected |= {f"wait for {name}": wait, f"use of {name}": used}
        half_width |= {f"wait for {name}": 0.12, f"use of {name}": 0.03}
    places = [layer.places for layer in pools.layers]

    def measure(window: Any) -> dict[str, float]:
        found = {"X": window.throughput(), "R": window.response()}
        for name, capacity in zip(names, places, strict=True):
            found[f"wait for {name}"] = window.wait(name)
            found[f"use of {name}"] = window.in_use(name) / capacity
        return found

    agrees(build, measure, expected, warm_up=20.0, half_width=half_width)


@pytest.mark.parametrize("order", [Order.FIFO, Order.RANDOM], ids=["fifo", "random"])
def test_three_layers_held_together(agrees: Agrees, order: Order) -> None:
    """Threads, connections and a lock, each held with work before and after the next.

    The means do not depend on who gets the lock next; 20 x 3,600 requests, within 8 %.
    """
    pools = LayeredPools(
        population=8,
        think_time=0.2,
        layers=(
            PoolLayer(places=5, before=0.05, after=0.02),
            PoolLayer(places=3, before=0.03, after=0.04),
            PoolLayer(places=1, before=0.02, after=0.03),
        ),
    )
    names = ("thread", "connection", "lock")
    _compared(agrees, layered(names, pools, order), names, pools)


MODEL = {
    "name": "layers",
    "default_scenario": "test",
    "server": {"kind": "gunicorn-gthread", "workers": 1, "threads": 5},
    "scenarios": {
        "test": {
            "duration_s": 220.0,
            "users": 8,
            "user_classes": {
                "user": {"think_s": {"law": "exponential", "mean": 0.2}, "tasks": {"page": 1}}
            },
        }
    },
}


@pytest.mark.parametrize("innermost", ["lock stock", "PgBouncer server connection"])
def test_a_stack_is_layers_of_pools(agrees: Agrees, innermost: str) -> None:
    """Threads, pool, and then a row lock or PgBouncer, of a model file; 20 x 4,000, within 12 %."""
    locked = innermost == "lock stock"
    query_s = 0.04 if locked else 0.08
    request = {
        "delay_s": {"law": "exponential", "mean": 0.05},
        "queries": 2 if locked else 1,
        "query_s": {"law": "exponential", "mean": query_s},
    }
    database: dict[str, Any] = {"cores": 64, "access": {"kind": "pool", "size": 3}}
    if locked:
        request["lock"] = {"name": "stock", "after_queries": 1}
        database["locks"] = {"stock": {}}
    else:
        database["pgbouncer"] = {"mode": "transaction", "pool_size": 2}
    model = Model.model_validate({**MODEL, "database": database, "requests": {"page": request}})
    pools = LayeredPools(
        population=8,
        think_time=0.2,
        layers=(
            PoolLayer(places=5, before=0.05),
            PoolLayer(places=3, before=query_s if locked else 0.0),
            PoolLayer(places=1 if locked else 2, before=query_s),
        ),
    )

    def build(replication: int) -> Plan:
        return lower(model, model.scenario(), seed=1, replication=replication)

    _compared(agrees, build, ("thread", "database connection", innermost), pools)


def test_two_kinds_of_users_share_two_processors(agrees: Agrees) -> None:
    """Light and heavy users follow exact multi-class MVA; 20 x 2,400 requests, within 8 %."""
    light = CustomerClass(demands=(0.05, 0.02), population=6, think_time=0.5)
    heavy = CustomerClass(demands=(0.1, 0.3), population=3, think_time=1.0)
    classes = {"light": light, "heavy": heavy}
    exact = exact_multiclass_mva(classes=(light, heavy))

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        stations = [builder.station(Station(name=name)) for name in ("application", "database")]
        for name, spec in classes.items():
            columns = [
                builder.column(f"{name}: {number}", exponential(demand))
                for number, demand in enumerate(spec.demands)
            ]
            request = builder.request_class(name)
            for station, column in zip(stations, columns, strict=True):
                builder.serve(station, column)
            builder.end()
            builder.users(
                name,
                think=exponential(spec.think_time),
                classes=[(request, 1.0)],
                starts=np.zeros(spec.population),
            )
        return builder.build(horizon_s=220.0, seed=1, replication=replication)

    def measure(window: Any) -> dict[str, float]:
        trace, found = window.trace, {}
        for number, name in enumerate(classes):
            mine = window.served & (trace.request_class == number)
            found[f"X of {name}"] = float(mine.sum() / window.length_s)
            found[f"R of {name}"] = float((trace.end - trace.start)[mine].mean())
        return found | {n: window.present(n) for n in ("application", "database")}

    expected = {"application": exact.queue_length[:, 0].sum()}
    expected |= {"database": exact.queue_length[:, 1].sum()}
    for number, name in enumerate(classes):
        expected[f"X of {name}"] = exact.throughput[number]
        expected[f"R of {name}"] = exact.response_time[number]
    agrees(
        build,
        measure,
        {name: float(value) for name, value in expected.items()},
        warm_up=20.0,
        half_width=0.08,
    )


def interfering(demand: AnyLaw, population: int, horizon_s: float) -> Callable[[int], Plan]:
    """Users who never think at cores that get in each other's way."""

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        station = builder.station(
            Station(name="database", cores=64, contention=0.05, coherency=0.002)
        )
        column = builder.column("demand", demand)
        request = builder.request_class("request")
        builder.serve(station, column)
        builder.end()
        builder.users(
            "users",
            think=Constant(value=0.0),
            classes=[(request, 1.0)],
            starts=np.zeros(population),
        )
        return builder.build(horizon_s=horizon_s, seed=1, replication=replication)

    return build


@pytest.mark.parametrize("population", [4, 22, 60])
def test_cores_in_each_others_way_follow_the_usl(agrees: Agrees, population: int) -> None:
    """Throughput of N users rises to the peak of the law and falls beyond it; within 3 %."""
    exact = usl_throughput(population=population, unit_rate=10.0, contention=0.05, coherency=0.002)
    agrees(
        interfering(exponential(0.1), population, 40.0),
        lambda w: {"X": w.throughput()},
        {"X": exact},
        warm_up=5.0,
        half_width=0.04,
    )


def test_the_usl_has_its_peak_where_theory_says() -> None:
    """Constant demands follow the law exactly; 22 users do more than 18 or 26."""
    assert usl_peak(contention=0.05, coherency=0.002) == pytest.approx(21.8, abs=0.05)
    found = {}
    for population in (18, 22, 26):
        trace = simulate_plan(interfering(Constant(value=0.1), population, 60.0)(0))
        found[population] = population / np.nanmean(trace.end - trace.start)
        exact = usl_throughput(
            population=population, unit_rate=10.0, contention=0.05, coherency=0.002
        )
        assert found[population] == pytest.approx(exact, rel=1e-9)
    assert found[22] > max(found[18], found[26])
