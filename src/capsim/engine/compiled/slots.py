"""Slots with a queue: threads, workers, pooled connections, locks.

Slot-seconds up to time t are `held_s + t * slots in use`: an acquisition at time a adds -a and a
release at time r adds r. So it is with those for clients that have gone.
"""

from capsim.engine.compiled.agenda import wake
from capsim.engine.compiled.deadlines import add_deadline
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.line import decide, next_in
from capsim.engine.compiled.memory import drop_place, place_of
from capsim.engine.compiled.state import NONE, State


@kernel
def in_use(s: State, resource: int) -> int:
    """Return how many slots are held."""
    slots = s.resources[resource]
    return slots.capacity - slots.free - slots.away


@kernel
def take(s: State, job: int, resource: int) -> None:
    """Give a free slot to a job."""
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
    """Take a job's slot back and hand it to a waiter."""
    slots = s.resources[resource]
    if slots.ring != NONE:
        put_idle(s, resource, slot)
    if s.jobs[job].abandoned:
        slots.wasted -= 1
        slots.wasted_s += s.registers[0].now
    pass_on(s, job, resource)


@kernel
def pass_on(s: State, job: int, resource: int) -> None:
    """Hand a slot that a job has left to a waiter, or have it free."""
    slots = s.resources[resource]
    waiter = next_in(s, slots.line, job)
    if waiter != NONE:
        _grant(s, waiter, resource)
    else:
        slots.free += 1
        slots.held_s += s.registers[0].now


@kernel
def forsake_slot(s: State, resource: int) -> None:
    """Count a slot that is held for a client that has gone."""
    slots = s.resources[resource]
    slots.wasted += 1
    slots.wasted_s -= s.registers[0].now


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
    if s.resources[resource].holds != NONE:
        s.held_since[job, request.held - 1] = float("nan")
        s.held_since[job, place_of(s, job, resource)] = s.registers[0].now
        add_deadline(s, s.resources[resource].holds, job, request.stamp)
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
def put_idle(s: State, resource: int, slot: int) -> None:
    """Have a slot idle: the one used last."""
    slots = s.resources[resource]
    s.slot_rings[slots.ring + (slots.ring_first + slots.ring_count) % slots.capacity] = slot
    slots.ring_count += 1
