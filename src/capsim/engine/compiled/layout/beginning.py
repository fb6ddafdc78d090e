"""What happens first: timers of what has a fixed time, and populations that are ready to begin."""

from typing import Any

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.agenda import (
    ARRIVALS,
    BLACKOUT,
    FLUSH,
    OPEN,
    OUTAGE,
    SAMPLE,
    SESSION,
    SPEED,
)
from capsim.engine.compiled.layout.rows import Row, Table, Tables, table_of
from capsim.engine.compiled.population import BEGINS
from capsim.engine.compiled.state import NONE
from capsim.engine.trace import SAMPLE_S
from capsim.plan.plan import Blackout, Outage, Plan, Source


class _Timers:
    """Timers of what happens at a fixed time, in the order in which they are set."""

    def __init__(self, horizon_s: float) -> None:
        self._horizon_s = horizon_s
        # The first sample is always due, even beyond the end: so there is always a next timer.
        self.rows: list[Row] = [{"time": SAMPLE_S, "kind": SAMPLE}]

    def add(self, time_s: float, kind: int, who: int, stamp: int = 0) -> None:
        if time_s < self._horizon_s:
            order = len(self.rows)
            self.rows.append(
                {"time": time_s, "order": order, "kind": kind, "who": who, "stamp": stamp}
            )

    def table(self) -> Table:
        """Return them: sorted rows are a heap."""
        return table_of(state.TIMER, sorted(self.rows, key=lambda row: row["time"]))


def lay_timers(plan: Plan, tables: Tables) -> Tables:
    """Return the timers of what happens at a fixed time; what does at time zero happens now."""
    changes: list[Row] = []
    timers = _Timers(plan.horizon_s)
    for number, spec in enumerate(plan.stations):
        for time_s, speed in spec.speeds:
            if time_s > 0.0:
                timers.add(time_s, SPEED, len(changes))
                changes.append({"who": number, "value": speed})
    for number, outage in enumerate(plan.outages):
        if outage.time_s > 0.0:
            timers.add(outage.time_s, OUTAGE, number)
        else:
            _begin_closed(tables["resources"][outage.resource], outage, timers)
    for number, blackout in enumerate(plan.blackouts):
        if blackout.time_s > 0.0:
            timers.add(blackout.time_s, BLACKOUT, number)
        else:
            _begin_down(tables["stations"][blackout.station], blackout)
    for flush in plan.flushes:
        if flush.time_s > 0.0:
            timers.add(flush.time_s, FLUSH, len(changes))
            changes.append({"who": flush.first, "count": flush.count})
        else:
            tables["cells"][flush.first : flush.first + flush.count] = 0.0
    return {"timers": timers.table(), "changes": table_of(state.CHANGE, changes)}


def _begin_closed(resource: Any, outage: Outage, timers: _Timers) -> None:
    """Begin with a resource away that nobody holds, however it is closed."""
    if resource["owned"] != NONE:
        resource["closed_until"] = max(resource["closed_until"], outage.duration_s)
        return
    resource["closed"], resource["plain"] = 1, 0
    resource["shut"] += resource["free"]
    resource["free"] = 0
    if outage.refuses:
        resource["queue_limit"] = 0
    resource["opens_at"] = max(resource["opens_at"], outage.duration_s)
    resource["openings"] += 1
    timers.add(resource["opens_at"], OPEN, outage.resource, resource["openings"])


def _begin_down(station: Any, blackout: Blackout) -> None:
    station["down_until"] = max(station["down_until"], blackout.duration_s)
    station["down_status"] = blackout.status


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
