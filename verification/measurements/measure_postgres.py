"""What PostgreSQL costs its client: connections, statements and refusals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import psycopg
from figures import Case, Figure, measure_in_turn, summarise
from processes import cpu_seconds
from throwaway_postgres import Postgres, all_slots_taken, ordinary_slots_taken

if TYPE_CHECKING:
    from collections.abc import Callable

REPETITIONS = 400
BATCHES, BATCH = 10, 50
ROWS = 1000


def close(connection: psycopg.Connection) -> None:
    """Close a connection outside the timed stretch."""
    connection.close()


def connect_and_close(address: str) -> None:
    """Open a connection and close it again."""
    psycopg.connect(address).close()


def measure_connects(postgres: Postgres) -> list[Figure]:
    """Time setting up a connection, with and without a password exchange."""
    cases, server_figures = [], []
    for kind, user in (("scram", "bench"), ("trust", "bench_trust")):
        connect = partial(psycopg.connect, postgres.address(user))
        open_and_close = partial(connect_and_close, postgres.address(user))
        note = f"psycopg.connect, loopback TCP, no TLS, {kind}; cpu is the client's"
        cases.append(Case(f"postgres_connect_{kind}", note, connect, close))
        server_figures.append(server_cost(f"connect_{kind}", postgres, open_and_close))
    return measure_in_turn(cases, REPETITIONS) + server_figures


def server_cost(name: str, postgres: Postgres, action: Callable[[], object]) -> Figure:
    """Find the server's own CPU seconds for one connection, from fork to exit."""
    samples_s = []
    for _ in range(BATCHES):
        start_s = cpu_seconds(postgres.process_id, with_ended_children=True)
        for _ in range(BATCH):
            action()
        end_s = cpu_seconds(postgres.process_id, with_ended_children=True)
        samples_s.append((end_s - start_s) / BATCH)
    note = f"server processes, fork to exit; mean of {BATCH} per repetition"
    return summarise(f"postgres_server_{name}_cpu", samples_s, note)


def create_items(connection: psycopg.Connection) -> None:
    """Fill a small table that stays in memory."""
    connection.execute("CREATE TABLE item (id bigserial PRIMARY KEY, label text)")
    connection.execute(
        "INSERT INTO item (label) SELECT 'item ' || n FROM generate_series(1, %s) n",
        [ROWS],
    )


def measure_statements(postgres: Postgres) -> list[Figure]:
    """Time a read by key and a committed write on an open connection."""
    # Django prepares no statements, so neither do we.
    with psycopg.connect(postgres.address(), autocommit=True, prepare_threshold=None) as connection:
        create_items(connection)
        figures = measure_select(connection)
        figures += measure_insert(connection, "flushed", "commit waits for the disk")
        connection.execute("SET synchronous_commit = off")
        figures += measure_insert(connection, "unflushed", "synchronous_commit off")
    return figures


def measure_select(connection: psycopg.Connection) -> list[Figure]:
    """Time one SELECT by primary key."""
    query = "SELECT id, label FROM item WHERE id = %s"
    case = Case(
        "postgres_select",
        "SELECT by primary key, one row, open connection",
        lambda: connection.execute(query, [ROWS // 2]).fetchone(),
    )
    return measure_in_turn([case], REPETITIONS * 5)


def measure_insert(connection: psycopg.Connection, kind: str, note: str) -> list[Figure]:
    """Time one INSERT with its COMMIT, in one round trip."""
    case = Case(
        f"postgres_insert_{kind}",
        f"INSERT, autocommitted; {note}",
        lambda: connection.execute("INSERT INTO item (label) VALUES (%s)", ["new"]),
    )
    return measure_in_turn([case], REPETITIONS)


def measure_refusal(name: str, postgres: Postgres, expected: str) -> list[Figure]:
    """Time a connection attempt that the server turns down."""

    def refused() -> str:
        try:
            psycopg.connect(postgres.address())
        except psycopg.OperationalError as error:
            return str(error)
        raise AssertionError("the connection was not refused")

    if expected not in refused():
        raise AssertionError("refused for another reason")
    note = f"psycopg.connect refused: {expected}; cpu is the client's"
    case = Case(f"postgres_refused_{name}", note, refused)
    figures = measure_in_turn([case], REPETITIONS)
    return [*figures, server_cost(f"refused_{name}", postgres, refused)]


def run(postgres: Postgres) -> list[Figure]:
    """Measure connections, statements and both kinds of refusal."""
    figures = measure_connects(postgres) + measure_statements(postgres)
    address = postgres.address()
    # Reserved slots refuse after the password exchange, full ones before it.
    with ordinary_slots_taken(address):
        figures += measure_refusal("reserved", postgres, "connection slots are reserved")
    with all_slots_taken(address):
        figures += measure_refusal("too_many", postgres, "too many clients already")
    return figures
