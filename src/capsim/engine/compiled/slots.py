"""Slots with a queue: threads, workers, pooled connections, locks.

Slot-seconds up to time t are `held_s + t * slots in use`: an acquisition at time a adds -a and a
release at time r adds r. So it is with those for clients that have gone.
"""

from capsim.engine.compiled.agenda import wake
from capsim.engine.compiled.closing import look_whether_empty
from capsim.engine.compiled.gauge import unweigh
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.line import decide, next_in
from capsim.engine.compiled.memory import drop_place
from capsim.engine.compiled.state import NONE, State
from capsim.engine.compiled.tracking import track, untrack


@kernel
def take(s: State, job: int, resource: int) -> None:
    """Give a free slot to a job; where slots have a weight, that has yet to be counted."""
    slots = s.resources[resource]
    slots.free -= 1
    slots.held_s -= s.registers[0].now
    _hold(s, job, resource)


@kernel
def give_back(s: State, job: int, place: int) -> None:
    """Take back the slot that a job holds at a place of its list."""
    resource, slot = s.held[job, place], s.held_slots[job, place]
    drop_place(s, job, place)
    release(s, job, resource, slot)


@kernel
def release(s: State, job: int, resource: int, slot: int) -> None:
    """Take a job's slot back and hand it to a waiter, unless it restarts or is closed."""
    slots = s.resources[resource]
    if slots.plain and s.resources[slots.line].waiting == 0 and not s.jobs[job].abandoned:
        slots.free += 1  # there is nothing else to do
        slots.held_s += s.registers[0].now
        return
    if slots.tracked and untrack(s, job, resource, slot):
        return
    if s.jobs[job].abandoned:
        slots.wasted -= 1
        slots.wasted_s += s.registers[0].now
    if pass_on(s, job, resource) == NONE and not slots.plain:
        unweigh(s, resource)
        look_whether_empty(s, resource)


@kernel
def pass_on(s: State, job: int, resource: int) -> int:
    """Hand a slot that a job has left to a waiter, or keep it; return the waiter."""
    slots = s.resources[resource]
    waiter = NONE if slots.closed else next_in(s, slots.line, job)
    if waiter != NONE:
        grant(s, waiter, resource)
        return waiter
    if slots.closed:
        slots.shut += 1
    else:
        slots.free += 1
    slots.held_s += s.registers[0].now
    return NONE


@kernel
def grant(s: State, job: int, resource: int) -> None:
    """End a job's wait with the slot that it waited for."""
    decide(s, job)
    request, base = s.jobs[job], s.resources[resource].route_base
    if base >= 0:
        request.route = s.sessions[request.session].route = resource - base
    _hold(s, job, resource)
    wake(s, job)


@kernel
def forsake_slot(s: State, resource: int) -> None:
    """Count a slot that is held for a client that has gone."""
    slots = s.resources[resource]
    slots.wasted += 1
    slots.wasted_s -= s.registers[0].now


@kernel
def _hold(s: State, job: int, resource: int) -> None:
    request = s.jobs[job]
    place = request.held
    s.held[job, place] = resource
    request.held = place + 1
    if s.resources[resource].tracked:
        track(s, job, resource, place)
    if request.abandoned:
        forsake_slot(s, resource)
