"""Which slot a job holds, and since when, where that matters; and slots that boot anew."""

from capsim.engine.compiled.agenda import BOOT, schedule
from capsim.engine.compiled.closing import drain
from capsim.engine.compiled.deadlines import add_deadline
from capsim.engine.compiled.gauge import unweigh
from capsim.engine.compiled.holders import enlist, strike_off
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.memory import keep_job, new_token
from capsim.engine.compiled.owned import drop_of_slot
from capsim.engine.compiled.state import NONE, State
from capsim.engine.compiled.uses import count, renew, used_up


@kernel
def track(s: State, job: int, resource: int, place: int) -> None:
    """Note what is to be known of the slot that a job has from now on, at a place of its list."""
    slots = s.resources[resource]
    slot = 0 if slots.ring == NONE else _take_idle(s, resource)
    s.held_slots[job, place] = slot
    if slots.holders != NONE:
        enlist(s, job, slots.holders)
        if slots.holds != NONE:
            add_deadline(s, slots.holds, job, s.jobs[job].stamp)
    if slots.uses_count and count(s, resource, slot) and slots.whole:
        drain(s, resource, slots.restart_s, 0, NONE)


@kernel
def untrack(s: State, job: int, resource: int, slot: int) -> bool:
    """Forget that a job holds a slot; return whether the slot restarts now (rule 14)."""
    slots = s.resources[resource]
    if slots.holders != NONE:
        strike_off(s, job, slots.holders)
    if slots.uses_count and used_up(s, resource, slot):
        restart(s, job, resource, slot)
        return True
    if slots.ring != NONE:
        put_idle(s, resource, slot)
    return False


@seldom
def restart(s: State, job: int, resource: int, slot: int) -> None:
    """Take a job's slot out of service for the time that it takes to boot."""
    slots, now = s.resources[resource], s.registers[0].now
    if slots.holders != NONE:
        strike_off(s, job, slots.holders)
    if s.jobs[job].abandoned:
        slots.wasted -= 1
        slots.wasted_s += now
    drop_of_slot(s, resource, slot)
    if slots.uses_count:
        renew(s, resource, slot)
    unweigh(s, resource)
    slots.away += 1
    slots.held_s += now
    keep_job(s, job)  # its luck says who is next
    schedule(s, now + slots.restart_s, BOOT, new_token(s, job, slot, now), resource)


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
