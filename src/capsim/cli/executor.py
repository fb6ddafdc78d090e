"""Where simulations run: threads or processes of this computer, or a cluster's workers."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from capsim.cli.output import note
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.engine.choice import Engine

THREADS, PROCESSES, CLUSTER = "threads", "processes", "dask"
# What surrounds the compiled loop (lowering, layout, draws, metrics) holds Python's lock for about
# 40 % of a job (docs/decisions.md): more threads than this would wait for each other.
_MOST_THREADS = 4
KINDS = f"{THREADS}|{PROCESSES}|{CLUSTER}://HOST:PORT"


def check_executor(asked: str | None, jobs: int | None) -> None:
    """Make sure, before any long work, that an executor is one that there can be.

    Args:
        asked: for, as `--executor` takes it; none: what fits the engine.
        jobs: workers asked for.

    Raises:
        InputError: it is none, or one that knows itself how many workers it has.
    """
    if asked is None or asked in (THREADS, PROCESSES):
        return
    if _address(asked) is None:
        raise InputError(f"--executor {asked}: is none of {KINDS.replace('|', ', ')}")
    if jobs is not None:
        raise InputError(
            f"--jobs {jobs}: a cluster has the workers that were started; leave it out, or leave "
            f"out --executor {asked}"
        )


@contextmanager
def workers(
    jobs: int | None, engine: "Engine", asked: str | None = None
) -> Iterator[Executor | None]:
    """Provide `jobs` workers (none: one per core); a single one needs no executor.

    Args:
        jobs: how many; a cluster knows itself.
        engine: that runs the work, or most of it.
        asked: for, as `--executor` takes it; none: a few threads for the compiled engine, whose
            loop leaves Python's lock to others, else processes.

    Raises:
        InputError: there is no such cluster, or it cannot do the work.
        RunError: a worker died.
    """
    address = None if asked is None else _address(asked)
    if address is not None:
        from capsim.cli.cluster import cluster

        with cluster(address) as executor:
            yield executor
        return
    asked_engine = prepared_engine()
    count = usable_cores() if jobs is None else jobs
    if count == 1:
        yield None
        return
    fits_threads = engine == "compiled" and count <= _MOST_THREADS
    if (asked or (THREADS if fits_threads else PROCESSES)) == THREADS:
        from capsim.cli.threads import threads

        with threads(count) as executor:
            yield executor
        return
    from capsim.cli.processes import processes

    with processes(count, asked_engine) as executor:
        yield executor


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def prepared_engine() -> "Engine | None":
    """Return the engine that was asked for; the compiled one is ready before it is needed."""
    from capsim.engine import compiled
    from capsim.engine.choice import asked_for, usual

    if usual() == "compiled" and not compiled.is_prepared():
        note("compiling the fast engine, once (about 4 s; --engine reference does without)")
        compiled.prepare()
    return asked_for()


def _address(asked: str) -> str | None:
    """Return the host and port of a cluster's scheduler; none: that is no cluster."""
    try:
        parts = urlsplit(asked)
        is_cluster = parts.scheme == CLUSTER and parts.hostname and parts.port
    except ValueError:  # a port that is no number
        return None
    return parts.netloc if is_cluster and not parts.path.strip("/") else None
