"""Worker processes of long commands: made in one place, and never left behind."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING

from capsim.cli.interrupt import undisturbed
from capsim.errors import RunError

if TYPE_CHECKING:
    from capsim.engine.choice import Engine

_Thing = multiprocessing.process.BaseProcess | threading.Thread

_PATIENCE_S = 5.0  # for a worker to end once it has been told to


@contextmanager
def processes(count: int, engine: "Engine | None") -> Iterator[Executor]:
    """Provide worker processes, which use an engine (none: whichever is the fastest).

    However the block is left, no worker outlives it: on an error or Ctrl-C they are ended at
    once, in the middle of their work.

    Raises:
        RunError: a worker died.
    """
    others: set[_Thing] = {*multiprocessing.active_children(), *threading.enumerate()}
    # A worker starts with a fresh interpreter: numerical libraries hold threads and locks that
    # must not be copied by a fork.
    pool = ProcessPoolExecutor(
        count,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_worker,
        initargs=(engine,),
    )
    try:
        _start_deaf_to_interrupts(pool)
        yield pool
    except BaseException as error:
        with undisturbed(), _without_mourning():
            pool.shutdown(wait=False, cancel_futures=True)
            _end(others)
        if isinstance(error, BrokenProcessPool):
            raise RunError(
                "a worker process died (out of memory?); try again with --jobs 1"
            ) from None
        raise
    pool.shutdown()


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


def _begin_worker(engine: "Engine | None") -> None:
    """Leave Ctrl-C to the main process, end with it, however it ends, and use its engine."""
    from capsim.engine.choice import use

    use(engine)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def _without_mourning() -> Iterator[None]:
    """Keep the pool's own threads from mourning its workers aloud."""
    hook = threading.excepthook
    threading.excepthook = lambda _: None
    try:
        yield
    finally:
        threading.excepthook = hook


def _end(others: set[_Thing]) -> None:
    """End the child processes, then wait for the threads that served them.

    Args:
        others: processes and threads that were there before, and are somebody else's.
    """
    children = [child for child in multiprocessing.active_children() if child not in others]
    for child in children:
        child.terminate()
    for child in children:
        child.join(_PATIENCE_S)
    for thread in threading.enumerate():
        if thread not in others and not thread.daemon:
            thread.join(_PATIENCE_S)
