"""Facts that load tests alone do not show: backlog, SYN retries, kills, boots, order of locks."""

from __future__ import annotations

import errno
import http.client
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import psycopg
from load_generator import generate
from load_tests import LoadTest, Server, constant, wait
from stack import fetch, served
from summary import by_worker

if TYPE_CHECKING:
    from throwaway_postgres import Postgres

BACKLOG = 5
WATCH_S = 20.0
KILLS = 8
BOOTS = 15
ROUNDS = 10
WAITERS = 8
HOLD_S = 0.03
CONNECTIONS = 44
SPLITS = 10
PAUSES_S = {"one_by_one": 0.0, "every_5_ms": 0.005, "every_50_ms": 0.05}
# Offset of the number of retransmissions in the kernel's struct tcp_info.
RETRANSMITS = 2


def stack_of(server: Server) -> LoadTest:
    """Return a test that only says which server to start."""
    return LoadTest(1, constant(0), server, wait(constant(0.1)), duration_s=2.0)


def begin_connect(port: int) -> socket.socket:
    """Send a SYN and do not wait for the answer."""
    client = socket.socket()
    client.settimeout(0)
    if client.connect_ex(("127.0.0.1", port)) not in {0, errno.EINPROGRESS}:
        raise AssertionError("the connection was refused")
    return client


def connected(client: socket.socket) -> bool:
    """Tell whether the handshake is done."""
    with suppress(OSError):
        client.getpeername()
        return True
    return False


def accept_queue(port: int) -> int:
    """Read how many connections wait to be accepted, from the kernel's table of sockets."""
    local = f"0100007F:{port:04X}"
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines():
        fields = line.split()
        if fields[1] == local and fields[3] == "0A":
            return int(fields[4].split(":")[1], 16)
    raise AssertionError("nobody listens")


def probe_backlog(postgres: Postgres) -> dict[str, Any]:
    """Fill the backlog behind one busy worker; watch when the connection too many is retried."""
    server = Server("sync", 1, backlog=BACKLOG)
    with ExitStack() as stack, suppress(OSError, http.client.HTTPException):
        port = stack.enter_context(served(stack_of(server), postgres))
        busy = threading.Thread(target=give_up_quietly, args=(port, "/work?wait=60"), daemon=True)
        busy.start()
        time.sleep(0.5)
        clients = []
        for _ in range(BACKLOG + 4):
            clients.append(stack.enter_context(begin_connect(port)))
            time.sleep(0.05)
        fits = sum(connected(client) for client in clients)
        late = clients[-1]
        begin_s, seen, retries_s = time.monotonic(), 0, []
        while (passed_s := time.monotonic() - begin_s) < WATCH_S:
            info = late.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
            if info[RETRANSMITS] != seen:
                seen = info[RETRANSMITS]
                retries_s.append(round(passed_s, 1))
            time.sleep(0.005)
        queued = accept_queue(port)
        return {"backlog": BACKLOG, "fits": fits, "queued": queued, "retries_s": retries_s}
    raise AssertionError("the probe failed")


def give_up_quietly(port: int, address: str) -> None:
    """Make a request whose fate does not matter."""
    with suppress(OSError, http.client.HTTPException):
        fetch(port, address)


def probe_kills(postgres: Postgres) -> dict[str, Any]:
    """Let gunicorn's timeout stop a worker, asleep in Python and asleep in a query."""
    limit_s = 3
    rows: dict[str, Any] = {"timeout_s": limit_s}
    with served(stack_of(Server("sync", 1, timeout_s=limit_s)), postgres) as port:
        for part in ("wait", "query"):
            ended_s, away_s, seen = [], [], set()
            for number in range(KILLS):
                time.sleep(number / KILLS)  # the arbiter looks once a second: meet it anywhere
                begin_s = time.monotonic()
                seen.add(fate(port, f"/work?{part}=20"))
                ended_s.append(time.monotonic() - begin_s)
                fetch(port, "/work")
                away_s.append(time.monotonic() - begin_s - ended_s[-1])
            rows[part] = {
                "client_sees": sorted(seen),
                "after_mean_s": fmean(ended_s),
                "after_min_s": min(ended_s),
                "after_max_s": max(ended_s),
                "next_answer_mean_s": fmean(away_s),
                "next_answer_max_s": max(away_s),
            }
    return rows


def fate(port: int, address: str) -> str:
    """Return the status a request ends with, or the name of the error."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request("GET", address)
        return f"http_{client.getresponse().status}"
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        client.close()


def probe_boots(postgres: Postgres) -> dict[str, Any]:
    """Give every worker one request: a response time is then a boot, nearly."""
    with served(stack_of(Server("sync", 1, max_requests=1)), postgres) as port:
        fetch(port, "/work")
        times_s = []
        for _ in range(BOOTS):
            begin_s = time.monotonic()
            fetch(port, "/work")
            times_s.append(time.monotonic() - begin_s)
    return {"mean_s": fmean(times_s), "min_s": min(times_s), "max_s": max(times_s)}


def probe_lock_order(postgres: Postgres) -> dict[str, Any]:
    """Line sessions up for one row, 10 ms apart, and note in which order they get it.

    In `asked_before` nobody asks again; in `asked_again` everyone does after its commit, for three
    turns, so that newcomers meet old waiters.
    """
    once = [lock_round(postgres, turns=1) for _ in range(ROUNDS)]
    again = [lock_round(postgres, turns=3) for _ in range(ROUNDS)]
    return {"waiters": WAITERS, "hold_s": HOLD_S, "asked_before": once, "asked_again": again}


def lock_round(postgres: Postgres, turns: int) -> list[int]:
    """Return the numbers of the sessions in the order in which they got the row."""
    order: list[int] = []

    def contend(number: int, connection: psycopg.Connection) -> None:
        for _ in range(turns):
            connection.execute("UPDATE hot SET hits = hits + 1 WHERE id = 1")
            order.append(number)
            connection.execute("SELECT pg_sleep(%s)", [HOLD_S])
            connection.commit()

    with ExitStack() as stack:
        address = postgres.address()
        sessions = [stack.enter_context(psycopg.connect(address)) for _ in range(WAITERS + 1)]
        holder = sessions.pop()
        holder.execute("UPDATE hot SET hits = hits + 1 WHERE id = 1")
        threads = []
        for number, session in enumerate(sessions, 1):
            threads.append(threading.Thread(target=contend, args=(number, session)))
            threads[-1].start()
            time.sleep(0.01)
        time.sleep(0.1)
        holder.commit()
        for thread in threads:
            thread.join()
    return order


def probe_split(postgres: Postgres) -> dict[str, Any]:
    """Open connections to two idle gthread workers; return how many the luckier one accepted.

    The connections stay open, as those of users who think for less than gunicorn's keep-alive.
    """
    rows: dict[str, Any] = {"connections": CONNECTIONS, "burst": []}
    test = replace(stack_of(Server("gthread", 2, 8)), users=CONNECTIONS, think_s=constant(100))
    for _ in range(SPLITS):
        with served(test, postgres) as port:
            rows["burst"].append(max(by_worker(generate(test, port))))
    for name, pause_s in PAUSES_S.items():
        rows[name] = []
        for _ in range(SPLITS):
            with served(test, postgres) as port:
                rows[name].append(larger_share(port, pause_s))
    return rows


def larger_share(port: int, pause_s: float) -> int:
    """Open all connections, each with a request, and count by the process that answers."""
    clients = []
    for _ in range(CONNECTIONS):
        clients.append(http.client.HTTPConnection("127.0.0.1", port, timeout=60))
        clients[-1].request("GET", "/work?wait=0.1")
        time.sleep(pause_s)
    workers = Counter(client.getresponse().read() for client in clients)
    for client in clients:
        client.close()
    return max(workers.values())


def probe_all(postgres: Postgres) -> dict[str, Any]:
    """Run every probe."""
    return {
        "backlog": probe_backlog(postgres),
        "kill": probe_kills(postgres),
        "boot": probe_boots(postgres),
        "split": probe_split(postgres),
        "lock_order": probe_lock_order(postgres),
    }
