"""A level that slots in use add up to, e.g. the memory of a machine."""

from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import State


@kernel
def add(s: State, number: int, weight: float) -> bool:
    """Count a slot that is granted; return whether it is too much, once until it has come back."""
    gauge = s.gauges[number]
    gauge.level += weight
    if gauge.armed and gauge.level > gauge.limit:
        gauge.armed = 0
        return True
    return False


@kernel
def unweigh(s: State, resource: int) -> None:
    """Count a slot of a resource that is given back, in every gauge."""
    for place in range(s.resources[resource].weights, s.resources[resource].weights_end):
        gauge = s.gauges[s.weights[place].gauge]
        gauge.level -= s.weights[place].weight
        if gauge.level <= gauge.limit:
            gauge.armed = 1
