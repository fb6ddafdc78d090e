"""The worker processes of long commands: made in one place, and never left behind."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from capsim.errors import RunError

_PATIENCE_S = 5.0  # for a worker to end once it has been told to


@contextmanager
def workers(jobs: int | None) -> Iterator[Executor | None]:
    """Provide `jobs` worker processes (none: one per core); a single job needs none.

    However the block is left, no worker outlives it: on an error or Ctrl-C they are ended at
    once, in the middle of their work.

    Raises:
        RunError: a worker died.
    """
    count = usable_cores() if jobs is None else jobs
    if count == 1:
        yield None
        return
    others = set(multiprocessing.active_children())
    # A worker starts with a fresh interpreter: numerical libraries hold threads and locks that
    # must not be copied by a fork.
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker
    )
    try:
        _start_deaf_to_interrupts(pool)
        yield pool
    except BaseException as error:
        _end(others)
        pool.shutdown(wait=False, cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise RunError(
                "a worker process died (out of memory?); try again with --jobs 1"
            ) from None
        raise
    pool.shutdown()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_deaf_to_interrupts(pool: Executor) -> None:
    """Start the workers while Ctrl-C is held back, so that none of them meets it half loaded."""
    if not hasattr(signal, "pthread_sigmask"):
        pool.submit(int)
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pool.submit(int)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    """Leave Ctrl-C to the main process, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _end(others: set[multiprocessing.process.BaseProcess]) -> None:
    """End the children of this process but for those that are somebody else's."""
    ours = [child for child in multiprocessing.active_children() if child not in others]
    for child in ours:
        child.terminate()
    for child in ours:
        child.join(_PATIENCE_S)
