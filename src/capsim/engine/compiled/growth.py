"""Makes tables larger, which the compiled code, owning no memory, asks for."""

import numpy as np

from capsim.engine.compiled.layout.rows import Table, Tables

# Tables of one row for each row of another one.
_BESIDE = {
    "jobs": ("links", "held", "held_slots", "held_since", "waits"),
    "sessions": ("owned_by_session",),
    "tokens": (),
    "records": ("record_waits",),
}
# What links the free rows of a table, and counts them.
_SPARE = {
    "jobs": ("free_job", "spare_jobs"),
    "sessions": ("free_session", "spare_sessions"),
    "tokens": ("free_token", "spare_tokens"),
}
_MARGINS = {"jobs": "margin_jobs", "tokens": "margin_tokens"}
_ROOM = 16
_FEW = 512  # rows: a small table is enlarged by at least so many, for it may be asked to again soon
_MANY = 16384  # rows: up to so many a table is doubled, so that it is enlarged a few times only
_SHARE = 16  # of a larger one, that it is enlarged by: its unused rows take memory, too


def larger(count: int, few: int = _FEW, many: int = _MANY) -> int:
    """Return how many rows a table gets that has so many."""
    return count + (max(few, count) if count < many else count // _SHARE)


def make_room(tables: Tables) -> bool:
    """Enlarge every table that is nearly full; return whether any had to be moved."""
    registers, moved = tables["registers"][0], _widen(tables)
    for name, (first, spare) in _SPARE.items():
        _set_margins(tables)
        while registers[spare] < _ROOM + registers[_MARGINS.get(name, "margin_jobs")]:
            _enlarge_linked(tables, name, first, spare)
            _set_margins(tables)
            moved = True
    while registers["timers"] + registers["margin"] + _ROOM > len(tables["timers"]):
        _enlarge(tables, "timers")
        moved = True
    for name in ("records", "tasks"):  # at the end, every job may have to be written down
        while registers[name] + len(tables["jobs"]) + _ROOM > len(tables[name]):
            _enlarge(tables, name)
            moved = True
    moved |= _enlarge_ready(tables)
    registers["room"] = 0  # it was counted with other margins
    return moved


def _set_margins(tables: Tables) -> None:
    """Say how much room may be needed at once.

    A job may fork, be killed and leave a ghost, and at its end grant, or have booted, every slot
    that it has. A service may end that was its station's only one, and the same job begin one at an
    idle station: each changes the speed of all stations that share cores. Where something befalls
    many at once, all jobs may leave ghosts, boot a slot and leave a station, and every station that
    has one fall idle, or all that wait be granted a slot.
    """
    registers, held = tables["registers"][0], tables["held"].shape[1]
    jobs, stations = len(tables["jobs"]), len(tables["stations"])
    swept = jobs if registers["sweeping"] else 0
    registers["margin"] = 2 * stations + len(tables["deadlines"]) + held + 8
    if registers["sweeping"]:
        registers["margin"] += 4 * jobs + min(stations, jobs) ** 2
    registers["margin_jobs"] = 3 + (swept + 1) // 2
    registers["margin_tokens"] = held + 4 + swept


def _widen(tables: Tables) -> bool:
    """Double what each station, or each job, has room for, where that is needed."""
    stations, width = tables["stations"], tables["services"].shape[1]
    full = []
    if len(stations) and max(stations["services"].max(), stations["waiting"].max()) == width:
        full += ["services", "queues"]
    if tables["jobs"]["held"].max(initial=0) == tables["held"].shape[1]:
        full += ["held", "held_slots"]
    for name in full:
        tables[name] = _wider(tables[name])
    return bool(full)


def longer(table: Table, count: int) -> Table:
    """Return a table with more rows."""
    if table.flags.owndata:
        # The operating system moves large tables without touching them; nobody else refers to it.
        table.resize((count, *table.shape[1:]), refcheck=False)
        return table
    enlarged = np.zeros((count, *table.shape[1:]), table.dtype)
    enlarged[: len(table)] = table
    return enlarged


def _wider(table: Table) -> Table:
    enlarged = np.zeros((len(table), 2 * table.shape[1]), table.dtype)
    enlarged[:, : table.shape[1]] = table
    return enlarged


def _enlarge(tables: Tables, name: str) -> None:
    count = larger(len(tables[name]))
    for each in (name, *_BESIDE.get(name, ())):
        tables[each] = longer(tables[each], count)


def _enlarge_linked(tables: Tables, name: str, first: str, spare: str) -> None:
    """Enlarge a table of rows that come and go, and link the new rows as free ones."""
    registers, before = tables["registers"][0], len(tables[name])
    _enlarge(tables, name)
    after = len(tables[name])
    tables[name]["next"][before:] = np.arange(before + 1, after + 1)
    tables[name]["next"][-1] = registers[first]
    registers[first] = before
    registers[spare] += after - before


def _enlarge_ready(tables: Tables) -> bool:
    """Have room for every job, session and source to be ready at once, from the first place on."""
    need = len(tables["jobs"]) + len(tables["sessions"]) + len(tables["sources"]) + _ROOM
    if need <= len(tables["ready"]):
        return False
    registers = tables["registers"][0]
    in_order = np.roll(tables["ready"], -int(registers["ready_first"]))
    registers["ready_first"] = 0
    tables["ready"] = longer(in_order, larger(need))
    return True
