"""Slots that outlive a request: a connection kept by a user's server thread or a worker."""

from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.memory import place_of
from capsim.engine.compiled.state import NONE, State
from capsim.plan.ops import Owner

_USER = int(Owner.USER)


@kernel
def holds(s: State, job: int, step: int) -> bool:
    """Return whether the owner that a HOLD means has a slot."""
    owned = s.resources[s.steps[step].target].owned
    if s.steps[step].owner == _USER:
        return s.owned_by_session[s.jobs[job].session, owned] == 1
    return s.owned_by_slot[owned, _owner(s, job, step)] == 1


@kernel
def hold(s: State, job: int, step: int) -> bool:
    """Give the owner a slot; return whether there was one."""
    slots = s.resources[s.steps[step].target]
    if slots.owners >= slots.capacity:
        return False
    slots.owners += 1
    slots.held_s -= s.registers[0].now
    if s.steps[step].owner == _USER:
        s.owned_by_session[s.jobs[job].session, slots.owned] = 1
    else:
        s.owned_by_slot[slots.owned, _owner(s, job, step)] = 1
    return True


@kernel
def _owner(s: State, job: int, step: int) -> int:
    """Return the number, among all slots that are told apart, of the one that owns."""
    resource = s.steps[step].owner_resource + s.jobs[job].route // s.steps[step].divisor
    return s.resources[resource].ring + s.held_slots[job, place_of(s, job, resource)]


@kernel
def drop_of_slot(s: State, resource: int, slot: int) -> None:
    """Take back what a slot of a resource owned."""
    if s.resources[resource].ring == NONE:
        return
    owner = s.resources[resource].ring + slot
    for number in range(len(s.resources)):
        slots = s.resources[number]
        if slots.owned != NONE and s.owned_by_slot[slots.owned, owner]:
            s.owned_by_slot[slots.owned, owner] = 0
            slots.owners -= 1
            slots.held_s += s.registers[0].now


@kernel
def close_session(s: State, session: int) -> None:
    """Close a connection: what the user's server thread owned is free again."""
    s.sessions[session].route = NONE
    for resource in range(len(s.resources)):
        slots = s.resources[resource]
        if slots.owned != NONE and s.owned_by_session[session, slots.owned]:
            s.owned_by_session[session, slots.owned] = 0
            slots.owners -= 1
            slots.held_s += s.registers[0].now
