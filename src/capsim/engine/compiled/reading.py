"""Reads the trace off the tables of a finished run."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.layout.rows import Table, Tables
from capsim.engine.trace import Tasks, Trace
from capsim.plan.ops import Op
from capsim.plan.plan import Plan

_TRACED = ("source", "user", "index", "attempt", "request_class", "asked", "start", "end", "status")


def read_trace(plan: Plan, tables: Tables) -> Trace:
    """Return everything that was written down, in order."""
    registers = tables["registers"][0]
    records = _trimmed(tables["records"], registers["records"])
    tasks = _trimmed(tables["tasks"], registers["tasks"])
    samples = tables["samples"][: registers["samples"]]
    ends = np.cumsum([1, *[len(plan.resources)] * 3, *[len(plan.stations)] * 3])[:-1]
    sampled_s, in_use, queued, wasted_slots, busy, present, wasted_cores = (
        np.ascontiguousarray(part) for part in np.split(samples, ends, axis=1)
    )
    return Trace(
        **{name: records[name] for name in (*_TRACED, "final")},
        waits=_trimmed(tables["record_waits"], registers["records"]),
        tasks=Tasks(**{name: tasks[name] for name in _TRACED if name in (state.TASK.names or ())}),
        notes=_notes(plan, tables["notes"][: registers["notes"]]),
        class_names=plan.class_names,
        wait_names=plan.wait_names,
        resource_names=tuple(resource.name for resource in plan.resources),
        station_names=tuple(station.name for station in plan.stations),
        issued=int(registers["issued"]),
        horizon_s=plan.horizon_s,
        sampled_s=sampled_s[:, 0],
        in_use=in_use,
        queued=queued,
        wasted_slots=wasted_slots,
        busy=busy,
        present=present,
        wasted_cores=wasted_cores,
    )


def _trimmed(table: Table, count: int) -> Table:
    """Give back the memory of the rows that were never written; nobody else refers to the table."""
    table.resize((count, *table.shape[1:]), refcheck=False)
    return table


def _notes(plan: Plan, written: Table) -> dict[str, Table]:
    """Return the times under each name that a NOTE has, also where nothing was written."""
    names = [station.name for station in plan.stations]
    noted = dict.fromkeys(names[step.target] for step in plan.steps if step.op == Op.NOTE)
    return {name: written["time"][written["name"] == names.index(name)] for name in noted}
