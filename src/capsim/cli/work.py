"""Long work: worker processes, progress, and a word about what is kept when it is stopped."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

from capsim.cli.executor import workers
from capsim.cli.interrupt import StoppedError
from capsim.cli.progress import OnDone, progress


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an experiment needs in order to run."""

    executor: Executor | None
    on_done: OnDone


@contextmanager
def long_work(what: str, *, jobs: int | None, kept: str = "nothing was written") -> Iterator[Work]:
    """Provide workers and progress for some long work.

    Args:
        what: is being counted, e.g. `simulations`.
        jobs: worker processes; none: one per core.
        kept: what the user has when stopping now.

    Raises:
        StoppedError: the user pressed Ctrl-C.
    """
    count = [0, 0]

    def counted(done: int, total: int) -> None:
        count[:] = [done, total]
        on_done(done, total)

    try:
        with workers(jobs) as executor, progress(what) as on_done:
            yield Work(executor=executor, on_done=counted)
    except KeyboardInterrupt:
        done, total = count
        how_far = f" after {done} of {total} {what}" if total else ""
        raise StoppedError(f"stopped{how_far}; {kept}") from None
