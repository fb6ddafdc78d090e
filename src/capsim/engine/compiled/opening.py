"""Slots that come back: one that has booted, and those of a resource that opens."""

from capsim.engine.compiled.closing import look_whether_empty
from capsim.engine.compiled.failures import weigh
from capsim.engine.compiled.jit import seldom
from capsim.engine.compiled.line import next_in
from capsim.engine.compiled.memory import free_token, leave_job
from capsim.engine.compiled.slots import grant, pass_on
from capsim.engine.compiled.state import NONE, State
from capsim.engine.compiled.tracking import put_idle
from capsim.engine.compiled.uses import renew


@seldom
def boot(s: State, number: int, resource: int) -> None:
    """Have the slot that a token names in service again."""
    slots, job, slot = s.resources[resource], s.tokens[number].job, s.tokens[number].stamp
    free_token(s, number)
    if slots.ring != NONE:
        put_idle(s, resource, slot)
    slots.away -= 1
    slots.held_s -= s.registers[0].now
    waiter = pass_on(s, job, resource)
    if waiter == NONE:
        look_whether_empty(s, resource)
    else:
        weigh(s, resource, waiter)
    leave_job(s, job)


@seldom
def open_again(s: State, resource: int, opening: int) -> None:
    """Open a resource, unless it was closed again meanwhile, for longer."""
    slots = s.resources[resource]
    if slots.draining or opening != slots.openings:
        return
    slots.closed = 0
    slots.plain = int(slots.tracked == 0 and slots.weights == slots.weights_end)
    slots.queue_limit = slots.usual_queue_limit
    slots.free, slots.shut = slots.shut, 0
    if slots.whole:
        renew(s, resource, 0)
    while slots.free > 0:
        waiter = next_in(s, slots.line, NONE)
        if waiter == NONE:
            return
        slots.free -= 1
        slots.held_s -= s.registers[0].now
        grant(s, waiter, resource)
        weigh(s, resource, waiter)
