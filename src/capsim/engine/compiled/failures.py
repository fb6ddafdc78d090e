"""What ends requests from outside: an outage, a station that is down, memory that runs out."""

import math

from capsim.engine.compiled.chain import HOLDING
from capsim.engine.compiled.closing import close, drain
from capsim.engine.compiled.fate import interrupt
from capsim.engine.compiled.gauge import add
from capsim.engine.compiled.holders import chain_of, in_use
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.killing import kill
from capsim.engine.compiled.owned import close_owned, lose
from capsim.engine.compiled.state import NONE, State
from capsim.engine.compiled.station import first_present
from capsim.plan.ops import Status

_SERVER_LOST, _UNREACHABLE = int(Status.SERVER_LOST), int(Status.UNREACHABLE)


@seldom
def begin(s: State, number: int) -> None:
    """Close a resource for an outage."""
    outage, now = s.outages[number], s.registers[0].now
    resource = outage.resource
    if s.resources[resource].owned != NONE:
        close_owned(s, resource, now + outage.duration)
        return
    if outage.drains:
        drain(s, resource, outage.duration, outage.refuses, outage.loss)
    else:
        lose(s, outage.loss)
        close(s, resource, now + outage.duration, outage.refuses)
    if outage.kill:
        _kill_holders(s, resource, _SERVER_LOST, NONE)
    elif outage.inside < outage.inside_end:
        _kill_holders(s, resource, _UNREACHABLE, number)


@seldom
def _kill_holders(s: State, resource: int, status: int, outage: int) -> None:
    """Kill all who hold a slot; of an outage, those who have not come in yet."""
    holders = s.resources[resource].holders
    job = s.chains[chain_of(s, holders)].first
    while job != NONE:
        behind = s.links[job, HOLDING + holders].next
        if outage == NONE or _is_outside(s, job, outage):
            kill(s, job, NONE, status)
        job = behind


@seldom
def _is_outside(s: State, job: int, outage: int) -> bool:
    """Return whether a job has not come in yet."""
    for place in range(s.jobs[job].held):
        for inside in range(s.outages[outage].inside, s.outages[outage].inside_end):
            if s.held[job, place] == s.lists[inside]:
                return False
    return True


@seldom
def black_out(s: State, number: int) -> None:
    """Take a station down: who is served there, or waits for what it guards, fails."""
    blackout = s.blackouts[number]
    station, status = s.stations[blackout.station], blackout.status
    station.down_until = max(station.down_until, s.registers[0].now + blackout.duration)
    station.down_status = status
    job = first_present(s, blackout.station)
    while job != NONE:
        interrupt(s, job, status, s.jobs[job].error)
        job = first_present(s, blackout.station)
    for place in range(blackout.lines, blackout.lines_end):
        line = s.resources[s.resources[s.lists[place]].line]
        while line.waiting > 0:
            job = s.chains[line.chain].first
            interrupt(s, job, status, s.jobs[job].error)


@kernel
def weigh(s: State, resource: int, job: int) -> None:
    """Count a slot that is granted to a job, in every gauge; what is too much ends somebody."""
    for place in range(s.resources[resource].weights, s.resources[resource].weights_end):
        if add(s, s.weights[place].gauge, s.weights[place].weight):
            _out_of_memory(s, s.weights[place].gauge, job)


@seldom
def _out_of_memory(s: State, number: int, job: int) -> None:
    """Kill whoever uses most of what has run out."""
    gauge = s.gauges[number]
    if gauge.whole:
        lose(s, gauge.loss)
    largest, most = gauge.victims, NONE
    for place in range(gauge.victims, gauge.victims_end):
        if in_use(s, s.lists[place]) > most:
            largest, most = place, in_use(s, s.lists[place])
    slots = s.resources[s.lists[largest]]
    if slots.ring != NONE and not gauge.whole:
        known = not math.isnan(s.held_since[job, slots.holders])
        last = job if known else s.chains[chain_of(s, slots.holders)].last
        if last != NONE:
            kill(s, last, s.lists[largest], _SERVER_LOST)
        return
    for place in range(gauge.victims, gauge.victims_end):
        if gauge.whole or place == largest:
            drain(s, s.lists[place], gauge.restart_s, gauge.whole, gauge.loss)
            lose(s, s.resources[s.lists[place]].loss)
            _kill_holders(s, s.lists[place], _SERVER_LOST, NONE)
