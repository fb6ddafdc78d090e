"""The engine on what surrounds a database: exact values must lie in its own intervals."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from capsim.metrics.tasks import stale_share
from capsim.model.model import Model
from capsim.plan.lowering import lower
from capsim.plan.ops import Order, Status
from capsim.plan.plan import Plan
from capsim.theory import (
    ClosedNetwork,
    Station,
    exact_mva,
    locked_fill_rate,
    mm1_waiting_variance,
    mmc,
    mmc_fixed_patience,
    overwritten_ttl_hit_ratio,
    replication_lag,
    stale_read_probability,
)

Agrees = Callable[..., None]
Build = Callable[[int], Plan]


def exponential(mean: float) -> dict[str, Any]:
    """An exponential law, as a model file writes it."""
    return {"law": "exponential", "mean": mean}


def open_model(
    requests: dict[str, Any], rates: dict[str, float], duration_s: float, **parts: Any
) -> Build:
    """The replications of a stack with threads to spare under Poisson arrivals."""
    arrivals = {
        name: {"stages": [{"duration_s": duration_s, "rate": rate}], "tasks": {name: 1}}
        for name, rate in rates.items()
    }
    return _lowered(requests, {"duration_s": duration_s, "arrivals": arrivals}, parts)


def _lowered(requests: dict[str, Any], scenario: dict[str, Any], parts: dict[str, Any]) -> Build:
    database = {"cores": 64, "access": {"kind": "per-request"}, **parts.pop("database", {})}
    model = Model.model_validate(
        {
            "name": "database",
            "default_scenario": "test",
            "server": {"kind": "development"},
            "database": database,
            "requests": requests,
            "scenarios": {"test": scenario},
            **parts,
        }
    )

    def build(replication: int) -> Plan:
        return lower(model, model.scenario(), seed=1, replication=replication)

    return build


@pytest.mark.parametrize(("rate", "patience"), [(35.0, 0.1), (50.0, 0.2)], ids=["88 %", "125 %"])
def test_a_pool_that_gives_up_is_mmc_with_fixed_patience(
    agrees: Agrees, rate: float, patience: float
) -> None:
    """M/M/4+D: timeouts, goodput and queue of a pool; 20 x 3,500 to 5,000, within 15 %."""
    pool = {"kind": "pool", "size": 4, "scope": "system", "wait_timeout_s": patience}
    exact = mmc_fixed_patience(arrival_rate=rate, service_rate=10.0, servers=4, patience=patience)
    agrees(
        open_model(
            {"page": {"queries": 1, "query_s": exponential(0.1)}},
            {"page": rate},
            110.0,
            database={"access": pool},
        ),
        lambda w: {
            "timeouts": w.share(Status.POOL_TIMEOUT),
            "goodput": w.throughput(),
            "queue": w.queue("database connection"),
            "wait": w.wait("database connection", of_all=True),
        },
        {
            "timeouts": exact.abandonment_probability,
            "goodput": exact.throughput,
            "queue": exact.queue_length,
            "wait": exact.waiting_time,
        },
        warm_up=10.0,
        half_width={"timeouts": 0.15, "goodput": 0.03, "queue": 0.10, "wait": 0.10},
    )


@pytest.mark.parametrize("order", ["fifo", "random", "lifo"])
def test_the_order_of_a_row_lock_spreads_its_waits(agrees: Agrees, order: Any) -> None:
    """M/M/1 at 50 %: the mean of any order, the variance of this one; 20 x 5,000, within 34 %.

    What no lock is comes into the plan by hand: last come, first served, and a random order in
    which all who wait have the same chance.
    """
    rates = {"arrival_rate": 5.0, "service_rate": 10.0}
    requests = {"order": {"queries": 1, "query_s": exponential(0.1), "lock": {"name": "row"}}}
    lock = {"order": "fifo" if order == "lifo" else order}
    locked = open_model(requests, {"order": 5.0}, 1_020.0, database={"locks": {"row": lock}})

    def build(replication: int) -> Plan:
        plan = locked(replication)
        if order == "fifo":
            return plan
        by_hand = Order.LIFO if order == "lifo" else Order.RANDOM
        changed = [
            dataclasses.replace(r, order=by_hand, herd=False) if r.name == "lock row" else r
            for r in plan.resources
        ]
        return dataclasses.replace(plan, resources=tuple(changed))

    agrees(
        build,
        lambda w: _wait_moments(w, "lock row"),
        {
            "mean": mmc(**rates, servers=1).waiting_time,
            "variance": mm1_waiting_variance(**rates, order=order),
        },
        warm_up=20.0,
        half_width={"mean": 0.10, "variance": 0.34 if order == "lifo" else 0.22},
    )


def _wait_moments(window: Any, name: str) -> dict[str, float]:
    waits = window.trace.waits[window.served, window.trace.wait_names.index(name)]
    return {"mean": float(waits.mean()), "variance": float(waits.var())}


@pytest.mark.parametrize("rows", [1, 4])
def test_rows_are_queues_in_parallel(agrees: Agrees, rows: int) -> None:
    """Twelve users at 1 or 4 rows follow exact MVA, each row with its share; within 3 and 8 %."""
    user = {"think_s": exponential(0.5), "tasks": {"order": 1}}
    requests = {"order": {"queries": 1, "query_s": exponential(0.1), "lock": {"name": "row"}}}
    exact = exact_mva(
        network=ClosedNetwork(
            stations=(Station(demand=0.1 / rows),) * rows, population=12, think_time=0.5
        )
    )
    agrees(
        _lowered(
            requests,
            {"duration_s": 300.0, "users": 12, "user_classes": {"user": user}},
            {"database": {"locks": {"row": {"rows": rows}}}},
        ),
        lambda w: {"X": w.throughput(), "R": w.response(), "wait": w.wait("lock row")},
        {
            "X": exact.throughput[-1],
            "R": exact.response_time[-1],
            "wait": exact.response_time[-1] - 0.1,
        },
        warm_up=10.0,
        half_width={"X": 0.03, "R": 0.06, "wait": 0.08},
    )


def test_pgbouncers_servers_are_mmc(agrees: Agrees) -> None:
    """Transactions wait for three server connections as in M/M/3; 20 x 5,000, within 18 %."""
    exact = mmc(arrival_rate=21.0, service_rate=10.0, servers=3)
    bouncer = {"mode": "transaction", "pool_size": 3, "max_client_conn": 10_000}
    agrees(
        open_model(
            {"page": {"queries": 1, "query_s": exponential(0.1)}},
            {"page": 21.0},
            260.0,
            database={"pgbouncer": bouncer},
        ),
        lambda w: {
            "wait": w.wait("PgBouncer server connection"),
            "U": w.in_use("PgBouncer server connection") / 3,
        },
        {"wait": exact.waiting_time, "U": exact.utilisation},
        warm_up=10.0,
        half_width={"wait": 0.18, "U": 0.03},
    )


def test_replication_lags_by_a_sojourn_and_the_way(agrees: Agrees) -> None:
    """M/M/1 at 60 % after 50 ms on the way, and what reads miss by it; 20 x 3,000, within 8 %.

    A user's own next read, 0.2 s after the commit on average, is fresh if the lag L is over: with
    probability E[exp(-L / 0.2)]. A read at any time finds nothing on its way to the replica with
    (1 - rho) exp(-lambda D): queue and way are independent, as in any product form.
    """
    writes = {"write_rate": 6.0, "replay_rate": 10.0, "transfer_time": 0.05}
    requests = {
        "write": {"queries": 1, "query_s": 0.01},
        "read": {"queries": 1, "query_s": 0.01, "read_share": 1.0},
    }
    replicas = {"lag_s": 0.05, "replay_s": exponential(0.1)}
    build = open_model(
        requests, {"write": 6.0, "read": 6.0}, 520.0, database={"replicas": replicas}
    )

    def measure(window: Any) -> dict[str, float]:
        tasks = window.trace.tasks
        lags = (tasks.end - tasks.start)[tasks.end >= window.begin_s]
        return {
            "lag": float(lags.mean()),
            "own": float(1 - np.exp(-lags / 0.2).mean()),
            "any": stale_share(window.trace),
        }

    agrees(
        build,
        measure,
        {
            "lag": replication_lag(**writes),
            "own": stale_read_probability(**writes, read_delay=0.2),
            "any": 1 - (1 - 0.6) * np.exp(-6.0 * 0.05),
        },
        warm_up=20.0,
        half_width={"lag": 0.08, "own": 0.04, "any": 0.04},
    )


@pytest.mark.parametrize("one_fills", [False, True], ids=["each fills", "one fills"])
def test_an_entry_that_expires_follows_renewal_theory(agrees: Agrees, one_fills: Any) -> None:
    """One key, 4 requests per second, 2 s of life, fills of 0.4 s; 20 x 4,000, within 3 %.

    Without a lock each miss fills, and each fill prolongs the life; with one there is one fill per
    cycle of a fill, a life and a gap.
    """
    times = {"request_rate": 4.0, "ttl": 2.0, "fill_time": 0.4}
    hits = overwritten_ttl_hit_ratio(**times)
    exact = locked_fill_rate(**times) if one_fills else 4.0 * (1 - hits)
    cache = {"hit_ratio": 1.0, "keys": 1, "ttl_s": 2.0, "one_fills": one_fills}
    agrees(
        open_model(
            {"page": {"queries": 1, "query_s": 0.4, "cached": True}},
            {"page": 4.0},
            1_020.0,
            cache=cache,
        ),
        lambda w: {"fills": w.present("database CPU") / 0.4},
        {"fills": exact},
        warm_up=20.0,
        half_width=0.05,
    )


def test_tasks_wait_for_workers_as_in_mmc(agrees: Agrees) -> None:
    """Celery's sojourn is that of M/M/3, and no request waits for it; 20 x 5,000, within 10 %."""
    exact = mmc(arrival_rate=21.0, service_rate=10.0, servers=3)

    def measure(window: Any) -> dict[str, float]:
        tasks = window.trace.tasks
        ended = tasks.end >= window.begin_s
        return {
            "sojourn": float((tasks.end - tasks.start)[ended].mean()),
            "U": window.in_use("Celery worker") / 3,
            "response": window.response(),
        }

    agrees(
        open_model(
            {"order": {"delay_s": 0.02, "task": "mail"}},
            {"order": 21.0},
            260.0,
            celery={"workers": 3, "tasks": {"mail": {"delay_s": exponential(0.1)}}},
        ),
        measure,
        {"sojourn": exact.response_time, "U": exact.utilisation, "response": 0.02},
        warm_up=10.0,
        half_width={"sojourn": 0.10, "U": 0.03, "response": 1e-9},
    )
