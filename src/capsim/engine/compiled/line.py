"""A waiting line: who waits for a resource, for how long, and who is next.

Who waits is linked from one to the next in order of arrival, and leaves the links when its wait
is decided. In a herd, those from `first_new` on have seen no handover.
"""

from capsim.engine.compiled.agenda import PATIENCE, begin_wait, schedule, wake
from capsim.engine.compiled.chain import WAITING, append, at_place, unlink
from capsim.engine.compiled.deadlines import add_deadline
from capsim.engine.compiled.draws import luck
from capsim.engine.compiled.jit import kernel, seldom
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
    append(s, line.chain, WAITING, job)
    line.waiting += 1
    if line.first_new == NONE:
        line.first_new = job
    if patience < float("inf"):
        schedule(s, now + patience, PATIENCE, job, stamp)
    elif line.limits != NONE:
        add_deadline(s, line.limits, job, stamp)


@kernel
def decide(s: State, job: int) -> None:
    """End a wait."""
    request = s.jobs[job]
    line, now = s.resources[request.line], s.registers[0].now
    _leave(s, request.line, job)
    line.waiting -= 1
    line.waited_s += now
    s.waits[job, line.wait_column] += now - request.since
    request.line = NONE


@seldom
def expire(s: State, job: int) -> None:
    """Send a waiter away with the status of a wait that took too long."""
    request = s.jobs[job]
    decide(s, job)
    if request.otherwise == FAILS:
        fail(s, job, request.expired_status)
    else:
        request.pc = request.otherwise
    wake(s, job)


@seldom
def dismiss(s: State, number: int) -> None:
    """Send everybody in a line away."""
    job = next_in(s, number, NONE)
    while job != NONE:
        expire(s, job)
        job = next_in(s, number, NONE)


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
        place = int(luck(s, leaving, line.turn_column) * line.waiting)
        return at_place(s, line.chain, WAITING, place)
    ends = s.chains[line.chain]
    return ends.last if line.lifo else ends.first


@seldom
def _next_of_herd(s: State, number: int, leaving: int) -> int:
    """Choose among who has seen a handover and the first of the others; then all have seen one."""
    line = s.resources[number]
    line.handed_over_at = s.registers[0].now
    if line.waiting == 0:
        return NONE
    choice = 0
    first = s.chains[line.chain].first
    who = first
    while who != NONE:
        choice += 1
        if who == line.first_new:
            break
        who = s.links[who, WAITING].next
    line.first_new = NONE
    if leaving == NONE or choice == 1:
        return first
    place = int(luck(s, leaving, line.turn_column) * choice)
    return at_place(s, line.chain, WAITING, place)


@kernel
def _leave(s: State, number: int, job: int) -> None:
    """Take a job out of a line; who is first of the new ones then waits from now on."""
    line = s.resources[number]
    if line.first_new == job:
        line.first_new = s.links[job, WAITING].next
        if line.first_new != NONE:
            s.jobs[line.first_new].first_since = s.registers[0].now
    unlink(s, line.chain, WAITING, job)
