"""A mechanism that is there, and never has anything to do, leaves a run as it was."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine import Trace
from capsim.metrics.run import simulate
from capsim.model.model import Model

FAR = 1e6  # seconds after the end, or a limit that nothing reaches
DURATION_S = 15.0  # of a run, which is the beginning of a load test with faults much later

BASE: dict[str, Any] = {
    "name": "base",
    "default_scenario": "test",
    "machine": {"cores": 2},
    "app": {"error_cpu_s": {"law": "exponential", "mean": 0.01}},
    "database": {"cores": 2, "access": {"kind": "pool", "size": 3, "wait_timeout_s": 0.5}},
    "requests": {
        "read": {
            "app_cpu_s": {"law": "lognormal", "mean": 0.02, "cv": 1.0},
            "queries": {"law": "geometric", "mean": 3},
            "query_s": {"law": "exponential", "mean": 0.02},
        },
        "write": {
            "app_cpu_s": {"law": "gamma", "mean": 0.02, "cv": 0.5},
            "delay_s": {"law": "exponential", "mean": 0.1},
            "queries": 2,
            "query_s": {"law": "exponential", "mean": 0.05},
        },
    },
    "scenarios": {
        "test": {
            "duration_s": 2 * FAR,
            "users": 25,
            "client": {"timeout_s": 0.8},
            "user_classes": {
                "u": {
                    "think_s": {"law": "exponential", "mean": 0.5},
                    "tasks": {"read": 3, "write": 1},
                }
            },
        }
    },
}
SERVERS: dict[str, dict[str, Any]] = {
    "sync": {"kind": "gunicorn-sync", "workers": 3, "timeout_s": 2},
    "threads": {"kind": "gunicorn-gthread", "workers": 2, "threads": 3, "keepalive_s": 0},
    "greenlets": {"kind": "gunicorn-gevent", "workers": 2, "keepalive_s": 0},
    "development": {"kind": "development"},
}


def of_scenario(**spec: object) -> dict[str, Any]:
    """A change of the load test."""
    return {"scenarios": {"test": spec}}


def of_client(**spec: object) -> dict[str, Any]:
    """A change of the client."""
    return of_scenario(client=spec)


def of_database(**spec: object) -> dict[str, Any]:
    """A change of the database."""
    return {"database": spec}


ROOM = {"limit_mb": 1e9, "per_request_mb": 1.0, "per_connection_mb": 1.0}
LATER = {"at_s": FAR, "duration_s": 5.0}
IDLE: dict[str, dict[str, Any]] = {
    "SYNs sent again": {"network": {"overflow": "retransmit", "syn_retries_s": [1.0, 2.0]}},
    "SYNs never sent again": {"network": {"overflow": "refuse"}},
    "a balancer before one instance": {"balancer": {"instances": 1, "timeout_s": FAR}},
    "shedding at the front": {"shedding": {"limit": 1_000_000}},
    "shedding in the application": {
        "shedding": {"limit": 1_000_000, "place": "application", "cpu_s": 1.0}
    },
    "memory of an instance": {"memory": {**ROOM, "kills": "instance"}},
    "a cache of what nobody asks for": {
        "cache": {"hit_ratio": 0.0, "one_fills": True},
        "requests": {"read": {"cached": True}},
    },
    "tasks that nobody begins": {"celery": {"tasks": {"mail": {"cpu_s": 1.0}}}},
    "tasks that nobody waits for": {
        "celery": {"tasks": {"mail": {"cpu_s": 1.0}}},
        "requests": {"write": {"task": "mail"}},
    },
    "replicas that no read happens to go to": {
        "database": {"replicas": {"count": 2, "lag_s": 1.0, "replay_s": 0.1}},
        "requests": {"read": {"read_share": 1e-12}},
    },
    "a pool that many may wait for": of_database(access={"max_waiting": 1_000_000}),
    "a statement timeout": of_database(statement_timeout_s=FAR),
    "a lock that nobody else wants": {
        "database": {"locks": {"stock": {"rows": 5_000}}, "lock_timeout_s": FAR},
        "requests": {"read": {"lock": {"name": "stock"}}},
    },
    "PgBouncer with room for all": of_database(
        pgbouncer={"mode": "transaction", "pool_size": 1000, "max_client_conn": 1000}
    ),
    "PgBouncer in session mode": of_database(
        pgbouncer={"mode": "session", "pool_size": 1000, "max_client_conn": 1000}
    ),
    "retries of what never happens": of_client(retries={"attempts": 3, "after": ["unavailable"]}),
    "a budget without retries": of_client(
        retries={"attempts": 3, "after": ["unavailable"], "budget": 0.1}
    ),
    "an instance lost later": of_scenario(faults=[{"kind": "instance-lost", **LATER}]),
    "a restart later": of_scenario(faults=[{"kind": "restart", "at_s": FAR, "boot_time_s": 5.0}]),
    "a database restart later": of_scenario(faults=[{"kind": "database-restart", **LATER}]),
    "a slow application later": of_scenario(
        faults=[{"kind": "slow", "station": "app", "factor": 9.0, **LATER}]
    ),
    "a database that is slow by a factor of one": of_scenario(
        faults=[{"kind": "slow", "at_s": 5, "duration_s": 5, "station": "database", "factor": 1.0}]
    ),
}
OF_GUNICORN = {
    "workers that live long": {"server": {"max_requests": 1_000_000}},
    "memory of processes": {"memory": {**ROOM, "kills": "process"}},
}
# Both lay a list over the same key, or stand in each other's place.
APART = [
    {name for name in IDLE if name.endswith("later") or name.startswith("a database that is slow")},
    {"SYNs sent again", "SYNs never sent again"},
    {name for name in IDLE if name.startswith("PgBouncer")},
    {name for name in IDLE if name.startswith("shedding")},
    {name for name in IDLE if name.startswith("tasks")},
    {"retries of what never happens", "a budget without retries"},
]


def beginning(tree: dict[str, Any]) -> Trace:
    """The trace of the beginning of a model's load test."""
    model = Model.model_validate(tree)
    short = model.scenario().model_copy(update={"duration_s": DURATION_S})
    return simulate(model, scenario=short).trace


def times(trace: Trace) -> list[bytes]:
    """Everything about the requests, bit by bit; waits by name, of names that both runs have."""
    columns = (trace.source, trace.user, trace.index, trace.start, trace.end, trace.status)
    known = [trace.wait_names.index(name) for name in ("database connection",)]
    return [column.tobytes() for column in (*columns, trace.waits[:, known])]


@pytest.fixture(scope="module", name="changed")
def _changed(merged: Callable[..., dict[str, Any]]) -> Callable[..., list[bytes]]:
    """Run the base model with a server and changes."""
    known: dict[str, list[bytes]] = {}

    def run(server: str, *changes: dict[str, Any]) -> list[bytes]:
        if not changes and server in known:
            return known[server]
        tree = {**BASE, "server": SERVERS[server]}
        for change in changes:
            tree = merged(tree, change)
        found = times(beginning(tree))
        if not changes:
            known[server] = found
        return found

    return run


@pytest.mark.parametrize("server", SERVERS)
def test_the_base_model_is_busy(server: str) -> None:
    """Requests wait, fail and time out, so that there is something to disturb."""
    trace = beginning({**BASE, "server": SERVERS[server]})
    assert len(trace) > 200
    assert len(set(trace.status.tolist())) >= 3
    assert (trace.waits.sum(axis=1) > 0).mean() > 0.2


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("mechanism", [*IDLE, *OF_GUNICORN])
def test_an_idle_mechanism_changes_nothing(
    changed: Callable[..., list[bytes]], server: str, mechanism: str
) -> None:
    """Configured and never triggered, it leaves every time of every request bit-equal."""
    if mechanism in OF_GUNICORN and server == "development":
        return
    assert changed(server, {**IDLE, **OF_GUNICORN}[mechanism]) == changed(server)


@pytest.mark.parametrize("server", SERVERS)
def test_many_idle_mechanisms_change_nothing(
    changed: Callable[..., list[bytes]], server: str
) -> None:
    """Nor do several at a time."""

    @settings(max_examples=10, deadline=None, derandomize=True)
    @given(st.sets(st.sampled_from(sorted(IDLE)), min_size=4, max_size=12))
    def nothing_changes(names: set[str]) -> None:
        for group in APART:
            names -= set(sorted(names & group)[1:])
        assert changed(server, *[IDLE[name] for name in sorted(names)]) == changed(server)

    nothing_changes()
