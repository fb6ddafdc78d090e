"""Worker threads of long commands: enough where the engine's loop runs without Python's lock."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from threading import Event
from typing import ParamSpec, TypeVar

from capsim.cli.interrupt import undisturbed
from capsim.stopping import stopped_by

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@contextmanager
def threads(count: int) -> Iterator[Executor]:
    """Provide worker threads, which use the engine in use here.

    However the block is left, no thread outlives it: on an error or Ctrl-C the runs that they are
    in are stopped.
    """
    stop, pool = Event(), _Threads(count, thread_name_prefix="capsim")
    with stopped_by(stop):
        try:
            yield pool
        except BaseException:
            with undisturbed():
                stop.set()
                pool.shutdown(cancel_futures=True)
            raise
        pool.shutdown()


class _Threads(ThreadPoolExecutor):
    """Threads that know what the one that hands them work knows: the engine, and when to stop."""

    def submit(
        self,
        fn: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Result]:
        """Take a piece of work, with the context that it is handed over in."""
        return super().submit(partial(copy_context().run, fn, *args, **kwargs))
