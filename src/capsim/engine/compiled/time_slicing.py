"""One core that jobs take in turns: the threads of a Python process under the GIL.

Who waits stands in a row of a table, in order of arrival: any place of it may be next, and a walk
along links to the middle of a long one would cost more than closing its gap.
"""

from capsim.engine.compiled.clock import rest, total_rate, wait_for
from capsim.engine.compiled.draws import luck
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.memory import keep_job, leave_job
from capsim.engine.compiled.state import NONE, State
from capsim.plan.ops import NO_COLUMN, SAME_INSTANT_S

_INFINITE = float("inf")
_SLICE = -1  # what the timer waits for when it is no service's end


@kernel
def enter(s: State, station: int, job: int) -> None:
    """Take a service in: behind those that wait."""
    core = s.stations[station]
    s.queues[station, core.waiting] = job
    core.waiting += 1


@kernel
def leave(s: State, station: int, job: int) -> None:
    """Take a service that is not done out."""
    if s.stations[station].running == job:
        _stop(s, station)
    else:
        place = 0
        while s.queues[station, place] != job:
            place += 1
        _take_out(s, station, place)


@kernel
def forsake(s: State, station: int, job: int) -> None:
    """Take note that the client of a job in service has gone."""
    core = s.stations[station]
    if core.running == job:
        core.wasted_share = 1.0


@kernel
def hand_on(s: State, station: int, job: int, heir: int) -> None:
    """Have a service go on for another job."""
    core, queue = s.stations[station], s.queues[station]
    if core.running == job:
        core.running = heir
    for place in range(core.waiting):
        if queue[place] == job:
            queue[place] = heir


@kernel
def first_present(s: State, station: int) -> int:
    """Return who of those present came first."""
    core, queue = s.stations[station], s.queues[station]
    first = core.running
    for place in range(core.waiting):
        if first == NONE or s.jobs[queue[place]].sequence < s.jobs[first].sequence:
            first = queue[place]
    return first


@kernel
def arm(s: State, station: int) -> None:
    """Set the timer for the end of the service, or of the slice where that comes first."""
    core = s.stations[station]
    if core.running == NONE:
        if core.waiting == 0:
            rest(s, station)
            return
        _start_next(s, station)
    running, now = s.jobs[core.running], s.registers[0].now
    if core.waiting == 0:
        core.slice_end = _INFINITE  # the only waiter may have been killed
    elif core.slice_end == _INFINITE:
        core.slice_end = now + core.quantum_s
    core.rate = total_rate(s, station)
    ahead = (running.end - core.virtual) / core.rate
    if now + ahead <= core.slice_end + SAME_INSTANT_S:
        wait_for(s, station, ahead, running.sequence, core.rate)
    else:
        wait_for(s, station, core.slice_end - now, _SLICE, core.slice_end)


@kernel
def due(s: State, station: int) -> int:
    """Return the job that is done; or have the running one give way to another."""
    core = s.stations[station]
    job = core.running
    running = s.jobs[job]
    _stop(s, station)
    if core.armed_for == running.sequence:
        return job
    running.end = max(0.0, running.end - core.virtual)
    _start_next(s, station)  # never the one that gave way
    enter(s, station, job)
    return NONE


@kernel
def _stop(s: State, station: int) -> None:
    core = s.stations[station]
    keep_job(s, core.running)  # its luck says who is next, even after it has ended
    if core.last != NONE:
        leave_job(s, core.last)
    core.last = core.running
    core.running = NONE
    core.wasted_share = 0.0


@kernel
def _start_next(s: State, station: int) -> None:
    core = s.stations[station]
    place = _choice(s, station)
    job = s.queues[station, place]
    _take_out(s, station, place)
    chosen = s.jobs[job]
    chosen.end += core.virtual
    core.running = job
    core.wasted_share = float(chosen.abandoned)
    core.slice_end = _INFINITE


@kernel
def _choice(s: State, station: int) -> int:
    """Return the place of the next one among those that wait, as rule 8 has it."""
    core = s.stations[station]
    if core.waiting == 1 or core.last == NONE or core.turn_column == NO_COLUMN:
        return 0
    return int(luck(s, core.last, core.turn_column) * core.waiting)


@kernel
def _take_out(s: State, station: int, place: int) -> None:
    """Take the service at a place out of those that wait, and close the gap."""
    core, queue = s.stations[station], s.queues[station]
    core.waiting -= 1
    for i in range(place, core.waiting):
        queue[i] = queue[i + 1]
