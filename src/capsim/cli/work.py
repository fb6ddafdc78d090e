"""Long work: worker processes, progress, and a word about what is kept when it is stopped."""

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from capsim.cli.executor import workers
from capsim.cli.interrupt import StoppedError, check
from capsim.cli.progress import OnDone, progress
from capsim.errors import InputError
from capsim.journal import Journal
from capsim.provenance import source_fingerprint

_NOTHING_KEPT = "nothing was written"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an experiment needs in order to run."""

    executor: Executor | None
    on_done: OnDone
    journal: Journal | None = None


@contextmanager
def journal_of(*names: str) -> Iterator[Journal]:
    """Provide a journal in the current folder, for work and for writing its result.

    It is left behind where either does not come to its end, so that the same command can go on.

    Args:
        names: of the command and what it is about, for the name of the file.
    """
    path = journal_path(*names)
    key = source_fingerprint()
    try:
        journal = Journal(path, key)
    except InputError:  # a folder that cannot be written to: nothing can be kept there
        journal = Journal(None, key)
    yield journal
    journal.forget()


def journal_path(*names: str) -> Path:
    """Return the file of a journal."""
    safe = (re.sub(r"[^A-Za-z0-9_.]+", "-", name) for name in names)
    return Path(f".capsim-{'-'.join(safe)}.journal")


@contextmanager
def kept_work(what: str, *, jobs: int | None, journal: Journal) -> Iterator[Work]:
    """Provide workers and progress for some long work that a journal keeps.

    Args:
        what: is being counted.
        jobs: worker processes; none: one per core.
        journal: of the work.

    Raises:
        StoppedError: the user pressed Ctrl-C.
    """
    kept = _NOTHING_KEPT if journal.path is None else keeps(journal.path)
    with long_work(what, jobs=jobs, kept=kept) as work:
        yield replace(work, journal=journal)


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
        check()

    try:
        with workers(jobs) as executor, progress(what) as on_done:
            yield Work(executor=executor, on_done=counted)
    except KeyboardInterrupt:
        done, total = count
        how_far = f" after {done} of {total} {what}" if total else ""
        raise StoppedError(f"stopped{how_far}; {kept if done else _NOTHING_KEPT}") from None
