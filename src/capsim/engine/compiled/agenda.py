"""What happens next: the ready queue, and the timers in order of (time, scheduling)."""

from capsim.engine.compiled.heap import pop, push, replace_first
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import State

# What a timer, or an entry of the ready queue, is for.
SAMPLE, SPEED, FLUSH, SESSION, JOB, PATIENCE, STATION, DEADLINES, ARRIVALS = range(9)
BOOT, OPEN, OUTAGE, BLACKOUT = range(9, 13)


@kernel
def schedule(s: State, time: float, kind: int, who: int, stamp: int) -> None:
    """Set a timer; `stamp` says whether it still means anything when it fires."""
    registers = s.registers[0]
    order = registers.order  # equal times: what was scheduled first comes first
    registers.order = order + 1
    if registers.fired:
        registers.fired = 0
        place = replace_first(s.timers, registers.timers, time, order)
    else:
        place = push(s.timers, registers.timers, time, order)
        registers.timers += 1
    timer = s.timers[place]
    timer.kind, timer.who, timer.stamp = kind, who, stamp


@kernel
def next_time(s: State) -> float:
    """Return when the next timer fires.

    The first one keeps its place when it fires: what comes of it usually sets another timer, which
    is cheaper in its place than beside it.
    """
    registers = s.registers[0]
    if registers.fired:
        registers.fired = 0
        pop(s.timers, registers.timers)
        registers.timers -= 1
    return s.timers[0].time


@kernel
def make_ready(s: State, kind: int, who: int) -> None:
    """Have a process go on at this instant, after those that are ready already (rule 2)."""
    registers, ready = s.registers[0], s.ready
    place = registers.ready_first + registers.ready
    if place >= len(ready):
        place -= len(ready)
    ready[place].kind, ready[place].who = kind, who
    registers.ready += 1


@kernel
def wake(s: State, job: int) -> None:
    """End what a job waits for."""
    s.jobs[job].waiting = 0
    make_ready(s, JOB, job)


@kernel
def begin_wait(s: State, job: int) -> int:
    """Have a job wait from now on; return the stamp that tells this wait from all others."""
    request = s.jobs[job]
    stamp = next_stamp(s)
    request.waiting, request.waits_for = 1, stamp
    return stamp


@kernel
def next_stamp(s: State) -> int:
    """Return a number that was never given before."""
    registers = s.registers[0]
    registers.stamp += 1
    return registers.stamp
