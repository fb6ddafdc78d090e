"""Runs a plan: lays it out as tables, enters the compiled loop, and hands over what that wrote."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from capsim import stopping
from capsim.engine.compiled import engine
from capsim.engine.compiled.growth import make_room
from capsim.engine.compiled.jit import IS_INTERPRETED
from capsim.engine.compiled.layout import lay_out
from capsim.engine.compiled.layout.rows import Table, Tables
from capsim.engine.compiled.pages import Pages
from capsim.engine.compiled.reading import hand_over, is_worth_it
from capsim.engine.compiled.state import FACTS, TABLES
from capsim.engine.trace import Receive
from capsim.errors import RunError
from capsim.plan.plan import Plan

_EVENTS_AT_ONCE = 200_000  # a fraction of a second: a run can be stopped between two of these


def run_tables(plan: Plan, receive: Receive) -> None:
    """Run a plan up to its horizon, and hand over the trace in parts.

    Raises:
        RunError: requests and thinking take no time at all, so that the clock stands still; or the
            run is not wanted any more.
    """
    stopping.check()
    tables = lay_out(plan)
    _check(tables)
    make_room(tables)
    pages = Pages(plan, tables)
    advance, facts, moved = _loop(), _facts(tables), False
    while (reason := advance(facts, plan.horizon_s, _EVENTS_AT_ONCE)) != engine.DONE:
        stopping.check()
        if reason == engine.FULL:
            if is_worth_it(tables):
                hand_over(plan, tables, receive)
            moved = make_room(tables)
        elif reason == engine.DRAWS_WANTED:
            moved = pages.turn()
        elif reason == engine.STALLED:
            name = plan.sources[int(tables["registers"][0]["stalled"])].name
            raise RunError(
                f"{name}: requests and thinking take no time, so the clock stands "
                "still; give the users a think time or the requests a demand"
            )
        if moved:
            facts, moved = _facts(tables), False
    hand_over(plan, tables, receive)


def _loop() -> Callable[[Any, float, int], int]:
    if IS_INTERPRETED:
        return engine.advance
    from capsim.engine.compiled.loading import compiled_loop

    loop = compiled_loop()
    return lambda facts, until, most: loop(facts.ctypes.data, until, most)


def _facts(tables: Tables) -> Any:
    """Return what a kernel's state is, as long as no table is moved.

    To compiled code it is where each table is and what fits in it (see `FACTS`).
    """
    if IS_INTERPRETED:
        return SimpleNamespace(**{name: tables[name].view(np.recarray) for name in TABLES})
    facts = [(table.ctypes.data, *table.shape, 0)[: len(FACTS)] for table in _in_order(tables)]
    return np.array(facts, dtype=np.int64).ravel()


def _in_order(tables: Tables) -> list[Table]:
    return [tables[name] for name in TABLES]


def _check(tables: Tables) -> None:
    """Make sure that tables are what compiled code takes them for."""
    for table, (kind, rank) in zip(_in_order(tables), TABLES.values(), strict=True):
        if table.dtype != kind or table.ndim != rank or not table.flags.c_contiguous:
            raise TypeError(f"{table.dtype} in {table.ndim} dimensions where {kind} is declared")
