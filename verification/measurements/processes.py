"""Helpers for the server processes that the measurements start and watch."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).resolve().parent
SERVER_CORE = 0
MEASURED_CORE = 1
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def pin(process_id: int, core: int) -> None:
    """Keep a process on one core, where the machine has that core."""
    if core in os.sched_getaffinity(process_id):
        os.sched_setaffinity(process_id, {core})


def free_port() -> int:
    """Ask the kernel for a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for_port(port: int, limit_s: float = 30.0) -> None:
    """Return as soon as something accepts connections on the port."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def cpu_seconds(process_id: int, *, with_ended_children: bool = False) -> float:
    """Read the CPU time a process has used, to the kernel's 10 ms tick."""
    text = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
    # The command name may hold blanks, so count fields after its bracket.
    fields = text.rpartition(")")[2].split()
    last = 15 if with_ended_children else 13
    return sum(int(field) for field in fields[11:last]) * TICK_S


def bench_environment(**extra: str) -> dict[str, str]:
    """Build the small, fixed environment every measured process gets.

    Django's debug page and gunicorn's defaults both read the environment, so
    the caller's own variables must not leak into the figures.
    """
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": tempfile.gettempdir(),
        "PYTHONPATH": str(HERE),
        "DJANGO_SETTINGS_MODULE": "bench_settings",
        **extra,
    }


@contextmanager
def running(
    module_arguments: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m ...` as a quiet server, and stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module_arguments],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        process.kill()
        process.wait()
