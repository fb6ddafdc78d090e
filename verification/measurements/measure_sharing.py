"""Who gets the interpreter when it is saturated: python measure_sharing.py, some five minutes.

Some clients of one `runserver` hold the database's last connections and are answered 403 after a
few short queries. All others are refused a connection and get the long debug page. Every client
asks again at once, so all that differs is how the GIL is handed round.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import fmean, quantiles
from typing import TYPE_CHECKING

from processes import HERE, bench_environment, cpu_seconds, free_port, running, wait_for_port
from throwaway_postgres import throwaway_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALL_CLIENTS = (34, 60, 300)  # 17 of them get a connection
SETTLE_S, MEASURED_S = 5.0, 60.0
PREPARE = "import django_site as site; site.prepare_database(); print(site.session_key())"


@dataclass
class Clients:
    """Closed clients without think time, and what they were answered."""

    port: int
    session: str
    answers: list[tuple[float, float, int]] = field(default_factory=list)  # (end, time, status)
    settled: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def add(self) -> None:
        """Start one, and wait until its first answer has come: it has its connection, or none."""
        self.settled.clear()
        threading.Thread(target=self._live_until_the_end, daemon=True).start()
        self.settled.wait()

    def times_s(self, status: int, begin_s: float) -> list[float]:
        """Return how long the answers of a status took that came since `begin_s`."""
        return [t for end, t, code in list(self.answers) if end > begin_s and code == status]

    def _live_until_the_end(self) -> None:
        with suppress(OSError, http.client.HTTPException):  # the server is stopped in the end
            self._live()

    def _live(self) -> None:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        headers = {"Accept": "*/*", "Cookie": f"sessionid={self.session}"}
        while True:
            start_s = time.monotonic()
            client.request("GET", "/forbidden", headers=headers)
            response = client.getresponse()
            response.read()
            end_s = time.monotonic()
            self.answers.append((end_s, end_s - start_s, response.status))
            if not self.go.is_set():
                self.settled.set()
                self.go.wait()


@contextmanager
def served_site() -> Iterator[tuple[int, int, str]]:
    """Run a fresh database and runserver; yield its port, its process and a session."""
    with throwaway_postgres() as postgres:
        port = free_port()
        environment = bench_environment(
            BENCH_DATABASE_PORT=str(postgres.port), BENCH_DEBUG="1", BENCH_KEEP_CONNECTION="1"
        )
        prepare = [sys.executable, "-c", PREPARE]
        done = subprocess.run(
            prepare, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        command = ["django", "runserver", "--noreload", f"127.0.0.1:{port}"]
        with running(command, environment) as server:
            wait_for_port(port)
            yield port, server.pid, done.stdout.split()[-1]


def measure(clients: int) -> dict[str, float]:
    """Return counts and response times by status, in seconds, and the server's CPU use."""
    with served_site() as (port, process_id, session):
        crowd = Clients(port, session)
        for _ in range(clients):
            crowd.add()
        owners = Counter(status for _, _, status in crowd.answers)
        crowd.go.set()
        time.sleep(SETTLE_S)
        begin_s, cpu_s = time.monotonic(), cpu_seconds(process_id)
        time.sleep(MEASURED_S)
        passed_s = time.monotonic() - begin_s
        row = {"clients": clients, "connected": owners[403]}
        row["cpu_utilisation"] = (cpu_seconds(process_id) - cpu_s) / passed_s
        for status in (403, 500):
            row |= summary(f"http_{status}", crowd.times_s(status, begin_s))
    row["ratio_of_means"] = row["http_403_mean_s"] / row["http_500_mean_s"]
    return row


def summary(name: str, times_s: list[float]) -> dict[str, float]:
    """Return how many, and the mean, median and 95th percentile."""
    cuts = quantiles(times_s, n=20)
    return {
        f"{name}_answers": len(times_s),
        f"{name}_mean_s": fmean(times_s),
        f"{name}_p50_s": cuts[9],
        f"{name}_p95_s": cuts[18],
    }


def toml(rows: list[Mapping[str, float]]) -> str:
    """Write the rows as an array of tables."""
    lines = ["# Written by measure_sharing.py; all durations are in seconds."]
    for row in rows:
        lines += ["", "[[runs]]"]
        lines += [f"{key} = {value:.4g}" for key, value in row.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every number of clients and write sharing.toml."""
    rows = []
    for clients in ALL_CLIENTS:
        print(f"{clients} clients ...", file=sys.stderr, flush=True)
        rows.append(measure(clients))
    text = toml(rows)
    (HERE / "sharing.toml").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
