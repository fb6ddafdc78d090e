"""Writes down what happens: every answer, task and note, and samples of the whole."""

from capsim.engine.compiled.agenda import SAMPLE, schedule
from capsim.engine.compiled.chain import REQUESTS, TASKS, UNFINISHED, append, unlink
from capsim.engine.compiled.clock import account
from capsim.engine.compiled.holders import in_use
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.retrying import decide_retry
from capsim.engine.compiled.state import NONE, State
from capsim.engine.trace import SAMPLE_S


@kernel
def issue(s: State, job: int) -> None:
    """Note that a request was sent: it is the last of those in flight."""
    s.registers[0].issued += 1
    append(s, REQUESTS, UNFINISHED, job)


@kernel
def begin_task(s: State, job: int) -> None:
    """Note that a background task was put in hand: it is the last of those begun."""
    append(s, TASKS, UNFINISHED, job)


@kernel
def answer(s: State, job: int, status: int) -> None:
    """Record that a request ends now for its client: with an answer, or because it gave up."""
    registers, request = s.registers[0], s.jobs[job]
    if request.background:
        unlink(s, TASKS, UNFINISHED, job)
        write_task(s, job, registers.now, status)
        return
    request.live = 0
    unlink(s, REQUESTS, UNFINISHED, job)
    if status != 0:
        decide_retry(s, job, status)
    write_record(s, job, registers.now, status, 1 - request.retries)


@kernel
def write_record(s: State, job: int, end: float, status: int, final: int) -> None:
    """Write a request down as it stands, with the wait that still goes on."""
    registers, request = s.registers[0], s.jobs[job]
    number = registers.records
    registers.records = number + 1
    client, record = s.sessions[request.session], s.records[number]
    record.source, record.user, record.index = client.source, client.user, request.index
    record.attempt, record.request_class = request.attempt, request.request_class
    record.asked, record.start, record.end = request.asked, request.start, end
    record.status, record.final = status, final != 0
    for column in range(s.waits.shape[1]):
        s.record_waits[number, column] = s.waits[job, column]
    if request.line != NONE:
        column = s.resources[request.line].wait_column
        waited = s.waits[job, column] + registers.now
        s.record_waits[number, column] = waited - request.since


@kernel
def write_task(s: State, job: int, end: float, status: int) -> None:
    """Write a background task down."""
    registers, request = s.registers[0], s.jobs[job]
    number = registers.tasks
    registers.tasks = number + 1
    client, record = s.sessions[request.session], s.tasks[number]
    record.source, record.user, record.index = client.source, client.user, request.index
    record.request_class, record.start = request.request_class, request.start
    record.end, record.status = end, status


@seldom
def write_unfinished(s: State, status: int) -> None:
    """Write down the requests and tasks that are not done at the horizon, in order."""
    job = s.chains[REQUESTS].first
    while job != NONE:
        write_record(s, job, float("nan"), status, 1)
        job = s.links[job, UNFINISHED].next
    job = s.chains[TASKS].first
    while job != NONE:
        write_task(s, job, float("nan"), status)
        job = s.links[job, UNFINISHED].next


@kernel
def note(s: State, name: int) -> None:
    """Write the time down under a name."""
    registers = s.registers[0]
    written = s.notes[registers.notes]
    registers.notes += 1
    written.name, written.time = name, registers.now


@seldom
def next_sample(s: State) -> None:
    """Take a sample, and set the timer for the next one."""
    sample(s)
    schedule(s, s.registers[0].now + SAMPLE_S, SAMPLE, 0, 0)


@seldom
def sample(s: State) -> None:
    """Write down the integrals of every resource and station up to now."""
    registers = s.registers[0]
    now, row = registers.now, registers.samples
    registers.samples = row + 1
    s.samples[row, 0] = now
    column, resources, stations = 1, len(s.resources), len(s.stations)
    for resource in range(resources):
        slots = s.resources[resource]
        held = in_use(s, resource) if slots.owned == NONE else slots.owners
        s.samples[row, column] = slots.held_s + now * held
        if slots.owned == NONE and not slots.shares_line:
            line = s.resources[slots.line]
            s.samples[row, column + resources] = line.waited_s + now * line.waiting
        s.samples[row, column + 2 * resources] = slots.wasted_s + now * slots.wasted
        column += 1
    column = 1 + 3 * resources
    for station in range(stations):
        account(s, station)
        core = s.stations[station]
        s.samples[row, column] = core.busy_s
        s.samples[row, column + stations] = core.present_s
        s.samples[row, column + 2 * stations] = core.wasted_s
        column += 1
