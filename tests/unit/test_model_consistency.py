"""A key that would have no effect beside the others is refused: none is ignored in silence."""

from typing import Any

import pytest

from capsim.errors import InputError
from capsim.model.template import Template, parse_template
from capsim.model.toml import overlaid

LOCK = {"name": "stock"}
GOOD: dict[str, Any] = {
    "name": "x",
    "default_scenario": "s",
    "server": {"kind": "gunicorn-sync", "workers": 4},
    "requests": {"a": {"queries": 2, "query_s": 0.01}, "b": {"delay_s": 0.1}},
    "scenarios": {
        "s": {
            "duration_s": 10,
            "users": 3,
            "user_classes": {"u": {"think_s": 1, "tasks": {"a": 1}}},
        }
    },
}
CELERY = {"workers": 5, "tasks": {"mail": {}}}
PROCESS_POOL = {"kind": "pool", "size": 5}


def of_a(**spec: object) -> dict[str, Any]:
    """A change of the request class that makes queries."""
    return {"requests": {"a": spec}}


def of_database(**spec: object) -> dict[str, Any]:
    """A change of the database."""
    return {"database": spec}


def of_client(**spec: object) -> dict[str, Any]:
    """A change of the client's retries."""
    return {"scenarios": {"s": {"client": {"retries": {"attempts": 2, **spec}}}}}


def of_memory(**spec: object) -> dict[str, Any]:
    """A limit of memory, and what uses it."""
    return {"memory": {"limit_mb": 1000, **spec}}


def fault_at(at_s: float) -> dict[str, Any]:
    """A load test with a fault."""
    faults = [{"kind": "database-restart", "at_s": at_s, "duration_s": 1}]
    return {"scenarios": {"s": {"faults": faults}}}


def read(*changes: dict[str, Any]) -> Template:
    """Check the good model with changes laid over it."""
    tree = GOOD
    for change in changes:
        tree = overlaid(tree, change)
    return parse_template(tree, "m.toml")


CACHE, REPLICAS = {"cache": {"hit_ratio": 0.5}}, of_database(replicas={"count": 2})
LOCKS, DEVELOPMENT = of_database(locks={"stock": {}}), {"server": {"kind": "development"}}
TWO = {"balancer": {"instances": 2}}

# What is wrong, the line without the file's name, and a change that makes it right.
WRONG: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    (
        of_a(cached=True),
        "requests.a.cached = true: there is no cache; add [cache], or remove it",
        CACHE,
    ),
    (
        {**CACHE, "requests": {"b": {"cached": True}}},
        (
            "requests.b.cached = true: a cache saves queries, and there are none; "
            "set queries, or remove it"
        ),
        {"requests": {"b": {"queries": 1}}},
    ),
    (
        CACHE,
        (
            "cache.hit_ratio = 0.5: no request class asks the cache; "
            "set cached = true in one, or remove [cache]"
        ),
        of_a(cached=True),
    ),
    (
        of_a(read_share=0.5),
        "requests.a.read_share = 0.5: there is no replica; add [database.replicas], or remove it",
        REPLICAS,
    ),
    (
        REPLICAS,
        (
            "database.replicas.count = 2: no request class reads from a replica; "
            "set read_share in one, or remove [database.replicas]"
        ),
        of_a(read_share=0.5),
    ),
    (
        overlaid(overlaid(REPLICAS, LOCKS), of_a(read_share=1, lock=LOCK)),
        "requests.a.read_share = 1: who writes nothing takes no lock; lower it, or remove lock",
        of_a(read_share=0.9),
    ),
    (
        LOCKS,
        (
            "database.locks.stock: no request class takes it; "
            'set lock = { name = "stock" } in one, or remove it'
        ),
        of_a(lock=LOCK),
    ),
    (
        of_database(lock_timeout_s=2),
        (
            "database.lock_timeout_s = 2: there is no lock to wait for; "
            "add one to [database.locks], or remove it"
        ),
        overlaid(LOCKS, of_a(lock=LOCK)),
    ),
    (
        fault_at(10),
        (
            "scenarios.s.faults.0.at_s = 10: the test is over after 10 s; "
            "choose an earlier time, or remove the fault"
        ),
        fault_at(9.9),
    ),
    (
        of_client(budget_burst=5),
        (
            "scenarios.s.client.retries.budget_burst = 5: there is no budget; "
            "set budget, or remove it"
        ),
        of_client(budget=0.1),
    ),
    (
        of_client(budget_burst=10),  # also where it is the default
        (
            "scenarios.s.client.retries.budget_burst = 10: there is no budget; "
            "set budget, or remove it"
        ),
        of_client(budget=0.0),
    ),
    (
        {"server": {"max_requests_jitter": 5}},
        (
            "server.max_requests_jitter = 5: max_requests = 0 replaces no worker; "
            "set max_requests, or remove it"
        ),
        {"server": {"max_requests": 100}},
    ),
    (
        {**TWO, **of_memory(per_process_mb=10, per_connection_mb=5)},
        (
            "memory.per_connection_mb = 5: the database of 2 instances is on none of their "
            "machines; remove it"
        ),
        {"balancer": {"instances": 1}},
    ),
    (
        of_memory(base_mb=100),
        (
            "memory.limit_mb = 1000: nothing uses any memory; set per_process_mb, per_request_mb "
            "or per_connection_mb, or remove [memory]"
        ),
        of_memory(per_request_mb=1),
    ),
    (
        {**DEVELOPMENT, **of_memory(per_request_mb=1)},
        (
            "memory.kills = 'process': the development server is one process; "
            'set kills = "instance"'
        ),
        of_memory(kills="instance"),
    ),
    (
        {"celery": CELERY, **of_database(max_connections=8, access={"kind": "per-request"})},
        (
            "celery.workers = 5: each keeps a connection, of 5 that clients can have; "
            "start fewer, or raise database.max_connections"
        ),
        of_database(max_connections=9),
    ),
    (
        {**TWO, **of_database(max_connections=10, access=PROCESS_POOL)},
        (
            "database.max_connections = 10: leaves 7 for the pools of 8 processes, which need one "
            'each; raise it, start fewer, or set database.access.scope = "system"'
        ),
        of_database(max_connections=11),
    ),
    (
        {"celery": CELERY, **of_database(max_connections=11, access=PROCESS_POOL)},
        (
            "database.max_connections = 11: leaves 3 for the pools of 4 processes, which need one "
            'each; raise it, start fewer, or set database.access.scope = "system"'
        ),
        of_database(access={"scope": "system"}),
    ),
    (
        of_database(pgbouncer={"max_client_conn": 3}, access=PROCESS_POOL, max_connections=5),
        (
            "database.pgbouncer.max_client_conn = 3: leaves 3 for the pools of 4 processes, which "
            'need one each; raise it, start fewer, or set database.access.scope = "system"'
        ),
        of_database(pgbouncer={"max_client_conn": 4}),
    ),
    (
        {"requests": {"replication": {"delay_s": 1}}},
        "requests.replication: is what results call work in the background; rename it",
        {},
    ),
    (
        {"requests": {"task mail": {"delay_s": 1}}},
        "requests.task mail: is what results call work in the background; rename it",
        {},
    ),
]


@pytest.mark.parametrize(
    ("wrong", "line", "remedy"), WRONG, ids=[line.split(":")[0] for _, line, _ in WRONG]
)
def test_a_key_without_effect_is_refused(
    wrong: dict[str, Any], line: str, remedy: dict[str, Any]
) -> None:
    """The line names key, value, rule and remedy; the remedy works."""
    with pytest.raises(InputError) as caught:
        read(wrong)
    assert str(caught.value) == f"m.toml: {line}"
    if remedy:
        read(wrong, remedy)


@pytest.mark.parametrize(
    "change",
    [
        {**DEVELOPMENT, **of_database(max_connections=4, access=PROCESS_POOL)},
        of_database(max_connections=4, access={"kind": "persistent"}),
        {"requests": {"tasks": {"delay_s": 1}, "replications": {"delay_s": 1}}},
        {"server": {"max_requests_jitter": 0}},
        {"balancer": {"instances": 3}, **of_memory(per_process_mb=10)},
    ],
    ids=["one process", "no pool", "similar names", "no jitter", "processes only"],
)
def test_what_has_an_effect_is_accepted(change: dict[str, Any]) -> None:
    """The rules refuse nothing beside what they are about."""
    assert read(change).bind({}).name == "x"


def test_a_change_on_the_command_line_is_held_to_the_same_rules() -> None:
    """A value that is set for one command is checked as if the file had it."""
    with pytest.raises(InputError, match=r"requests\.a\.read_share = 0\.5: there is no replica"):
        read().replace("requests.a.read_share", 0.5)


def test_a_model_that_is_read_back_keeps_its_meaning() -> None:
    """A dump names every key; a burst beside no budget is then nobody's mistake."""
    model = read(of_client()).bind({})
    assert type(model).model_validate(model.model_dump()) == model
    assert type(model).model_validate(model.model_dump(mode="json")) == model
