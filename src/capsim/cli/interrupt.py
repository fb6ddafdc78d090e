"""Ctrl-C as an error of its own, which says what was kept, and which nothing swallows."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from capsim.errors import CapsimError


class StoppedError(CapsimError):
    """The user stopped a command."""

    exit_code = 130  # 128 + SIGINT, as a shell reports it


class _Remembering:
    """Raises KeyboardInterrupt as Python does, and remembers that it did."""

    pressed = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self.pressed = True
        raise KeyboardInterrupt


@contextmanager
def interrupts() -> Iterator[None]:
    """Remember Ctrl-C: what is raised while a library loads or an object is deleted may be lost."""
    default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not default or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _Remembering())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def check() -> None:
    """Raise a Ctrl-C that was lost on its way.

    Raises:
        KeyboardInterrupt: it was pressed.
    """
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, _Remembering) and handler.pressed:
        raise KeyboardInterrupt


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold further Ctrl-C off, while what was begun is ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
