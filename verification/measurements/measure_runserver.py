"""The same Django requests over real HTTP, to check the in-process figures.

The CPU time is that of the whole server process, read from the kernel before
and after each batch; so it also holds the socket, thread and HTTP parsing work.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django_site import REST_HEADERS
from figures import Figure, summarise
from processes import (
    MEASURED_CORE,
    bench_environment,
    cpu_seconds,
    free_port,
    pin,
    running,
    wait_for_port,
)
from throwaway_postgres import Postgres, all_slots_taken

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCHES = 12


@dataclass(frozen=True)
class Case:
    """One kind of request; batches are long, as the kernel counts in 10 ms."""

    name: str
    path: str
    status: int
    batch: int
    headers: dict[str, str]


OPEN_CASES = (
    Case("minimal", "/minimal", 200, 200, {}),
    Case("debug_404", "/no/such/page", 404, 100, {}),
    Case("atomic_new_connection", "/atomic", 200, 50, {}),
)
REFUSED_CASES = (
    Case("debug_500", "/atomic", 500, 25, {}),
    Case("debug_500_text", "/atomic", 500, 50, {"Accept": REST_HEADERS["HTTP_ACCEPT"]}),
)


def fetch(port: int, case: Case) -> None:
    """Make one request on a connection of its own and check its status."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("GET", case.path, headers={"Accept": "*/*", **case.headers})
    response = client.getresponse()
    response.read()
    client.close()
    if response.status != case.status:
        raise AssertionError(f"{case.path}: {response.status}")


def time_batch(case: Case, port: int, process_id: int) -> float:
    """Return the server's mean CPU seconds per request over one batch."""
    start_s = cpu_seconds(process_id)
    for _ in range(case.batch):
        fetch(port, case)
    return (cpu_seconds(process_id) - start_s) / case.batch


def measure_cases(cases: Sequence[Case], port: int, process_id: int) -> list[Figure]:
    """Time the batches of all cases in turn and sum them up."""
    turns = [[time_batch(case, port, process_id) for case in cases] for _ in range(BATCHES + 1)]
    figures = []
    # The first turn warms the server up and is thrown away.
    for case, samples_s in zip(cases, zip(*turns[1:], strict=True), strict=True):
        note = f"server process over HTTP; mean of {case.batch} per repetition"
        figures.append(summarise(f"runserver_{case.name}_cpu", samples_s, note))
    return figures


def run(postgres: Postgres) -> list[Figure]:
    """Measure all cases against one runserver; its tables must exist."""
    port = free_port()
    environment = bench_environment(BENCH_DATABASE_PORT=str(postgres.port), BENCH_DEBUG="1")
    command = ["django", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with running(command, environment) as server:
        wait_for_port(port)
        pin(server.pid, MEASURED_CORE)
        figures = measure_cases(OPEN_CASES, port, server.pid)
        with all_slots_taken(postgres.address()):
            figures += measure_cases(REFUSED_CASES, port, server.pid)
    return figures
