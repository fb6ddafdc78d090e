"""Mean demands of a scenario, and the bounds that follow from them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from capsim.errors import InputError
from capsim.experiments.demands import demands
from capsim.experiments.needs import APP, CONNECTION, DATABASE, DELAY
from capsim.metrics.run import simulate
from capsim.model.template import Template, parse_template
from capsim.plan.lowering.gunicorn import THREAD, WORKER

Tree = dict[str, Any]


@pytest.fixture(name="tree")
def _tree() -> Tree:
    """Return a threaded server with a pool: 6 ms of CPU, 2 queries of 2 ms, 10 ms of waiting."""
    return {
        "name": "small",
        "default_scenario": "test",
        "machine": {"cores": 2},
        "server": {"kind": "gunicorn-gthread", "workers": 4, "threads": 2},
        "database": {"cores": 3, "access": {"kind": "pool", "size": 5}},
        "requests": {
            "page": {"app_cpu_s": 0.006, "delay_s": 0.01, "queries": 2, "query_s": 0.002},
            "ping": {"app_cpu_s": 0.001},
        },
        "scenarios": {
            "test": {
                "users": 20,
                "duration_s": 60,
                "user_classes": {"visitor": {"think_s": 0.2, "tasks": {"page": 1}}},
            }
        },
    }


def template(tree: Tree) -> Template:
    """Return a checked model."""
    return parse_template(tree, "small.toml")


def test_stations_have_their_servers(tree: Tree) -> None:
    """The application has a core per process, the database its cores, a delay no limit."""
    found = demands(template(tree).bind({}), "test")
    stations = {d.resource: (d.seconds, d.servers) for d in found.stations}
    assert stations[APP] == pytest.approx((0.006, 2))
    assert stations[DATABASE] == pytest.approx((0.004, 3))
    assert stations[DELAY] == pytest.approx((0.01, np.inf))
    assert found.think_s == pytest.approx(0.2)
    assert found.alone_s == pytest.approx(0.02)
    assert found.active_share == 1.0


def test_slots_limit_without_adding_time(tree: Tree) -> None:
    """Threads are held for the whole request, connections from the first query on."""
    found = demands(template(tree).bind({}), "test")
    slots = {d.resource: (d.seconds, d.servers) for d in found.slots}
    assert slots[THREAD] == pytest.approx((0.02, 8))
    assert slots[CONNECTION] == pytest.approx((0.008, 20))  # a pool of 5 in each of 4 processes
    assert found.capacity_rps == pytest.approx(2 / 0.006)


@pytest.mark.parametrize(
    ("server", "servers", "threads"),
    [
        ({"kind": "development"}, 1, np.inf),
        ({"kind": "gunicorn-sync", "workers": 1}, 1, 1),
        ({"kind": "gunicorn-sync", "workers": 9}, 2, 9),
        ({"kind": "gunicorn-gthread", "workers": 1, "threads": 4}, 1, 4),
    ],
)
def test_servers_of_each_kind(tree: Tree, server: Tree, servers: float, threads: float) -> None:
    """A process uses one core at most, and the machine has no more than its cores."""
    found = demands(template({**tree, "server": server}).bind({}), "test")
    assert found.stations[0].servers == servers
    held = [d.servers for d in found.slots if d.resource in {THREAD, WORKER}]
    assert held == ([threads] if np.isfinite(threads) else [])


@pytest.mark.parametrize(
    ("access", "connections"),
    [
        ({"kind": "pool", "size": 5, "scope": "system"}, [5]),
        ({"kind": "pool", "size": 500, "scope": "system"}, [27]),
        ({"kind": "per-request"}, [27]),
        ({"kind": "persistent"}, []),
    ],
)
def test_connections_of_each_access(tree: Tree, access: Tree, connections: list[float]) -> None:
    """What hands connections on is limited by its size and by what the database admits."""
    tree["database"] = {"max_connections": 30, "access": access}
    found = demands(template(tree).bind({}), "test")
    assert [d.servers for d in found.slots if d.resource == CONNECTION] == connections


def test_user_classes_mix_as_they_ask(tree: Tree) -> None:
    """Each user class counts as often as it asks, and idle users not at all."""
    tree["scenarios"]["test"]["user_classes"] = {
        "often": {"think_s": {"law": "constant_pacing", "period": 0.1}, "tasks": {"ping": 1}},
        "seldom": {"weight": 2, "think_s": 0.98, "tasks": {"page": 3}},
        "idle": {"think_s": 1},
    }
    found = demands(template(tree).bind({}), "test")
    # Per user and second: 10 from "often", 1 from each of two "seldom".
    assert found.stations[0].seconds == pytest.approx((10 * 0.001 + 2 * 0.006) / 12)
    assert found.think_s == pytest.approx((10 * 0.099 + 2 * 0.98) / 12)
    assert found.active_share == pytest.approx(0.75)
    throughput, _ = found.bounds(4)
    assert throughput == pytest.approx(12.0)


def test_bounds_bend_at_the_capacity(tree: Tree) -> None:
    """Throughput grows with the users up to the capacity; response times grow from there on."""
    found = demands(template(tree).bind({}), "test")
    throughput, response = found.bounds([1, 10, 1000])
    assert throughput == pytest.approx([1 / 0.22, 10 / 0.22, 2 / 0.006])
    assert response == pytest.approx([0.02, 0.02, 1000 * 0.003 - 0.2])


@pytest.mark.parametrize("users", [1, 30, 100])
def test_no_simulation_beats_the_bounds(tree: Tree, users: int) -> None:
    """A simulated load test stays within the bounds."""
    model = template(tree).bind({})
    found = demands(model, "test")
    throughput, _ = found.bounds(users)
    summary = simulate(model, scenario="test", users=users).summary()
    # Every user's first request comes without a think time before it.
    assert summary.requests - users <= throughput * 60
    assert summary.mean_s >= found.alone_s * (1 - 1e-9)


def _open(tree: Tree) -> None:
    arrivals = {"all": {"stages": [{"duration_s": 9, "rate": 1}], "tasks": {"ping": 1}}}
    tree["scenarios"]["test"] = {"duration_s": 9, "arrivals": arrivals}


def _no_time(tree: Tree) -> None:
    tree["requests"]["page"] = {}


def _no_cycle(tree: Tree) -> None:
    _no_time(tree)
    tree["scenarios"]["test"]["user_classes"]["visitor"]["think_s"] = 0


@pytest.mark.parametrize(
    ("change", "message"),
    [(_open, "open arrivals"), (_no_time, "takes time"), (_no_cycle, "neither think nor")],
)
def test_impossible_scenarios_are_refused(
    tree: Tree, change: Callable[[Tree], None], message: str
) -> None:
    """A scenario without closed users, or without anything that takes time, has no bounds."""
    change(tree)
    with pytest.raises(InputError, match=message):
        demands(template(tree).bind({}), "test")
