"""What happens first: timers of what has a fixed time, and populations that are ready to begin."""

from capsim.engine.compiled import state
from capsim.engine.compiled.agenda import ARRIVALS, FLUSH, SAMPLE, SESSION, SPEED
from capsim.engine.compiled.layout.rows import Row, Table, Tables, table_of
from capsim.engine.compiled.population import BEGINS
from capsim.engine.compiled.recorder import SAMPLE_S
from capsim.engine.compiled.state import NONE
from capsim.plan.plan import Plan


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
    sessions: list[Row] = []
    ready: list[Row] = []
    for number, source in enumerate(plan.sources):
        if source.open:
            ready.append({"kind": ARRIVALS, "who": number})
            continue
        times = zip(source.starts.tolist(), source.stops.tolist(), strict=True)
        for user, (start, stop) in enumerate(times):
            ready.append({"kind": SESSION, "who": len(sessions)})
            sessions.append(
                {
                    "source": number, "user": user, "route": NONE, "refs": 1,
                    "phase": BEGINS, "stop": stop, "ahead": start,
                }
            )  # fmt: skip
    return {
        "sessions": table_of(state.SESSION, sessions),
        "ready": table_of(state.READY, ready),
    }
