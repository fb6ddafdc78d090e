"""What all stations share: how fast they run, whose cores they use, and how busy they were.

Work is measured on the station's own clock, `virtual`, which advances by the core-seconds that a
job in service receives.
"""

from capsim.engine.compiled import processor_sharing, time_slicing
from capsim.engine.compiled.agenda import begin_wait
from capsim.engine.compiled.clock import account
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.state import NONE, State


@kernel
def serve(s: State, job: int, station: int, demand: float) -> None:
    """Begin a service; the job goes on when the demand is served, or it is killed."""
    account(s, station)
    core, request = s.stations[station], s.jobs[job]
    begin_wait(s, job)
    request.station, request.sequence, request.end = station, core.sequence, demand
    core.sequence += 1
    if core.quantum:
        time_slicing.enter(s, station, job)
    else:
        processor_sharing.enter(s, station, job)
    _count(s, station, +1)


@kernel
def withdraw(s: State, job: int) -> None:
    """Stop serving a job that is interrupted."""
    request = s.jobs[job]
    station = request.station
    account(s, station)
    if s.stations[station].quantum:
        time_slicing.leave(s, station, job)
    else:
        processor_sharing.leave(s, station, job)
    request.station = NONE
    _count(s, station, -1)


@kernel
def hand_on_service(s: State, job: int, heir: int) -> None:
    """Have a job's service go on for another one."""
    request, ghost = s.jobs[job], s.jobs[heir]
    station = request.station
    if s.stations[station].quantum:
        time_slicing.hand_on(s, station, job, heir)
    else:
        processor_sharing.hand_on(s, station, job, heir)
    ghost.station, ghost.sequence, ghost.end = station, request.sequence, request.end
    request.station = NONE


@seldom
def first_present(s: State, station: int) -> int:
    """Return who of those in service came first."""
    if s.stations[station].quantum:
        return time_slicing.first_present(s, station)
    return processor_sharing.first_present(s, station)


@seldom
def set_speed(s: State, station: int, speed: float) -> None:
    """Run at another speed from now on."""
    s.stations[station].speed = speed
    _rerate(s, station)


@kernel
def forsake_service(s: State, job: int) -> None:
    """Take note that the client of a job in service has gone."""
    station = s.jobs[job].station
    account(s, station)
    if s.stations[station].quantum:
        time_slicing.forsake(s, station, job)
    else:
        processor_sharing.forsake(s, station)


@kernel
def fire(s: State, station: int, timer_number: int) -> int:
    """Do what a station's timer was set for; return the job that is done, if one is."""
    core = s.stations[station]
    if timer_number != core.timer_number:
        return NONE  # something has changed since this timer was set
    core.armed = 0
    account(s, station)
    if core.quantum:
        done = time_slicing.due(s, station)
        if done == NONE:
            time_slicing.arm(s, station)
            return NONE
    else:
        done = processor_sharing.due(s, station)
    s.jobs[done].station = NONE
    s.jobs[done].waiting = 0
    _count(s, station, -1)
    return done


@kernel
def _count(s: State, station: int, by: int) -> None:
    core = s.stations[station]
    before = core.present
    core.present = before + by
    if core.group != NONE:
        if before == 0:
            _change_group(s, core.group, +1)
        elif core.present == 0:
            _change_group(s, core.group, -1)
    _arm(s, station)


@kernel
def _change_group(s: State, number: int, by: int) -> None:
    """Count a station that became busy or idle; the others speed up or slow down."""
    group = s.groups[number]
    group.active += by
    share = 1.0 if group.active <= group.cores else group.cores / group.active
    if share != group.share:
        group.share = share
        for station in range(len(s.stations)):
            if s.stations[station].group == number:
                _rerate(s, station)


@kernel
def _rerate(s: State, station: int) -> None:
    """Take a change of speed or of the group's share into account."""
    account(s, station)
    _arm(s, station)


@kernel
def _arm(s: State, station: int) -> None:
    """Set the timer for what happens next at the present rates, if it is not set for it."""
    if s.stations[station].quantum:
        time_slicing.arm(s, station)
    else:
        processor_sharing.arm(s, station)
