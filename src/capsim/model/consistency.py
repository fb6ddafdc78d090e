"""Keys that would have no effect beside the others: each is named, and none is ignored in silence.

Every function takes the parts of a model that it compares, and yields what is wrong with them.
"""

from collections.abc import Iterator, Mapping

from capsim.model.cache import Cache
from capsim.model.celery import Celery
from capsim.model.database import Database, Pool
from capsim.model.memory import Memory
from capsim.model.server import DevelopmentServer, Gunicorn, Server
from capsim.model.workload import RequestClass, Scenario

Requests = Mapping[str, RequestClass]
Problems = Iterator[str]

_REPLICATION, _TASK = "replication", "task "  # what results call work that no client waits for


def names(requests: Requests) -> Problems:
    """No request class is called what results call background work."""
    for name in requests:
        if name == _REPLICATION or name.startswith(_TASK):
            yield f"requests.{name}: is what results call work in the background; rename it"


def cache_use(cache: Cache | None, requests: Requests) -> Problems:
    """Who asks a cache has one, and something to ask for; a cache has somebody who asks."""
    for name, request in requests.items():
        if request.cached and cache is None:
            yield f"requests.{name}.cached = true: there is no cache; add [cache], or remove it"
        elif request.cached and not request.uses_database:
            yield (
                f"requests.{name}.cached = true: a cache saves queries, and there are none; "
                "set queries, or remove it"
            )
    if cache is not None and not any(request.cached for request in requests.values()):
        yield (
            f"cache.hit_ratio = {cache.hit_ratio:g}: no request class asks the cache; "
            "set cached = true in one, or remove [cache]"
        )


def replica_use(database: Database, requests: Requests) -> Problems:
    """Who reads from replicas has some, and takes no lock there; replicas have somebody who reads.

    A request of which every query may go to a replica writes nothing, so it locks nothing either.
    """
    replicas = database.replicas
    for name, request in requests.items():
        key = f"requests.{name}.read_share = {request.read_share:g}"
        if request.read_share > 0 and replicas is None:
            yield f"{key}: there is no replica; add [database.replicas], or remove it"
        if request.read_share == 1 and request.lock is not None:
            yield f"{key}: who writes nothing takes no lock; lower it, or remove lock"
    if replicas is not None and not any(r.read_share > 0 for r in requests.values()):
        yield (
            f"database.replicas.count = {replicas.count}: no request class reads from a replica; "
            "set read_share in one, or remove [database.replicas]"
        )


def lock_use(database: Database, requests: Requests) -> Problems:
    """A lock has somebody who takes it, and a lock timeout has locks to wait for."""
    taken = {request.lock.name for request in requests.values() if request.lock is not None}
    for name in database.locks:
        if name not in taken:
            yield (
                f"database.locks.{name}: no request class takes it; "
                f'set lock = {{ name = "{name}" }} in one, or remove it'
            )
    if database.lock_timeout_s is not None and not database.locks:
        yield (
            f"database.lock_timeout_s = {database.lock_timeout_s:g}: there is no lock to wait for; "
            "add one to [database.locks], or remove it"
        )


def fault_times(scenarios: Mapping[str, Scenario]) -> Problems:
    """A fault happens before its test is over."""
    for name, scenario in scenarios.items():
        for number, fault in enumerate(scenario.faults):
            if fault.at_s >= scenario.duration_s:
                yield (
                    f"scenarios.{name}.faults.{number}.at_s = {fault.at_s:g}: the test is over "
                    f"after {scenario.duration_s:g} s; choose an earlier time, or remove the fault"
                )


def retry_budgets(scenarios: Mapping[str, Scenario]) -> Problems:
    """A retry budget's burst belongs to a budget."""
    for name, scenario in scenarios.items():
        retries = scenario.client.retries
        given = set() if retries is None else retries.model_fields_set
        # A file cannot write that there is no budget; a model that is read back says so.
        if retries is not None and "budget_burst" in given and "budget" not in given:
            yield (
                f"scenarios.{name}.client.retries.budget_burst = {retries.budget_burst}: "
                "there is no budget; set budget, or remove it"
            )


def replacement(server: Server) -> Problems:
    """A worker that is never replaced has no jitter in when it is."""
    if isinstance(server, Gunicorn) and server.max_requests_jitter and not server.max_requests:
        yield (
            f"server.max_requests_jitter = {server.max_requests_jitter}: max_requests = 0 replaces "
            "no worker; set max_requests, or remove it"
        )


def memory_use(memory: Memory | None, server: Server, instances: int) -> Problems:
    """Something on the instance's machine uses its memory, and what is killed can be."""
    if memory is None:
        return
    if memory.per_connection_mb and instances > 1:
        yield (
            f"memory.per_connection_mb = {memory.per_connection_mb:g}: the database of "
            f"{instances} instances is on none of their machines; remove it"
        )
    if not (memory.per_process_mb or memory.per_request_mb or memory.per_connection_mb):
        yield (
            f"memory.limit_mb = {memory.limit_mb:g}: nothing uses any memory; set per_process_mb, "
            "per_request_mb or per_connection_mb, or remove [memory]"
        )
    if memory.kills == "process" and isinstance(server, DevelopmentServer):
        yield (
            f"memory.kills = {memory.kills!r}: the development server is one process; "
            'set kills = "instance"'
        )


def connection_shares(
    database: Database, celery: Celery | None, server: Server, instances: int
) -> Problems:
    """The database has connections for more than Celery, and one for each process with a pool."""
    usable, kept = database.usable_connections, celery.workers if celery else 0
    if usable is not None and kept >= usable:
        yield (
            f"celery.workers = {kept}: each keeps a connection, of {usable} that clients can have; "
            "start fewer, or raise database.max_connections"
        )
    processes = getattr(server, "workers", 1) * instances
    if not isinstance(database.access, Pool) or database.access.scope != "process":
        return
    if database.pgbouncer is not None:
        key, limit = "database.pgbouncer.max_client_conn", database.pgbouncer.max_client_conn
        left = limit
    elif database.max_connections is not None and usable is not None:
        key, limit, left = "database.max_connections", database.max_connections, usable - kept
    else:
        return
    if left < processes:
        yield (
            f"{key} = {limit}: leaves {left} for the pools of {processes} processes, which need "
            'one each; raise it, start fewer, or set database.access.scope = "system"'
        )
