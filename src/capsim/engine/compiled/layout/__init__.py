"""A plan as tables: every step, resource, station and source as a row of numbers."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.chain import FIRST_LINE, HOLDING
from capsim.engine.compiled.layout.beginning import lay_populations, lay_timers
from capsim.engine.compiled.layout.failures import Lists, lay_failures
from capsim.engine.compiled.layout.resources import (
    killable_resources,
    lay_resources,
    owned_resources,
)
from capsim.engine.compiled.layout.rows import Limits, Table, Tables, table_of
from capsim.engine.compiled.layout.sources import lay_sources
from capsim.engine.compiled.layout.stations import lay_stations
from capsim.engine.compiled.layout.steps import lay_steps
from capsim.engine.compiled.state import NONE
from capsim.engine.trace import PART_ROWS
from capsim.plan.plan import Plan

_FIRST_HELD = 8  # to begin with; the table grows
_SAMPLES = 256  # when as many are written down, they are handed over


def lay_out(plan: Plan) -> Tables:
    """Return the tables of a run that has not begun."""
    limits, lists = Limits(), Lists()
    tables: Tables = {
        **lay_resources(plan, limits, lists),
        **lay_stations(plan),
        **lay_sources(plan, limits),
        **lay_steps(plan, limits),
        **lay_failures(plan, lists),
        **lay_populations(plan),
        **_jobs(plan),
        **_draws(plan),
        **_records(plan),
        **lists.tables(),
        "cells": np.array(plan.cells, dtype=np.float64),
        "chains": _chains(plan),
        "deadlines": limits.table(),
    }
    tables |= lay_timers(plan, tables)
    tables["owned_by_session"] = np.zeros(
        (len(tables["sessions"]), len(owned_resources(plan))), np.int8
    )
    tables["registers"] = _registers(plan, tables)
    return tables


def _jobs(plan: Plan) -> Tables:
    """Return the tables of jobs, and of what each has beside its row."""
    killable = len(killable_resources(plan))
    return {
        "jobs": np.zeros(0, state.JOB),
        "tokens": np.zeros(0, state.TOKEN),
        "links": np.zeros((0, HOLDING + killable), state.LINK),
        "held": np.zeros((0, _FIRST_HELD), np.int64),
        "held_slots": np.zeros((0, _FIRST_HELD), np.int64),
        "held_since": np.zeros((0, killable)),
        "waits": np.zeros((0, len(plan.wait_names))),
    }


def _draws(plan: Plan) -> Tables:
    return {
        "pages": np.zeros(0, state.PAGE),
        "page_columns": np.zeros((0, len(plan.columns)), np.int64),
        "draws": np.zeros((0, 0)),
    }


def _records(plan: Plan) -> Tables:
    """Return the tables of what is written down."""
    width = 1 + 3 * len(plan.resources) + 3 * len(plan.stations)
    return {
        "records": np.zeros(PART_ROWS, state.RECORD),
        "record_waits": np.zeros((PART_ROWS, len(plan.wait_names))),
        "tasks": np.zeros(PART_ROWS, state.TASK),
        "notes": np.zeros(PART_ROWS, state.NOTE),
        "samples": np.zeros((_SAMPLES, width)),
    }


def _chains(plan: Plan) -> Table:
    count = FIRST_LINE + len(plan.resources) + len(killable_resources(plan))
    return table_of(state.CHAIN, [{"first": NONE, "last": NONE}] * count)


def _registers(plan: Plan, tables: Tables) -> Table:
    nobody = ("job", "session", "arriving", "stalled", "free_job", "free_session", "free_token")
    row = {
        **dict.fromkeys(nobody, NONE),
        "sweeping": bool(plan.outages or plan.blackouts or plan.gauges)
        or any(spec.whole for spec in plan.resources),
        "samples": 1,  # the first one, at time zero, is of nothing: a row of zeros
        "timers": len(tables["timers"]),
        "order": len(tables["timers"]),
        "ready": len(tables["ready"]),
    }
    return table_of(state.REGISTERS, [row])
