"""Each primitive step: it acts on a job, and says whether the job has to wait.

A step finds the job's `pc` already at the next one.
"""

from capsim.engine.compiled.agenda import JOB, begin_wait, make_ready, next_stamp, schedule
from capsim.engine.compiled.deadlines import add_deadline
from capsim.engine.compiled.draws import drawn, drawn_by, replica
from capsim.engine.compiled.failures import weigh
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.line import fail, join
from capsim.engine.compiled.memory import give_draws, new_job, place_of
from capsim.engine.compiled.owned import hold, holds
from capsim.engine.compiled.recorder import answer, begin_task, note
from capsim.engine.compiled.route import route
from capsim.engine.compiled.slots import give_back, release, take
from capsim.engine.compiled.state import NONE, State
from capsim.engine.compiled.station import serve
from capsim.plan.ops import FAILS, NO_COLUMN, Op

_ACQUIRE, _RELEASE, _HOLD, _DELAY = int(Op.ACQUIRE), int(Op.RELEASE), int(Op.HOLD), int(Op.DELAY)
_SERVE, _ROUTE, _BRANCH, _REPEAT = int(Op.SERVE), int(Op.ROUTE), int(Op.BRANCH), int(Op.REPEAT)
_JUMP, _FAIL, _END, _FORK = int(Op.JUMP), int(Op.FAIL), int(Op.END), int(Op.FORK)
_DEADLINE, _CLEAR, _FRESH = int(Op.DEADLINE), int(Op.CLEAR), int(Op.FRESH)
_STORE, _NOTE = int(Op.STORE), int(Op.NOTE)
SERVE_UNLESS_DOWN = len(Op)  # a SERVE at a station that may be down, which most plans do not have


@kernel
def act(s: State, job: int, step: int) -> bool:  # noqa: C901, PLR0912 (one per primitive)
    """Do what a step says; return whether the job has to wait."""
    op = s.steps[step].op
    if op == _ACQUIRE:
        return _acquire(s, job, step)
    if op == _SERVE:
        return _serve(s, job, step)
    if op == _DELAY:
        return _delay(s, job, step)
    if op == _RELEASE:
        _release(s, job, step)
    elif op == _BRANCH:
        if drawn_by(s, job, step) < s.steps[step].limit:
            s.jobs[job].pc = s.steps[step].jump
    elif op == _REPEAT:
        _repeat(s, job, step)
    elif op == _JUMP:
        s.jobs[job].pc = s.steps[step].jump
    elif op == _ROUTE:
        route(s, job, step)
    elif op == _HOLD:
        _hold(s, job, step)
    elif op == _END:
        _end(s, job)
    elif op == _FAIL:
        fail(s, job, s.steps[step].status)
        if s.steps[step].jump != FAILS:
            s.jobs[job].pc = s.steps[step].jump
    else:
        return _act_seldom(s, job, step, op)
    return False


@seldom
def _act_seldom(s: State, job: int, step: int, op: int) -> bool:
    """Do what a step says that most plans do not have; return whether the job has to wait."""
    does, now = s.steps[step], s.registers[0].now
    if op == _FORK:
        _fork(s, job, step)
    elif op == _DEADLINE:
        stamp = next_stamp(s)
        s.jobs[job].deadline = stamp
        add_deadline(s, does.deadlines, job, stamp)
    elif op == _CLEAR:
        s.jobs[job].deadline = 0
    elif op == _FRESH:
        if now < s.cells[does.target + replica(s, job, step)]:
            s.jobs[job].pc = does.jump
    elif op == _STORE:
        s.cells[does.target + replica(s, job, step)] = now + does.limit
    elif op == _NOTE:
        note(s, does.name)
    elif op == SERVE_UNLESS_DOWN:
        station = s.stations[does.target + replica(s, job, step)]
        if now >= station.down_until:
            return _serve(s, job, step)
        fail(s, job, station.down_status)
    return False


@kernel
def _acquire(s: State, job: int, step: int) -> bool:
    """Take a free slot, or queue, or be refused."""
    does = s.steps[step]
    resource = does.target + replica(s, job, step)
    slots = s.resources[resource]
    if slots.free > 0:
        take(s, job, resource)
        if not slots.plain:
            weigh(s, resource, job)
        return False
    if s.resources[slots.line].waiting >= slots.queue_limit:
        if does.jump == FAILS:
            fail(s, job, does.status)
        else:
            s.jobs[job].pc = does.jump
        return False
    patience = float("inf")
    if does.column != NO_COLUMN:
        patience = drawn_by(s, job, step)
    join(s, job, resource, step, patience)
    return True


@kernel
def _release(s: State, job: int, step: int) -> None:
    """Give a slot back, if the job has one: an error path is reached with and without."""
    place = place_of(s, job, s.steps[step].target + replica(s, job, step))
    if place != NONE:
        give_back(s, job, place)


@kernel
def _hold(s: State, job: int, step: int) -> None:
    """Make sure that the owner has a slot; one that already has jumps over the set-up."""
    if holds(s, job, step):
        s.jobs[job].pc = s.steps[step].jump
    elif hold(s, job, step):
        weigh(s, s.steps[step].target, job)
    else:
        fail(s, job, s.steps[step].status)


@kernel
def _delay(s: State, job: int, step: int) -> bool:
    """Wait for a drawn time."""
    time = drawn_by(s, job, step)
    if time <= 0.0:
        return False
    stamp = begin_wait(s, job)
    schedule(s, s.registers[0].now + time, JOB, job, stamp)
    if s.steps[step].by_client:
        s.jobs[job].client_delay = stamp
    if s.steps[step].outlives:
        s.jobs[job].outlived_until = s.registers[0].now + time
    return True


@kernel
def _serve(s: State, job: int, step: int) -> bool:
    """Have a drawn demand served."""
    demand = drawn_by(s, job, step)
    if demand <= 0.0:
        return False
    serve(s, job, s.steps[step].target + replica(s, job, step), demand)
    return True


@kernel
def _repeat(s: State, job: int, step: int) -> None:
    """Jump back until the drawn count is reached; the next loop goes on from a limit before it."""
    request, does = s.jobs[job], s.steps[step]
    request.repetition += 1
    if request.repetition >= drawn(s, job, does.column):
        request.repetition = 0
    elif request.repetition != does.count:
        request.pc = does.jump


@kernel
def _end(s: State, job: int) -> None:
    """Release what is held, in reverse order, and answer."""
    request = s.jobs[job]
    request.finished = 1
    for place in range(request.held - 1, -1, -1):
        release(s, job, s.held[job, place], s.held_slots[job, place])
    request.held = 0
    if request.live or request.background:
        answer(s, job, request.status)


@seldom
def _fork(s: State, job: int, step: int) -> None:
    """Start a job of another class that nobody waits for."""
    parent, request_class = s.jobs[job], s.steps[step].target
    door = s.classes[request_class]
    child = new_job(s, parent.session, parent.index, request_class, door.entry, door.error)
    give_draws(s, child, parent.page, parent.row)
    task = s.jobs[child]
    task.route, task.background, task.live = parent.route, 1, 0
    begin_task(s, child)
    make_ready(s, JOB, child)
