"""What happens first: timers of what has a fixed time, and populations that are ready to begin."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.agenda import ARRIVALS, FLUSH, SAMPLE, SESSION, SPEED
from capsim.engine.compiled.layout.rows import Row, Table, Tables, table_of
from capsim.engine.compiled.population import BEGINS
from capsim.engine.compiled.recorder import SAMPLE_S
from capsim.engine.compiled.state import NONE
from capsim.plan.plan import Plan, Source


def lay_timers(plan: Plan, cells: Table) -> Tables:
    """Return the timers of what happens at a fixed time; what does at time zero happens now."""
    changes: list[Row] = []
    timers: list[tuple[float, int, int]] = [(SAMPLE_S, SAMPLE, 0)]
    for number, spec in enumerate(plan.stations):
        for time_s, speed in spec.speeds:
            if 0.0 < time_s < plan.horizon_s:
                timers.append((time_s, SPEED, len(changes)))
                changes.append({"who": number, "value": speed})
    for flush in plan.flushes:
        if flush.time_s == 0.0:
            cells[flush.first : flush.first + flush.count] = 0.0
        elif flush.time_s < plan.horizon_s:
            timers.append((flush.time_s, FLUSH, len(changes)))
            changes.append({"who": flush.first, "count": flush.count})
    rows = [
        {"time": time_s, "order": order, "kind": kind, "who": who}
        for order, (time_s, kind, who) in enumerate(timers)
    ]
    rows.sort(key=lambda row: row["time"])  # sorted rows are a heap
    return {"timers": table_of(state.TIMER, rows), "changes": table_of(state.CHANGE, changes)}


def lay_populations(plan: Plan) -> Tables:
    """Have every user and every stream of arrivals ready, in order."""
    begins = [_session_rows(number, source) for number, source in enumerate(plan.sources)]
    sessions = np.concatenate([*begins, np.zeros(0, state.SESSION)])
    ready = [np.zeros(0, state.READY)]
    users = 0
    for number, source in enumerate(plan.sources):
        of_source = np.zeros(1 if source.open else len(source.starts), state.READY)
        of_source["kind"] = ARRIVALS if source.open else SESSION
        of_source["who"] = number if source.open else np.arange(users, users + len(of_source))
        ready.append(of_source)
        users += 0 if source.open else len(of_source)
    return {"sessions": sessions, "ready": np.concatenate(ready)}


def _session_rows(number: int, source: Source) -> Table:
    """Return the sessions of the closed users of a source."""
    sessions = np.zeros(0 if source.open else len(source.starts), state.SESSION)
    if not source.open:
        sessions["source"], sessions["user"] = number, np.arange(len(sessions))
        sessions["route"], sessions["refs"], sessions["phase"] = NONE, 1, BEGINS
        sessions["stop"], sessions["ahead"] = source.stops, source.starts
    return sessions
