"""The loop: it takes what is next, and lets it go on until it has to wait (rules 1 and 2)."""

from capsim.engine.compiled.agenda import (
    ARRIVALS,
    BLACKOUT,
    BOOT,
    DEADLINES,
    FLUSH,
    JOB,
    OPEN,
    OUTAGE,
    PATIENCE,
    SAMPLE,
    SESSION,
    SPEED,
    STATION,
    next_time,
)
from capsim.engine.compiled.deadlines import OF_CLIENT, OF_HOLD, OF_LINE, arm_deadlines, passed
from capsim.engine.compiled.draws import replica
from capsim.engine.compiled.failures import begin, black_out
from capsim.engine.compiled.fate import interrupt
from capsim.engine.compiled.instructions import SERVE_UNLESS_DOWN, act
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.killing import kill
from capsim.engine.compiled.line import expire
from capsim.engine.compiled.opening import boot, open_again
from capsim.engine.compiled.population import after, arrive, give_up, go_on
from capsim.engine.compiled.recorder import next_sample, sample, write_unfinished
from capsim.engine.compiled.state import NONE, State
from capsim.engine.compiled.station import fire, set_speed
from capsim.plan.ops import Op, Status

# Why the loop comes back: it is to be entered again once that has been seen to.
DONE, PAUSED, STALLED, DRAWS_WANTED, FULL = range(5)
_IN_FLIGHT, _WORKER_TIMEOUT = int(Status.IN_FLIGHT), int(Status.WORKER_TIMEOUT)
_SERVE = int(Op.SERVE)


@kernel
def advance(s: State, until: float, most: int) -> int:  # noqa: C901 (one for each that may be next)
    """Go on up to a time, or for at most so many events; say why it went no further."""
    registers = s.registers[0]
    for _ in range(most):
        if registers.job != NONE:
            if _run(s, registers.job):
                return FULL
            if registers.stalled != NONE:
                return STALLED
        elif registers.session != NONE:
            if go_on(s, registers.session):
                return DRAWS_WANTED
            registers.session = NONE
        elif is_full(s):
            return FULL
        elif registers.arriving != NONE:
            if not arrive(s, registers.arriving):
                registers.arriving = NONE
        elif registers.ready > 0:
            _take_ready(s)
        elif next_time(s) < until:
            _take_timer(s)
        else:
            registers.now = until
            return FULL if _finish(s) else DONE
    return PAUSED


@kernel
def is_full(s: State) -> bool:
    """Return whether any table may be too small for what comes next.

    That is asked before anything is taken in hand, and before each step that takes room. How often
    the answer is sure to be no is worked out at once.
    """
    registers = s.registers[0]
    if registers.room == 0:
        registers.room = _room(s)
    if registers.room == 0:
        return True
    registers.room -= 1
    return False


@seldom
def _room(s: State) -> int:
    """Return for how many times there is room, whatever is done then."""
    registers = s.registers[0]
    return max(
        0,
        min(
            (len(s.timers) - registers.timers) // registers.margin,
            registers.spare_jobs // (registers.margin_jobs + 1),
            registers.spare_sessions // 2,  # a client's next, and an arrival
            registers.spare_tokens // (registers.margin_tokens + 1),
            (len(s.records) - registers.records) // 2,
            (len(s.tasks) - registers.tasks) // 2,
            (len(s.notes) - registers.notes) // 2,
            (len(s.samples) - registers.samples) // 2,
        ),
    )


@kernel
def _take_ready(s: State) -> None:
    """Have the first of the ready queue go on."""
    registers = s.registers[0]
    first = s.ready[registers.ready_first]
    registers.ready_first += 1
    if registers.ready_first == len(s.ready):
        registers.ready_first = 0
    registers.ready -= 1
    if first.kind == JOB:
        registers.job = first.who
    elif first.kind == SESSION:
        registers.session = first.who
    else:
        registers.arriving = first.who


@kernel
def _take_timer(s: State) -> None:  # noqa: C901, PLR0912 (one for each kind)
    """Move the clock to the first timer, and do what that is for."""
    registers, first = s.registers[0], s.timers[0]
    registers.now = first.time
    kind, who, stamp = first.kind, first.who, first.stamp
    registers.fired = 1
    if kind == SESSION:
        registers.session = who
    elif kind == STATION:
        registers.job = fire(s, who, stamp)
    elif kind == JOB:
        if s.jobs[who].waiting and s.jobs[who].waits_for == stamp:
            s.jobs[who].waiting = 0
            registers.job = who
    elif kind == DEADLINES:
        _pass_deadline(s, who)
    elif kind == PATIENCE:
        if s.jobs[who].waits_for == stamp and s.jobs[who].line != NONE:
            expire(s, who)
    elif kind == SAMPLE:
        next_sample(s)
    elif kind == ARRIVALS:
        registers.arriving = who
    elif kind == BOOT:
        boot(s, who, stamp)
    elif kind == OPEN:
        open_again(s, who, stamp)
    elif kind == OUTAGE:
        begin(s, who)
    elif kind == BLACKOUT:
        black_out(s, who)
    elif kind == SPEED:
        set_speed(s, s.changes[who].who, s.changes[who].value)
    elif kind == FLUSH:
        for cell in range(s.changes[who].who, s.changes[who].who + s.changes[who].count):
            s.cells[cell] = registers.now


@kernel
def _pass_deadline(s: State, deadlines: int) -> None:
    """Have the oldest of some deadlines pass, and wait for the next one."""
    job, finish = passed(s, deadlines), len(s.steps) - 1
    if job != NONE:
        kind, owner = s.deadlines[deadlines].kind, s.deadlines[deadlines].owner
        if kind == OF_CLIENT:
            give_up(s, job, finish)
        elif kind == OF_HOLD:
            kill(s, job, owner, _WORKER_TIMEOUT)
        elif kind == OF_LINE:
            expire(s, job)
        else:
            interrupt(s, job, s.steps[owner].status, s.jobs[job].error)
    arm_deadlines(s, deadlines)


@kernel
def _run(s: State, job: int) -> bool:
    """Take a job through the step table until it waits; return whether a table is full."""
    registers, request = s.registers[0], s.jobs[job]
    while not request.finished:
        step = request.pc
        if _needs_room(s, job, step):
            return True
        request.pc = step + 1
        if act(s, job, step):
            registers.job = NONE
            return False
    registers.job = NONE
    session = request.session
    if after(s, job):
        registers.stalled = s.sessions[session].source
    return False


@kernel
def _needs_room(s: State, job: int, step: int) -> bool:
    """Return whether a step may need more room than there is, if it is one that takes some."""
    does = s.steps[step]
    if not does.takes_room:
        return False
    if does.op == _SERVE or does.op == SERVE_UNLESS_DOWN:  # noqa: PLR1714 (a tuple compiles to more)
        station = s.stations[does.target + replica(s, job, step)]
        return max(station.services, station.waiting) == s.services.shape[1]
    return is_full(s) or s.jobs[job].held == s.held.shape[1]


@seldom
def _finish(s: State) -> bool:
    """Write down what is unfinished at the horizon; return whether a table is full."""
    registers, most = s.registers[0], len(s.jobs)
    if registers.records + most > len(s.records) or registers.tasks + most > len(s.tasks):
        return True
    sample(s)
    write_unfinished(s, _IN_FLIGHT)
    return False
