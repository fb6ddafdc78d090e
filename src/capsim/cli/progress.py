"""How far a long command is, on stderr: a bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

OnDone = Callable[[int, int], None]

_EVERY_S = 10.0


@contextmanager
def progress(what: str) -> Iterator[OnDone]:
    """Provide a function to be told of (done, of how many).

    Args:
        what: is being counted, e.g. `simulations`.
    """
    if not sys.stderr.isatty():
        yield Lines(what)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Lines:
    """Progress as plain lines, for logs."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count.

        Args:
            what: is being counted.
            clock: seconds since any fixed time.
        """
        self._what = what
        self._clock = clock
        self._last_s = clock()
        self._first: tuple[float, int] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Write a line if the last one is long ago."""
        now_s = self._clock()
        if self._first is None:
            self._first = (now_s, done)
        if now_s - self._last_s < _EVERY_S:
            return
        self._last_s = now_s
        sys.stderr.write(
            f"capsim: {done} of {total} {self._what}{self._left(done, total, now_s)}\n"
        )
        sys.stderr.flush()

    def _left(self, done: int, total: int, now_s: float) -> str:
        began_s, at = self._first or (now_s, done)
        if done <= at:
            return ""
        left_s = (now_s - began_s) / (done - at) * (total - done)
        return f", about {left_s:.0f} s left"
