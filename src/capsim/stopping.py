"""Long runs ask whether they are still wanted: a thread cannot be ended from outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

from capsim.errors import RunError

_stop: ContextVar[Event | None] = ContextVar("stop", default=None)


@contextmanager
def stopped_by(stop: Event) -> Iterator[None]:
    """Have the runs that are begun within a block end soon after an event is set."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def may_be_stopped() -> bool:
    """Return whether somebody here may want to stop runs, so that they have to ask."""
    return _stop.get() is not None


def check() -> None:
    """Let a run go on, if it is still wanted.

    Raises:
        RunError: it is not.
    """
    stop = _stop.get()
    if stop is not None and stop.is_set():
        raise RunError("stopped")
