"""Starts the stack of a load test on loopback: PostgreSQL, gunicorn, Django."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import psycopg
import shared_scripts
import throwaway_postgres
from processes import bench_environment, free_port, running, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from load_tests import LoadTest, Server
    from throwaway_postgres import Postgres

MAX_CONNECTIONS = 100  # PostgreSQL's default


@contextmanager
def database() -> Iterator[Postgres]:
    """Run a throw-away PostgreSQL with the hot row in it."""
    throwaway_postgres.MAX_CONNECTIONS = MAX_CONNECTIONS
    with throwaway_postgres.throwaway_postgres() as postgres:
        # Nothing here needs a core of its own: let the scheduler choose.
        os.sched_setaffinity(postgres.process_id, os.sched_getaffinity(0))
        with psycopg.connect(postgres.address(), autocommit=True) as connection:
            connection.execute("CREATE TABLE hot (id int PRIMARY KEY, hits int)")
            connection.execute("INSERT INTO hot VALUES (1, 0)")
        yield postgres


@contextmanager
def served(test: LoadTest, postgres: Postgres) -> Iterator[int]:
    """Run gunicorn as a test wants it, every worker warm; yield its port."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        options = (
            f"-c lock_timeout={round(test.lock_timeout_s * 1000)}"
            f" -c statement_timeout={round(test.statement_timeout_s * 1000)}"
        )
        environment = bench_environment(
            HOME=folder,
            PYTHONPATH=str(shared_scripts.HERE),
            DJANGO_SETTINGS_MODULE="load_settings",
            LOAD_DATABASE_PORT=str(postgres.port),
            LOAD_POOL_SIZE=str(test.pool_size),
            LOAD_POOL_TIMEOUT_S=str(test.pool_timeout_s),
            LOAD_DATABASE_OPTIONS=options,
        )
        with running(gunicorn_command(test.server, port), environment):
            wait_for_port(port)
            uses_database = any(task.query_s or task.hold_s for task in test.tasks.values())
            warm_up(port, test.server, "query" if uses_database else "wait")
            yield port


def gunicorn_command(server: Server, port: int) -> list[str]:
    """Write the server's settings as gunicorn's options."""
    settings = {
        "bind": f"127.0.0.1:{port}",
        "worker-class": server.kind,
        "workers": server.workers,
        "threads": server.threads,
        "timeout": server.timeout_s,
        "backlog": server.backlog,
        "max-requests": server.max_requests,
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    return ["gunicorn", *options, "django.core.wsgi:get_wsgi_application()"]


def fetch(port: int, address: str) -> str:
    """Make one request on a connection of its own and return the body of the answer."""
    client = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request("GET", address)
        return client.getresponse().read().decode()
    finally:
        client.close()


def warm_up(port: int, server: Server, part: str) -> None:
    """Ask until every worker has answered, so that all are booted and their pools are open."""
    places = server.workers * server.threads
    address = f"/work?{part}=0.05"
    seen: set[str] = set()
    with ThreadPoolExecutor(places) as clients:
        for _ in range(20):
            seen |= set(clients.map(lambda _: fetch(port, address), range(places)))
            if len(seen) >= server.workers:
                return
    raise AssertionError(f"{len(seen)} of {server.workers} workers answered")
