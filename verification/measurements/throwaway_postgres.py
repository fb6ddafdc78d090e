"""A PostgreSQL server in a temporary folder, and ways to use up its slots."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

import psycopg
from processes import SERVER_CORE, free_port, pin, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DEBIAN_FOLDER = "/usr/lib/postgresql/15/bin"
MAX_CONNECTIONS = 20
PASSWORD = "bench"
ACCESS_RULES = """\
host all postgres 127.0.0.1/32 trust
host all bench_trust 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""
SETUP_STATEMENTS = (
    f"CREATE ROLE bench LOGIN PASSWORD '{PASSWORD}'",
    "CREATE ROLE bench_trust LOGIN",
    "CREATE DATABASE bench OWNER bench",
)


@dataclass(frozen=True)
class Postgres:
    """Where the throw-away server listens, and its main process."""

    port: int
    process_id: int

    def address(self, user: str = "bench") -> str:
        """Return the connection string of one of the roles."""
        # A numeric host: a name that resolves twice would be tried twice.
        return f"host=127.0.0.1 port={self.port} dbname=bench user={user} password={PASSWORD}"


def binary(name: str) -> str:
    """Find a PostgreSQL program on PATH or in Debian's folder."""
    found = shutil.which(name) or shutil.which(name, path=DEBIAN_FOLDER)
    if found is None:
        raise FileNotFoundError(f"PostgreSQL program not found: {name}")
    return found


def identity() -> dict[str, Any]:
    """Choose the user to run as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def create_cluster(folder: Path) -> Path:
    """Lay out a new data folder with our access rules."""
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    command = [binary("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **identity())
    (data / "pg_hba.conf").write_text(ACCESS_RULES, encoding="ascii")
    return data


def start(data: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the server; everything not named here is PostgreSQL's default."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": str(MAX_CONNECTIONS),
        # Django asks for UTC; a server already in UTC spares it a statement.
        "timezone": "UTC",
    }
    options = [part for pair in settings.items() for part in ("-c", "=".join(pair))]
    command = [binary("postgres"), "-D", str(data), "-p", str(port), *options]
    return subprocess.Popen(command, cwd=data, stderr=subprocess.DEVNULL, **identity())


@contextmanager
def throwaway_postgres() -> Iterator[Postgres]:
    """Run a fresh server with roles and database, and remove it at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        port = free_port()
        process = start(create_cluster(Path(folder)), port)
        try:
            wait_for_port(port)
            pin(process.pid, SERVER_CORE)
            create_roles(port)
            yield Postgres(port, process.pid)
        finally:
            # SIGINT is PostgreSQL's "fast" shutdown: it drops its clients.
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def create_roles(port: int) -> None:
    """Create the roles and the database the measurements use."""
    address = f"host=127.0.0.1 port={port} dbname=postgres user=postgres"
    for attempt in range(20):
        try:
            connection = psycopg.connect(address, autocommit=True)
            break
        except psycopg.OperationalError:
            # The port opens a little before the server takes sessions.
            if attempt == 19:
                raise
            sleep(0.2)
    with connection:
        for statement in SETUP_STATEMENTS:
            connection.execute(statement)


def take_slots(address: str, stack: ExitStack) -> str:
    """Open connections until refused for good; return the last refusal."""
    refusal, refusals = "", 0
    while refusals < 3:
        try:
            stack.enter_context(psycopg.connect(address))
            refusals = 0
        except psycopg.OperationalError as error:
            # A closing backend frees its slot a little later: look again.
            refusal, refusals = str(error), refusals + 1
            sleep(0.2)
    return refusal


@contextmanager
def ordinary_slots_taken(address: str) -> Iterator[str]:
    """Leave only the slots reserved for superusers."""
    with ExitStack() as stack:
        yield take_slots(address, stack)


@contextmanager
def all_slots_taken(address: str) -> Iterator[str]:
    """Take every slot, the reserved ones too, so that all are refused."""
    with ExitStack() as stack:
        take_slots(address, stack)
        superuser = address.replace("user=bench", "user=postgres")
        yield take_slots(superuser, stack)
