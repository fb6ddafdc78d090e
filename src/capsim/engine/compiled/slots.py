"""Slots with a queue: threads, workers, pooled connections, locks.

Slot-seconds up to time t are `held_s + t * slots in use`: an acquisition at time a adds -a and a
release at time r adds r. So it is with those for clients that have gone.
"""

from capsim.engine.compiled.agenda import wake
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.line import decide, next_in
from capsim.engine.compiled.state import NONE, State


@kernel
def in_use(s: State, resource: int) -> int:
    """Return how many slots are held."""
    slots = s.resources[resource]
    return slots.capacity - slots.free


@kernel
def take(s: State, job: int, resource: int) -> None:
    """Give a free slot to a job."""
    slots = s.resources[resource]
    slots.free -= 1
    slots.held_s -= s.registers[0].now
    _hold(s, job, resource)


@kernel
def give_back(s: State, job: int, place: int) -> None:
    """Take back the slot that a job holds at a place of its list, and close the gap."""
    request = s.jobs[job]
    resource, slot = s.held[job, place], s.held_slots[job, place]
    request.held -= 1
    for i in range(place, request.held):
        s.held[job, i] = s.held[job, i + 1]
        s.held_slots[job, i] = s.held_slots[job, i + 1]
    release(s, job, resource, slot)


@kernel
def release(s: State, job: int, resource: int, slot: int) -> None:
    """Take a job's slot back and hand it to a waiter."""
    slots, now = s.resources[resource], s.registers[0].now
    if slots.ring != NONE:
        _put_idle(s, resource, slot)
    if s.jobs[job].abandoned:
        slots.wasted -= 1
        slots.wasted_s += now
    waiter = next_in(s, slots.line, job)
    if waiter != NONE:
        _grant(s, waiter, resource)
    else:
        slots.free += 1
        slots.held_s += now


@kernel
def forsake_slot(s: State, resource: int) -> None:
    """Count a slot that is held for a client that has gone."""
    slots = s.resources[resource]
    slots.wasted += 1
    slots.wasted_s -= s.registers[0].now


@kernel
def place_of(s: State, job: int, resource: int) -> int:
    """Return where in its list of slots a job has one of a resource."""
    for place in range(s.jobs[job].held):
        if s.held[job, place] == resource:
            return place
    return NONE


@kernel
def _grant(s: State, job: int, resource: int) -> None:
    decide(s, job)
    request, base = s.jobs[job], s.resources[resource].route_base
    if base >= 0:
        request.route = s.sessions[request.session].route = resource - base
    _hold(s, job, resource)
    wake(s, job)


@kernel
def _hold(s: State, job: int, resource: int) -> None:
    """Write down that a job holds a slot, and which one where that matters."""
    request = s.jobs[job]
    s.held[job, request.held] = resource
    if s.resources[resource].ring != NONE:
        s.held_slots[job, request.held] = _take_idle(s, resource)
    request.held += 1
    if request.abandoned:
        forsake_slot(s, resource)


@kernel
def _take_idle(s: State, resource: int) -> int:
    """Return the slot least recently used, as idle threads take work from a queue."""
    slots = s.resources[resource]
    slot = s.slot_rings[slots.ring + slots.ring_first]
    slots.ring_first = (slots.ring_first + 1) % slots.capacity
    slots.ring_count -= 1
    return slot


@kernel
def _put_idle(s: State, resource: int, slot: int) -> None:
    slots = s.resources[resource]
    s.slot_rings[slots.ring + (slots.ring_first + slots.ring_count) % slots.capacity] = slot
    slots.ring_count += 1
