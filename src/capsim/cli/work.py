"""Long work: worker processes, progress, and a word about what is kept when it is stopped."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from capsim import __version__
from capsim.cli.executor import workers
from capsim.cli.interrupt import StoppedError
from capsim.cli.progress import OnDone, progress
from capsim.errors import InputError
from capsim.journal import Journal
from capsim.provenance import fingerprint

_NOTHING_KEPT = "nothing was written"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an experiment needs in order to run."""

    executor: Executor | None
    on_done: OnDone
    journal: Journal | None = None


@contextmanager
def kept_work(what: str, *, jobs: int | None, names: Sequence[str]) -> Iterator[Work]:
    """Provide workers, progress, and a journal in the current folder that a stop leaves behind.

    Args:
        what: is being counted.
        jobs: worker processes; none: one per core.
        names: of the command and what it is about, for the name of the journal.

    Raises:
        StoppedError: the user pressed Ctrl-C.
    """
    path = Path(".capsim-" + "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", name) for name in names))
    path = path.with_name(f"{path.name}.journal")
    try:
        journal = Journal(path, fingerprint({"capsim": __version__}))
    except InputError:  # a folder that cannot be written to: nothing can be kept there
        with long_work(what, jobs=jobs) as work:
            yield work
        return
    with long_work(what, jobs=jobs, kept=keeps(path)) as work:
        yield replace(work, journal=journal)
    journal.remove()


def keeps(journal: Path) -> str:
    """Say what a stopped command leaves."""
    return f"{journal} keeps what is done, and the same command goes on from there"


@contextmanager
def long_work(what: str, *, jobs: int | None, kept: str = _NOTHING_KEPT) -> Iterator[Work]:
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
        raise StoppedError(f"stopped{how_far}; {kept if done else _NOTHING_KEPT}") from None
