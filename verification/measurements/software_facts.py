"""Versions of the measured software, and the defaults it ships with."""

from __future__ import annotations

import inspect
import os
import platform
from importlib.metadata import version
from socketserver import TCPServer
from typing import TYPE_CHECKING

import psycopg
from django.core.servers.basehttp import WSGIServer
from gunicorn.config import KNOWN_SETTINGS
from psycopg_pool import ConnectionPool

if TYPE_CHECKING:
    from figures import Value
    from throwaway_postgres import Postgres

PACKAGES = ("Django", "djangorestframework", "gunicorn", "psycopg", "psycopg-pool")
GUNICORN_SETTINGS = (
    "timeout",
    "graceful_timeout",
    "backlog",
    "keepalive",
    "worker_connections",
    "threads",
    "workers",
    "worker_class",
    "max_requests",
    "preload_app",
)
POOL_SETTINGS = ("min_size", "max_size", "timeout", "max_waiting", "num_workers")
POSTGRES_SETTINGS = ("max_connections", "superuser_reserved_connections")


def software() -> dict[str, Value]:
    """Name the version of everything that was measured."""
    versions: dict[str, Value] = {"python": platform.python_version()}
    versions |= {package.lower(): version(package) for package in PACKAGES}
    return versions


def postgres_facts(postgres: Postgres) -> tuple[str, dict[str, Value]]:
    """Ask the server for its version and its built-in defaults."""
    query = "SELECT name, boot_val::int FROM pg_settings WHERE name = ANY(%s)"
    with psycopg.connect(postgres.address()) as connection:
        rows = connection.execute(query, [list(POSTGRES_SETTINGS)]).fetchall()
        version_row = connection.execute("SHOW server_version").fetchone()
    assert version_row is not None
    facts = {f"postgres_{name}": value for name, value in sorted(rows)}
    return version_row[0].split()[0], facts


def pool_defaults() -> dict[str, Value]:
    """Read the pool's defaults off its signature; None is written as text."""
    parameters = inspect.signature(ConnectionPool.__init__).parameters
    found = {name: parameters[name].default for name in POOL_SETTINGS}
    # An unset maximum means a pool of fixed size: the minimum.
    found["max_size"] = found["max_size"] or found["min_size"]
    return {f"psycopg_pool_{name}": value for name, value in found.items()}


def gunicorn_defaults() -> dict[str, Value]:
    """Read gunicorn's defaults off its own list of settings."""
    found = {setting.name: setting.default for setting in KNOWN_SETTINGS}
    return {f"gunicorn_{name}": found[name] for name in GUNICORN_SETTINGS}


def facts(postgres: Postgres) -> dict[str, dict[str, Value]]:
    """Collect the tables of facts for the figures file."""
    server_version, server_defaults = postgres_facts(postgres)
    defaults = gunicorn_defaults() | pool_defaults() | server_defaults
    defaults["django_request_queue_size"] = WSGIServer.request_queue_size
    defaults["socketserver_request_queue_size"] = TCPServer.request_queue_size
    return {
        "machine": {"cores": os.cpu_count() or 1},
        "software": software() | {"postgresql": server_version},
        "defaults": defaults,
    }
