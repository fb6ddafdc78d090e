"""Long work: workers, progress, and a word about what is kept when it is stopped."""

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from capsim.cli.executor import check_executor, workers
from capsim.cli.interrupt import StoppedError, check
from capsim.cli.output import note
from capsim.cli.progress import OnDone, progress
from capsim.errors import InputError
from capsim.journal import Journal
from capsim.provenance import source_fingerprint

if TYPE_CHECKING:
    from capsim.engine.choice import Engine

_NOTHING_KEPT = "nothing was written"


@dataclass(frozen=True, kw_only=True)
class Means:
    """With what long work is done, and where what is finished of it is kept."""

    jobs: int | None = None  # none: one per core
    executor: str | None = None  # as `--executor` takes it; none: what fits the engine
    runs: Path | None = None  # none: a hidden folder, until the work is done
    resume: bool | None = None  # none: go on from what there is, if there is something

    def __post_init__(self) -> None:
        """Refuse an executor that cannot be, and the folder that everything else is in."""
        check_executor(self.executor, self.jobs)
        if self.runs == Path():
            raise InputError("--runs: names the current folder; name one of its own, e.g. runs")


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an experiment needs in order to run."""

    executor: Executor | None
    on_done: OnDone
    journal: Journal


@contextmanager
def journal_of(means: Means, *names: str) -> Iterator[Journal]:
    """Provide a journal, by default in the current folder, for work and for writing its result.

    It is left behind where either does not come to its end, so that the same command can go on.

    Args:
        means: of the work.
        names: of the command and what it is about, for the name of the hidden folder.

    Raises:
        InputError: a folder that was named cannot be used, or there is nothing to resume.
    """
    safe = (re.sub(r"[^A-Za-z0-9_.]+", "-", name) for name in names)
    with journal_at(means, Path(f".capsim-{'-'.join(safe)}.runs")) as journal:
        yield journal


@contextmanager
def journal_at(means: Means, hidden: Path) -> Iterator[Journal]:
    """Provide a journal as `journal_of` does, in a hidden folder of this name."""
    journal = _opened(means, hidden)
    if means.resume:
        _say_found(journal, means.runs or hidden)
    yield journal
    journal.forget()


def _opened(means: Means, hidden: Path) -> Journal:
    key, anew = source_fingerprint(), means.resume is False
    if means.runs is not None:
        return Journal(means.runs, key, anew=anew, stays=True)
    try:
        return Journal(hidden, key, anew=anew)
    except InputError:  # a folder that cannot be written to: nothing can be kept there
        return Journal(None, key)


def _say_found(journal: Journal, place: Path) -> None:
    if not journal.found:
        # Whoever says so expects hours of work to be there: not to do them again without a word.
        raise InputError(
            f"--resume: {place} holds no finished job of this version of capsim; leave it out to "
            "begin anew, or name the folder with --runs"
        )
    note(f"going on from {journal.found} finished jobs in {place}")


@contextmanager
def kept_work(what: str, *, means: Means, engine: "Engine", journal: Journal) -> Iterator[Work]:
    """Provide workers and progress for some long work that a journal keeps.

    Args:
        what: is being counted, e.g. `simulations`.
        means: of the work.
        engine: that runs it, or most of it.
        journal: of the work.

    Raises:
        StoppedError: the user pressed Ctrl-C.
    """
    count = [0, 0]

    def counted(done: int, total: int) -> None:
        count[:] = [done, total]
        on_done(done, total)
        check()

    try:
        with workers(means.jobs, engine, means.executor) as executor, progress(what) as on_done:
            yield Work(executor=executor, on_done=counted, journal=journal)
    except KeyboardInterrupt:
        done, total = count
        how_far = f" after {done} of {total} {what}" if total else ""
        kept = _kept(journal, means) if done else _NOTHING_KEPT
        raise StoppedError(f"stopped{how_far}; {kept}") from None


def _kept(journal: Journal, means: Means) -> str:
    if journal.path is None:
        return _NOTHING_KEPT
    again = "the same command without --anew" if means.resume is False else "the same command"
    return f"{journal.path} keeps what is done, and {again} goes on from there"
