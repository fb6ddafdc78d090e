"""Resources that close: for a time, or until some time after the last slot was given back."""

from capsim.engine.compiled.agenda import OPEN, schedule
from capsim.engine.compiled.holders import in_use
from capsim.engine.compiled.jit import seldom
from capsim.engine.compiled.line import dismiss
from capsim.engine.compiled.owned import lose
from capsim.engine.compiled.state import State


@seldom
def close(s: State, resource: int, until: float, refuse: int) -> None:
    """Grant nothing before a time."""
    _shut_down(s, resource, refuse)
    _open_at(s, resource, until)


@seldom
def drain(s: State, resource: int, away: float, refuse: int, loss: int) -> None:
    """Grant nothing until so long after the last slot was given back.

    By then, what the resource stands for has lost its connections, and so has `loss`.
    """
    slots = s.resources[resource]
    slots.draining, slots.away_s, slots.also_lost = 1, away, loss
    _shut_down(s, resource, refuse)
    look_whether_empty(s, resource)


@seldom
def look_whether_empty(s: State, resource: int) -> None:
    """Have a resource that drains be away from now on, if nobody holds a slot of it any more."""
    slots = s.resources[resource]
    if slots.draining and in_use(s, resource) == 0:
        slots.draining = 0
        lose(s, slots.loss)
        lose(s, slots.also_lost)
        _open_at(s, resource, s.registers[0].now + slots.away_s)


@seldom
def _shut_down(s: State, resource: int, refuse: int) -> None:
    slots = s.resources[resource]
    slots.closed, slots.plain = 1, 0
    slots.shut += slots.free
    slots.free = 0
    if refuse:
        slots.queue_limit = 0
        dismiss(s, slots.line)


@seldom
def _open_at(s: State, resource: int, time: float) -> None:
    """Set a timer; of several for one resource the last one counts."""
    slots, now = s.resources[resource], s.registers[0].now
    slots.opens_at = max(slots.opens_at, time)
    slots.openings += 1
    schedule(s, now + (slots.opens_at - now), OPEN, resource, slots.openings)
