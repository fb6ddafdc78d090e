"""A waiting line: who waits for a resource, for how long, and who is next.

Who waits is linked from one to the next in order of arrival, and leaves the links when its wait
is decided. In a herd, those from `first_new` on have seen no handover.
"""

from capsim.engine.compiled.agenda import PATIENCE, begin_wait, schedule, wake
from capsim.engine.compiled.deadlines import add_deadline
from capsim.engine.compiled.draws import luck
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import NONE, State
from capsim.plan.ops import FAILS


@kernel
def join(s: State, job: int, resource: int, step: int, patience: float) -> None:
    """Queue a job for a resource; it goes on when it is granted, expired or killed."""
    number = s.resources[resource].line
    line, request, does = s.resources[number], s.jobs[job], s.steps[step]
    now = s.registers[0].now
    stamp = begin_wait(s, job)
    request.line = number
    request.since = request.first_since = now
    request.expired_status, request.otherwise = does.expired_status, does.jump
    line.waited_s -= now
    _append(s, number, job)
    line.waiting += 1
    if patience < float("inf"):
        schedule(s, now + patience, PATIENCE, job, stamp)
    elif line.limits != NONE:
        add_deadline(s, line.limits, job, stamp)


@kernel
def decide(s: State, job: int) -> None:
    """End a wait."""
    request = s.jobs[job]
    line, now = s.resources[request.line], s.registers[0].now
    _unlink(s, request.line, job)
    line.waiting -= 1
    line.waited_s += now
    s.waits[job, line.wait_column] += now - request.since
    request.line = NONE


@kernel
def expire(s: State, job: int) -> None:
    """Send a waiter away with the status of a wait that took too long."""
    request = s.jobs[job]
    decide(s, job)
    if request.otherwise == FAILS:
        fail(s, job, request.expired_status)
    else:
        request.pc = request.otherwise
    wake(s, job)


@kernel
def fail(s: State, job: int, status: int) -> None:
    """Have a job go on with its error path."""
    request = s.jobs[job]
    request.status, request.pc, request.deadline = status, request.error, 0


@kernel
def next_in(s: State, number: int, leaving: int) -> int:
    """Return who is next in a line, as rules 3 and 15 have it; `leaving` gives its slot up."""
    line = s.resources[number]
    if line.herd:
        return _next_of_herd(s, number, leaving)
    if line.waiting == 0:
        return NONE
    if line.random and leaving != NONE and line.waiting > 1:
        return _at(s, line.first, int(luck(s, leaving, line.turn_column) * line.waiting))
    return line.last if line.lifo else line.first


@kernel
def _next_of_herd(s: State, number: int, leaving: int) -> int:
    """Choose among who has seen a handover and the first of the others; then all have seen one."""
    line = s.resources[number]
    line.handed_over_at = s.registers[0].now
    if line.waiting == 0:
        return NONE
    choice = 0
    who = line.first
    while who != NONE:
        choice += 1
        if who == line.first_new:
            break
        who = s.jobs[who].next
    line.first_new = NONE
    if leaving == NONE or choice == 1:
        return line.first
    return _at(s, line.first, int(luck(s, leaving, line.turn_column) * choice))


@kernel
def _at(s: State, first: int, place: int) -> int:
    """Return number `place` of those linked from `first` on."""
    who = first
    for _ in range(place):
        who = s.jobs[who].next
    return who


@kernel
def _append(s: State, number: int, job: int) -> None:
    line, request = s.resources[number], s.jobs[job]
    request.prev, request.next = line.last, NONE
    if line.last == NONE:
        line.first = job
    else:
        s.jobs[line.last].next = job
    line.last = job
    if line.first_new == NONE:
        line.first_new = job


@kernel
def _unlink(s: State, number: int, job: int) -> None:
    line, request = s.resources[number], s.jobs[job]
    if request.prev == NONE:
        line.first = request.next
    else:
        s.jobs[request.prev].next = request.next
    if request.next == NONE:
        line.last = request.prev
    else:
        s.jobs[request.next].prev = request.prev
    if line.first_new == job:  # who is first of the new ones now waits from now on
        line.first_new = request.next
        if request.next != NONE:
            s.jobs[request.next].first_since = s.registers[0].now
