"""How long one gunicorn worker is away after it dies, as its client sees it."""

from __future__ import annotations

import http.client
import os
import random
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from figures import Figure, summarise
from processes import (
    bench_environment,
    cpu_seconds,
    free_port,
    running,
    wait_for_port,
)

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S = 2
KILLS = 60
HANGS = 30


def fetch(port: int, path: str) -> bytes:
    """Make one request and return its body."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("GET", path)
    body = client.getresponse().read()
    client.close()
    return body


def measure_kills(port: int) -> list[Figure]:
    """Kill the worker outright; the next request waits for its successor."""
    away_s, boot_cpu_s = [], []
    for _ in range(KILLS):
        worker = int(fetch(port, "/minimal"))
        start_s = time.perf_counter()
        os.kill(worker, signal.SIGKILL)
        successor = int(fetch(port, "/minimal"))
        away_s.append(time.perf_counter() - start_s)
        boot_cpu_s.append(cpu_seconds(successor))
        if successor == worker:
            raise AssertionError("the worker survived")
    note = "boot includes importing Django and REST, to the end of the first request"
    return [
        summarise("gunicorn_killed_to_answer_wall", away_s, f"SIGKILL; {note}"),
        summarise("gunicorn_boot_cpu", boot_cpu_s, f"CPU of the new worker; {note}"),
    ]


def hang_until_dropped(port: int) -> float:
    """Send a request that never ends; return how long until it is cut off."""
    start_s = time.perf_counter()
    # The worker may close without an answer or send an error: both end it.
    with suppress(OSError, http.client.HTTPException):
        fetch(port, "/hang")
    return time.perf_counter() - start_s


def measure_hangs(port: int) -> list[Figure]:
    """Let the arbiter's timeout stop a stuck worker."""
    dropped_s, away_s = [], []
    chance = random.Random(1)
    for _ in range(HANGS):
        # The arbiter looks round once a second: start anywhere in its second.
        time.sleep(chance.random())
        dropped_s.append(hang_until_dropped(port))
        start_s = time.perf_counter()
        fetch(port, "/minimal")
        away_s.append(time.perf_counter() - start_s)
    note = f"sync worker, --timeout {TIMEOUT_S}, view asleep in Python"
    return [
        summarise("gunicorn_timeout_to_drop_wall", dropped_s, f"request to cut; {note}"),
        summarise("gunicorn_drop_to_answer_wall", away_s, f"cut to next answer; {note}"),
    ]


def run(folder: Path) -> list[Figure]:
    """Measure one sync worker without preload, on otherwise default settings."""
    port = free_port()
    # gunicorn keeps a control socket in the home folder: give it its own.
    environment = bench_environment() | {"HOME": str(folder)}
    command = [
        "gunicorn",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "1",
        "--timeout",
        str(TIMEOUT_S),
        "django.core.wsgi:get_wsgi_application()",
    ]
    with running(command, environment):
        wait_for_port(port)
        return measure_kills(port) + measure_hangs(port)
