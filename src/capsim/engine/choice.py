"""Which engine runs plans here: all give the same trace, and differ in speed alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, get_args

from capsim.engine import compiled
from capsim.errors import InputError, RunError
from capsim.plan.plan import Plan

Engine = Literal["reference", "compiled"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

_asked_for: ContextVar[Engine | None] = ContextVar("engine", default=None)


@contextmanager
def using(engine: Engine | None) -> Iterator[None]:
    """Have plans run by an engine within a block; none: by the fastest that can.

    Raises:
        InputError: that engine is not installed.
    """
    if engine == "compiled" and not compiled.is_available():
        raise InputError(
            "--engine compiled: numba is not installed; add it with: pip install -e '.[fast]'"
        )
    token = _asked_for.set(engine)
    try:
        yield
    finally:
        _asked_for.reset(token)


def use(engine: Engine | None) -> None:
    """Have plans run by an engine in all of this process: a worker uses its parent's."""
    _asked_for.set(engine)


def asked_for() -> Engine | None:
    """Return the engine that was asked for here; none: whichever is the fastest."""
    return _asked_for.get()


def usual() -> Engine:
    """Return the engine that runs plans here, unless one has what only the reference engine can."""
    is_compiled = asked_for() != "reference" and compiled.is_available()
    return "compiled" if is_compiled else "reference"


def engine_for(plan: Plan, engine: Engine | None) -> Engine:
    """Return which engine runs a plan.

    Raises:
        RunError: the one that was asked for cannot.
    """
    wanted = engine or asked_for()
    if (wanted or usual()) == "reference":
        return "reference"
    reason = compiled.unsupported(plan)
    if reason is None:
        return "compiled"
    if wanted == "compiled":
        raise RunError(f"the compiled engine does not know {reason}; use --engine reference")
    return "reference"
