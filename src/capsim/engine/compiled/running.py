"""Runs a plan: lays it out as tables, enters the compiled loop, and hands over what that wrote."""

import numpy as np

from capsim.engine.compiled import engine
from capsim.engine.compiled.growth import make_room
from capsim.engine.compiled.jit import IS_INTERPRETED
from capsim.engine.compiled.layout import lay_out
from capsim.engine.compiled.layout.rows import Tables
from capsim.engine.compiled.pages import Pages
from capsim.engine.compiled.reading import hand_over
from capsim.engine.compiled.state import TABLES
from capsim.engine.trace import Receive
from capsim.errors import RunError
from capsim.plan.plan import Plan

_EVENTS_AT_ONCE = 200_000  # a fraction of a second: a run can be interrupted between two of these


def run_tables(plan: Plan, receive: Receive) -> None:
    """Run a plan up to its horizon, and hand over the trace in parts.

    Raises:
        RunError: requests and thinking take no time at all, so that the clock stands still.
    """
    tables = lay_out(plan)
    make_room(tables)
    pages = Pages(plan, tables)
    while (reason := _enter(plan.horizon_s, tables)) != engine.DONE:
        if reason == engine.FULL:
            hand_over(plan, tables, receive)
            make_room(tables)
        elif reason == engine.DRAWS_WANTED:
            pages.turn()
        elif reason == engine.STALLED:
            name = plan.sources[int(tables["registers"][0]["stalled"])].name
            raise RunError(
                f"{name}: requests and thinking take no time, so the clock stands "
                "still; give the users a think time or the requests a demand"
            )
    hand_over(plan, tables, receive)


def compile_engine() -> None:
    """Have numba compile the loop, by running a plan in which nothing happens."""
    nothing = Plan(
        steps=(), entries=(), errors=(), class_names=(), resources=(), stations=(), sources=(),
        columns=(), horizon_s=1.0, seed=0,
    )  # fmt: skip
    run_tables(nothing, lambda _: None)


def _enter(until: float, tables: Tables) -> int:
    handed = tuple(tables[name] for name in TABLES)
    if IS_INTERPRETED:  # the interpreter finds a row's columns as attributes
        handed = tuple(table.view(np.recarray) for table in handed)
    return int(engine.enter(until, _EVENTS_AT_ONCE, handed))
