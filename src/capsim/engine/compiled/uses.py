"""How often a worker may be used before another one takes its place."""

from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.state import State


@kernel
def count(s: State, resource: int, slot: int) -> bool:
    """Count a use; return whether it was the last."""
    place = _place(s, resource, slot)
    s.uses_left[place] -= 1
    return s.uses_left[place] == 0


@seldom
def used_up(s: State, resource: int, slot: int) -> bool:
    """Return whether a slot has been used as often as it may be, and restarts alone."""
    return s.resources[resource].whole == 0 and s.uses_left[_place(s, resource, slot)] <= 0


@seldom
def renew(s: State, resource: int, slot: int) -> None:
    """Take note that another one has taken the place of a slot, or of them all."""
    slots = s.resources[resource]
    s.uses_left[_place(s, resource, slot)] = s.use_limits[
        slots.uses + slots.births % slots.uses_count
    ]
    slots.births += 1


@kernel
def _place(s: State, resource: int, slot: int) -> int:
    slots = s.resources[resource]
    return slots.left if slots.whole else slots.left + slot
