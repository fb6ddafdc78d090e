"""The stations of a plan as rows, and the groups of cores that they share."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.layout.rows import Row, Tables, table_of
from capsim.engine.compiled.state import NONE
from capsim.plan.plan import INFINITE, Plan, Station

_FIRST_SERVICES = 64  # of each station, to begin with; the tables grow


def lay_stations(plan: Plan) -> Tables:
    """Return the tables of stations, of groups, and of who is served or waits for a turn."""
    shape = (len(plan.stations), _FIRST_SERVICES)
    groups = [{"cores": cores, "share": 1.0} for cores in plan.group_cores]
    return {
        "stations": table_of(state.STATION, [_station(spec) for spec in plan.stations]),
        "groups": table_of(state.GROUP, groups),
        "services": np.zeros(shape, state.SERVICE),
        "queues": np.zeros(shape, np.int64),
    }


def _station(spec: Station) -> Row:
    at_first = [speed for time_s, speed in spec.speeds if time_s == 0.0]
    return {
        "quantum": spec.quantum_s != 0,
        "quantum_s": spec.quantum_s,
        "outlives": spec.outlives,
        "turn_column": spec.turn_column,
        "group": spec.group,
        "cores": spec.cores,
        "contention": spec.contention,
        "coherency": spec.coherency,
        "idle_overhead": spec.idle_overhead,
        "speed": at_first[-1] if at_first else 1.0,
        "rate": 1.0,
        "share": 1.0,
        "slice_end": INFINITE,
        "running": NONE,
        "last": NONE,
    }
