"""What happens next: the ready queue, and the timers in order of (time, scheduling)."""

from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import State

# What a timer, or an entry of the ready queue, is for.
SAMPLE, SPEED, FLUSH, SESSION, JOB, PATIENCE, STATION, DEADLINES, ARRIVALS, BOOT = range(10)


@kernel
def schedule(s: State, time: float, kind: int, who: int, stamp: int) -> None:
    """Set a timer; `stamp` says whether it still means anything when it fires."""
    registers, timers = s.registers[0], s.timers
    order = registers.order
    registers.order = order + 1
    place = registers.timers
    registers.timers = place + 1
    while place > 0:
        above = (place - 1) >> 1
        if timers[above].time <= time:  # equal times: what was scheduled first comes first
            break
        _move(timers, above, place)
        place = above
    timer = timers[place]
    timer.time, timer.order = time, order
    timer.kind, timer.who, timer.stamp = kind, who, stamp


@kernel
def forget_first(s: State) -> None:
    """Take the first timer out: sift the last one down from the top."""
    registers, timers = s.registers[0], s.timers
    count = registers.timers - 1
    registers.timers = count
    last = timers[count]
    time, order = last.time, last.order
    place = 0
    while True:
        below = 2 * place + 1
        if below >= count:
            break
        if below + 1 < count and _earlier(
            timers[below + 1], timers[below].time, timers[below].order
        ):
            below += 1
        if not _earlier(timers[below], time, order):
            break
        _move(timers, below, place)
        place = below
    if place != count:
        _move(timers, count, place)


@kernel
def _earlier(timer: "State", time: float, order: int) -> bool:
    return timer.time < time or (timer.time == time and timer.order < order)


@kernel
def _move(timers: "State", origin: int, place: int) -> None:
    timers[place] = timers[origin]


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
