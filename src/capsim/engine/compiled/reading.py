"""Reads a part of the trace off the tables of a run, and has them written from the beginning."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.chain import TASKS, UNFINISHED
from capsim.engine.compiled.layout.rows import Table, Tables
from capsim.engine.compiled.state import NONE
from capsim.engine.trace import NUMBERS, Part, Receive, Tasks, Trace
from capsim.plan.ops import Op, Status
from capsim.plan.plan import Plan

_OF_TASKS = state.TASK.names or ()
_WRITTEN = ("records", "tasks", "notes", "samples")


def is_worth_it(tables: Tables) -> bool:
    """Return whether there is enough to be handed over: something fills half of its table."""
    registers = tables["registers"][0]
    return any(2 * registers[name] > len(tables[name]) for name in _WRITTEN)


def hand_over(plan: Plan, tables: Tables, receive: Receive) -> None:
    """Hand over everything that was written down, in order."""
    registers = tables["registers"][0]
    if any(registers[name] for name in _WRITTEN):
        receive(_read(plan, tables))
    for name in _WRITTEN:
        registers[name] = 0


def _read(plan: Plan, tables: Tables) -> Part:
    written = {name: tables[name][: tables["registers"][0][name]] for name in _WRITTEN}
    records, tasks = written["records"], written["tasks"]
    waits = tables["record_waits"][: len(records)]
    notes = _notes(plan, written["notes"])
    trace = Trace(
        **{name: records[name] for name in state.RECORD.names or ()},
        wait_columns={name: waits[:, column] for column, name in enumerate(plan.wait_names)},
        tasks=Tasks(**{name: tasks[name] for name in _OF_TASKS}),
        notes=notes,
        class_names=plan.class_names,
        resource_names=tuple(resource.name for resource in plan.resources),
        station_names=tuple(station.name for station in plan.stations),
        issued=int(tables["registers"][0]["issued"]),
        horizon_s=plan.horizon_s,
        **_samples(plan, written["samples"]),
    )
    return Part(trace=trace, in_hand=_in_hand(tables, begun=bool(notes)))


def _samples(plan: Plan, samples: Table) -> dict[str, Table]:
    ends = np.cumsum([1, *[len(plan.resources)] * 3, *[len(plan.stations)] * 3])[:-1]
    names = ("in_use", "queued", "wasted_slots", "busy", "present", "wasted_cores")
    sampled_s, *integrals = np.split(samples, ends, axis=1)
    return {"sampled_s": sampled_s[:, 0], **dict(zip(names, integrals, strict=True))}


def _notes(plan: Plan, written: Table) -> dict[str, Table]:
    """Return the times under each name that a NOTE has, also where nothing was written."""
    names = [station.name for station in plan.stations]
    noted = dict.fromkeys(names[step.target] for step in plan.steps if step.op == Op.NOTE)
    return {name: written["time"][written["name"] == names.index(name)] for name in noted}


def _in_hand(tables: Tables, *, begun: bool) -> Tasks:
    """Return the tasks that were begun and are not done, if they are wanted."""
    jobs: list[int] = []
    if begun:
        following = tables["links"][:, UNFINISHED]["next"].tolist()
        job = int(tables["chains"][TASKS]["first"])
        while job != NONE:
            jobs.append(job)
            job = following[job]
    requests = tables["jobs"][jobs]
    clients = tables["sessions"][requests["session"]]
    count = len(jobs)
    return Tasks(
        source=clients["source"].astype(NUMBERS["source"]),
        user=clients["user"].astype(NUMBERS["user"]),
        index=requests["index"].astype(NUMBERS["index"]),
        request_class=requests["request_class"].astype(NUMBERS["request_class"]),
        start=requests["start"],
        end=np.full(count, np.nan),
        status=np.full(count, Status.IN_FLIGHT, NUMBERS["status"]),
    )
