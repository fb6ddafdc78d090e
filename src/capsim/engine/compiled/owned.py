"""Slots that outlive a request: a connection kept by a user's server thread or a worker."""

from capsim.engine.compiled.gauge import unweigh
from capsim.engine.compiled.jit import kernel, seldom
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
    """Give the owner a slot; return whether there was one. Its weight has yet to be counted."""
    slots = s.resources[s.steps[step].target]
    if slots.owners >= slots.capacity or s.registers[0].now < slots.closed_until:
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


@seldom
def drop_of_slot(s: State, resource: int, slot: int) -> None:
    """Take back what a slot of a resource owned."""
    if s.resources[resource].ring != NONE:
        owner = s.resources[resource].ring + slot
        for number in range(len(s.resources)):
            if s.resources[number].owned != NONE:
                _drop_of_slot(s, number, owner)


@kernel
def close_session(s: State, session: int) -> None:
    """Close a connection: what the user's server thread owned is free again."""
    s.sessions[session].route = NONE
    if s.owned_by_session.shape[1] == 0:
        return
    for number in range(len(s.resources)):
        if s.resources[number].owned != NONE:
            _drop_of_session(s, number, session)


@seldom
def lose(s: State, number: int) -> None:
    """Take the slots back whose owners are lost."""
    if number == NONE:
        return
    loss = s.losses[number]
    for resource in range(len(s.resources)):
        if s.resources[resource].owned == NONE:
            continue
        for session in range(len(s.sessions)):
            if loss.route <= max(0, s.sessions[session].route) < loss.routes_end:
                _drop_of_session(s, resource, session)
        for place in range(loss.slots_of, loss.slots_of_end):
            _drop_of_all_slots(s, resource, s.lists[place])


@seldom
def close_owned(s: State, resource: int, until: float) -> None:
    """Take every slot back, and give none before a time."""
    for session in range(len(s.sessions)):
        _drop_of_session(s, resource, session)
    for number in range(len(s.resources)):
        _drop_of_all_slots(s, resource, number)
    s.resources[resource].closed_until = max(s.resources[resource].closed_until, until)


@kernel
def _drop_of_all_slots(s: State, resource: int, owning: int) -> None:
    """Take back what the slots of one resource own of another."""
    slots = s.resources[owning]
    if slots.ring != NONE:
        for owner in range(slots.ring, slots.ring + slots.capacity):
            _drop_of_slot(s, resource, owner)


@kernel
def _drop_of_slot(s: State, resource: int, owner: int) -> None:
    owned = s.resources[resource].owned
    if s.owned_by_slot[owned, owner]:
        s.owned_by_slot[owned, owner] = 0
        _count_back(s, resource)


@kernel
def _drop_of_session(s: State, resource: int, session: int) -> None:
    owned = s.resources[resource].owned
    if s.owned_by_session[session, owned]:
        s.owned_by_session[session, owned] = 0
        _count_back(s, resource)


@kernel
def _count_back(s: State, resource: int) -> None:
    s.resources[resource].owners -= 1
    s.resources[resource].held_s += s.registers[0].now
    unweigh(s, resource)
