"""Who holds the slots of a resource: how many, and who and since when where they may be killed."""

import math

from capsim.engine.compiled.chain import FIRST_LINE, HOLDING, append, unlink
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import State


@kernel
def in_use(s: State, resource: int) -> int:
    """Return how many slots are held."""
    slots = s.resources[resource]
    return slots.capacity - slots.free - slots.shut - slots.away


@kernel
def enlist(s: State, job: int, holders: int) -> None:
    """Note that a job holds a slot from now on; who holds one already keeps its place."""
    if math.isnan(s.held_since[job, holders]):
        append(s, chain_of(s, holders), HOLDING + holders, job)
    s.held_since[job, holders] = s.registers[0].now


@kernel
def strike_off(s: State, job: int, holders: int) -> None:
    """Forget that a job holds a slot."""
    if not math.isnan(s.held_since[job, holders]):
        unlink(s, chain_of(s, holders), HOLDING + holders, job)
        s.held_since[job, holders] = float("nan")


@kernel
def chain_of(s: State, holders: int) -> int:
    """Return the chain of those who hold a slot."""
    return FIRST_LINE + len(s.resources) + holders
