"""Small models of every shape, drawn at random."""

from typing import Any

import pytest
from hypothesis import strategies as st

from capsim.model.model import Model

HORIZON_S = 12.0
FAR_S = 1e6
RESERVED = 3  # connections that superusers keep

SMALL = st.integers(1, 3)
Strategy = st.SearchStrategy[Any]


def keys(**values: Strategy) -> Strategy:
    """A table with these keys."""
    return st.fixed_dictionaries(values)


def one_of(*values: object) -> Strategy:
    """One of a few values."""
    return st.sampled_from(values)


def seldom(part: Strategy) -> Strategy:
    """A part of a model that most models do not have."""
    return st.one_of(st.none(), st.none(), part)


def laws(longest_s: float) -> Strategy:
    """Laws of a duration."""
    means = st.floats(longest_s / 100, longest_s)
    return st.one_of(
        st.just(0.0),
        means,
        keys(law=st.just("exponential"), mean=means),
        keys(law=st.just("lognormal"), mean=means, cv=st.floats(0, 3)),
        keys(law=st.just("gamma"), mean=means, cv=st.floats(0.3, 2)),
        keys(law=st.just("hyperexponential"), mean=means, cv=st.floats(1.1, 3)),
        st.builds(lambda a, b: {"law": "uniform", "low": min(a, b), "high": a + b}, means, means),
    )


THINKING = st.one_of(
    st.floats(0.05, 2.0),
    st.builds(
        lambda a, b: {"law": "uniform", "low": a, "high": a + b}, *[st.floats(0.05, 1.0)] * 2
    ),
    keys(law=st.just("exponential"), mean=st.floats(0.05, 2.0)),
    keys(law=st.just("constant_pacing"), period=st.floats(0.05, 2.0)),
)

# What all gunicorn workers have, and what those have that keep connections.
WORKERS = {
    "workers": SMALL,
    "boot_time_s": one_of(0.0, 0.5),
    "backlog": one_of(0, 1, 5, 2048),
    "max_requests": one_of(0, 0, 0, 1, 20),
    "max_requests_jitter": one_of(0, 5),
}
KEEPING = {"worker_connections": one_of(1, 4, 1000), "keepalive_s": one_of(0.0, 0.5, 2.0)}
SERVERS = st.one_of(
    st.just({"kind": "development"}),
    keys(kind=st.just("gunicorn-sync"), timeout_s=one_of(0.0, 0.5, 1.0, 30.0), **WORKERS),
    keys(kind=st.just("gunicorn-gthread"), threads=SMALL, **WORKERS, **KEEPING),
    keys(kind=st.just("gunicorn-gevent"), **WORKERS, **KEEPING),
)
NETWORKS = keys(
    overflow=one_of("retransmit", "refuse"),
    syn_retries_s=one_of((0.5,), (0.3, 0.9, 2.1), (1.0, 3.0, 7.0)),
)
BALANCERS = keys(
    instances=SMALL,
    policy=one_of("round-robin", "least-connections", "random", "two-choices"),
    timeout_s=one_of(None, 0.5, 60.0),
)
SHEDDING = st.one_of(
    keys(limit=st.integers(1, 6)),
    keys(limit=SMALL, place=st.just("application"), cpu_s=one_of(0.0, 0.01)),
)
CACHES = keys(
    hit_ratio=st.floats(0.0, 1.0),
    keys=st.integers(1, 5),
    ttl_s=one_of(None, 0.5, 3.0),
    lookup_s=one_of(0.0, 0.01),
    one_fills=st.booleans(),
)
MEMORY = keys(
    base_mb=one_of(0, 100),
    per_process_mb=one_of(0, 50),
    per_request_mb=one_of(0, 20),
    per_connection_mb=one_of(0, 10),
    kills=one_of("process", "instance"),
    restart_s=one_of(0.0, 1.0),
)
ACCESSES = st.one_of(
    keys(
        kind=st.just("pool"),
        size=SMALL,
        wait_timeout_s=one_of(0.05, 0.5, 30.0),
        scope=one_of("process", "system"),
        max_waiting=one_of(None, None, 1),
    ),
    st.just({"kind": "persistent"}),
    st.just({"kind": "per-request"}),
)
BOUNCERS = keys(
    mode=one_of("session", "transaction"),
    pool_size=SMALL,
    max_client_conn=one_of(3, 100),
    query_wait_timeout_s=one_of(0.1, 120.0),
    message_cpu_s=one_of(0.0, 0.001),
)
REPLICAS = keys(count=st.integers(1, 2), cores=SMALL, lag_s=laws(0.5), replay_s=laws(0.05))
LOCKS = keys(rows=one_of(1, 1, 3), order=one_of("random", "fifo"))
COUNTS = st.one_of(
    one_of(0, 1, 3),
    keys(law=st.just("geometric"), mean=st.just(2.0)),
    keys(law=st.just("poisson"), mean=st.just(0.7)),
)
RETRIES = keys(
    attempts=SMALL,
    base_s=one_of(0.0, 0.1, 0.5),
    cap_s=one_of(0.5, 2.0),
    jitter=one_of("none", "full", "equal"),
    after=one_of(("timeout", "connection", "unavailable", "error"), ("error",), ("connection",)),
    budget=one_of(None, None, 0.0, 0.2),
    budget_burst=one_of(1, 10),
)


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Any]:
    """A kind of background work."""
    queries = draw(COUNTS)
    return {
        "cpu_s": draw(laws(0.1)),
        "delay_s": draw(laws(0.3)),
        "queries": queries,
        "query_s": 0.0 if queries == 0 else draw(laws(0.1)),
        "query_wait_s": 0.0 if queries == 0 else draw(laws(0.02)),
        "time_limit_s": draw(one_of(None, 0.2)),
    }


@st.composite
def request_classes(draw: st.DrawFn, *, background: bool) -> dict[str, Any]:
    """A request class that breaks no rule."""
    queries = draw(COUNTS)
    spec = {
        "app_cpu_s": draw(laws(0.1)),
        "delay_s": draw(st.one_of(laws(0.3), laws(0.3), laws(3.0))),
        "queries": queries,
        "query_s": 0.0 if queries == 0 else draw(laws(0.1)),
        "query_wait_s": 0.0 if queries == 0 else draw(laws(0.02)),
        "delay_after_s": draw(laws(0.1)),
        "rejected": draw(one_of(0.0, 0.2)),
        "rejected_status": draw(one_of(403, 500)),
        "read_share": draw(one_of(0.0, 0.5, 1.0)),
        "cached": draw(st.booleans()),
        "task": "mail" if background and draw(st.booleans()) else None,
    }
    if queries != 0 and draw(st.booleans()):
        after = draw(one_of(0, 1)) if queries == 3 else 0
        spec["lock"] = {"name": "rows", "after_queries": after, "hold_s": draw(laws(0.02))}
    return spec


@st.composite
def faults(draw: st.DrawFn, instances: int, *, cache: bool) -> list[dict[str, Any]]:
    """Up to two things that go wrong."""
    at_s = st.floats(0.0, HORIZON_S, exclude_max=True)
    length_s = one_of(0.5, 2.0, 50.0)
    instance = st.integers(1, instances)
    timed = {"at_s": at_s, "duration_s": length_s}
    kinds = [
        keys(
            kind=st.just("slow"),
            station=one_of("app", "database"),
            factor=one_of(0.5, 5.0),
            **timed,
        ),
        keys(kind=st.just("instance-lost"), instance=instance, **timed),
        keys(kind=st.just("restart"), at_s=at_s, boot_time_s=length_s, instance=instance),
        keys(kind=st.just("database-restart"), **timed),
        *([keys(kind=st.just("cache-flush"), at_s=at_s)] if cache else []),
    ]
    return draw(st.lists(st.one_of(kinds), max_size=2))


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """A short load test: users, stages, open arrivals, or both kinds."""
    mixes = one_of({"a": 1.0}, {"b": 1.0}, {"a": 3.0, "b": 1.0})
    spec: dict[str, Any] = {"duration_s": HORIZON_S}
    kind = draw(one_of("users", "stages", "open", "both"))
    if kind != "open":
        names = draw(one_of(["u"], ["u", "v"]))
        user_class = keys(weight=st.floats(0.5, 2.0), think_s=THINKING, tasks=mixes)
        spec["user_classes"] = {name: draw(user_class) for name in names}
    if kind in {"users", "both"}:
        spec["users"] = draw(st.integers(1, 20))
        spec["spawn_rate"] = draw(one_of(None, 0.7, 5.0))
    if kind == "stages":
        spec["stages"] = [
            {"duration_s": 4.0, "users": n, "spawn_rate": draw(one_of(2.0, 50.0))}
            for n in draw(st.tuples(st.integers(1, 12), st.integers(0, 12), st.integers(0, 12)))
        ]
    if kind in {"open", "both"}:
        spec["arrivals"] = {
            "calls": {
                "stages": [{"duration_s": HORIZON_S, "rate": draw(st.floats(0.5, 30.0))}],
                "interarrival": draw(one_of("exponential", "constant")),
                "tasks": draw(mixes),
            }
        }
    timeout_s, retries = draw(one_of(None, None, 0.1, 1.0)), draw(seldom(RETRIES))
    spec["client"] = {"timeout_s": timeout_s, "retries": retries}
    station = draw(one_of(None, None, "app", "database"))
    if station is not None:
        spec["drift"] = {"station": station, "growth": 2.0, "power": 1.5}
    return spec


@st.composite
def databases(draw: st.DrawFn) -> dict[str, Any]:
    """A database and a way to it."""
    spec: dict[str, Any] = {
        "cores": draw(SMALL),
        "contention": draw(one_of(0.0, 0.1)),
        "coherency": draw(one_of(0.0, 0.01)),
        "max_connections": draw(one_of(None, 4, 6, 100)),
        "connection_setup_s": draw(laws(0.1)),
        "access": draw(ACCESSES),
        "pgbouncer": draw(seldom(BOUNCERS)),
        "replicas": draw(seldom(REPLICAS)),
        "statement_timeout_s": draw(one_of(None, None, 0.1)),
        "lock_timeout_s": draw(one_of(None, None, 0.1)),
        "locks": {"rows": draw(LOCKS)},
    }
    if spec["pgbouncer"] and spec["access"]["kind"] == "persistent":
        spec["pgbouncer"] = {**spec["pgbouncer"], "mode": "transaction"}
    return spec


def with_effect(tree: dict[str, Any]) -> dict[str, Any]:
    """A drawn model without what would have no effect in it."""
    server, database, memory = tree["server"], tree["database"], tree["memory"]
    instances = tree["balancer"]["instances"] if tree["balancer"] else 1
    if not server.get("max_requests"):
        server.pop("max_requests_jitter", None)
    if memory:
        _use_memory(memory, server, instances)
    for request in tree["requests"].values():
        if tree["cache"] is None or request["queries"] == 0:
            request["cached"] = False
        if database["replicas"] is None:
            request["read_share"] = 0.0
        elif "lock" in request:
            request["read_share"] = min(0.5, request["read_share"])
    requests = tree["requests"].values()
    if not any(request["cached"] for request in requests):
        tree["cache"] = None
        scenario = tree["scenarios"]["test"]
        scenario["faults"] = [f for f in scenario["faults"] if f["kind"] != "cache-flush"]
    if not any(request["read_share"] for request in requests):
        database["replicas"] = None
    if not any("lock" in request for request in requests):
        database["locks"], database["lock_timeout_s"] = {}, None
    _raise_limits(tree, server.get("workers", 1) * instances)
    return tree


def _use_memory(memory: dict[str, Any], server: dict[str, Any], instances: int) -> None:
    """Have something use an instance's memory, and something that can be killed."""
    if instances > 1:
        memory["per_connection_mb"] = 0
    if not (memory["per_process_mb"] or memory["per_connection_mb"]):
        memory["per_request_mb"] = 20
    if server["kind"] == "development":
        memory["kills"] = "instance"


def _raise_limits(tree: dict[str, Any], processes: int) -> None:
    """Leave a connection for every process that has a pool, and for every Celery worker."""
    database, celery = tree["database"], tree["celery"]
    shares = processes if database["access"].get("scope") == "process" else 1
    bouncer = database["pgbouncer"]
    if bouncer:
        database["pgbouncer"] = bouncer | {
            "max_client_conn": max(shares, bouncer["max_client_conn"])
        }
        shares = 1
    if database["max_connections"] is not None:
        least = RESERVED + shares + (celery["workers"] if celery else 0)
        database["max_connections"] = max(least, database["max_connections"])


@st.composite
def random_models(draw: st.DrawFn) -> Model:
    """A small model with one scenario, `test`."""
    server, balancer, memory = draw(SERVERS), draw(seldom(BALANCERS)), draw(seldom(MEMORY))
    cache, background = draw(seldom(CACHES)), draw(seldom(tasks()))
    if memory:
        processes_mb = server.get("workers", 1) * memory["per_process_mb"]
        limit_mb = memory["base_mb"] + processes_mb + draw(one_of(15, 45, 100, FAR_S))
        memory = {**memory, "limit_mb": limit_mb}
    scenario = draw(scenarios())
    instances = balancer["instances"] if balancer else 1
    scenario["faults"] = draw(faults(instances, cache=cache is not None))
    celery = None
    if background:
        celery = {"workers": draw(SMALL), "cores": draw(SMALL), "tasks": {"mail": background}}
        celery["enqueue_s"] = draw(laws(0.01))
    return Model.model_validate(
        with_effect(
            {
                "name": "random",
                "default_scenario": "test",
                "network": draw(NETWORKS),
                "balancer": balancer,
                "shedding": draw(seldom(SHEDDING)),
                "machine": {"cores": draw(SMALL)},
                "memory": memory,
                "server": server,
                "app": {
                    "error_cpu_s": draw(laws(0.1)),
                    "idle_overhead": draw(one_of(0.0, 0.5)),
                    "switch_interval_s": draw(one_of(0.0, 0.005)),
                    "atomic_requests": draw(st.booleans()),
                },
                "cache": cache,
                "database": draw(databases()),
                "celery": celery,
                "requests": {
                    name: draw(request_classes(background=background is not None)) for name in "ab"
                },
                "scenarios": {"test": scenario},
            }
        )
    )


@pytest.fixture(scope="session")
def models() -> st.SearchStrategy[Model]:
    """Models of every shape."""
    return random_models()
