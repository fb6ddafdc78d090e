"""Rows that come and go: jobs, sessions and tokens, in tables that Python enlarges."""

from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import NONE, State


@kernel
def new_session(s: State, source: int, user: int) -> int:
    """Return a session without a connection, which somebody must let go of."""
    registers = s.registers[0]
    session = registers.free_session
    client = s.sessions[session]
    registers.free_session = client.next
    registers.spare_sessions -= 1
    client.source, client.user, client.route = source, user, NONE
    client.refs = 1
    client.index = client.attempt = client.stalled = client.over = 0
    client.idle_since = client.asked = client.ahead = 0.0
    client.stop = s.stops[s.sources[source].first_user + user]
    if s.sources[source].open:
        client.stop = float("inf")
    for owned in range(s.owned_by_session.shape[1]):
        s.owned_by_session[session, owned] = 0
    return session


@kernel
def leave_session(s: State, session: int) -> None:
    """Let go of a session; the last one to do so frees its row."""
    registers, client = s.registers[0], s.sessions[session]
    client.refs -= 1
    if client.refs == 0:
        client.next = registers.free_session
        registers.free_session = session
        registers.spare_sessions += 1


@kernel
def new_job(s: State, session: int, index: int, request_class: int, entry: int, error: int) -> int:
    """Return a job before its first step, which somebody must let go of; it has no draws yet."""
    registers = s.registers[0]
    job = registers.free_job
    request = s.jobs[job]
    registers.free_job = request.next
    registers.spare_jobs -= 1
    registers.stamp += 1
    request.stamp, request.refs = registers.stamp, 1
    request.session, request.index = session, index
    s.sessions[session].refs += 1
    request.request_class, request.pc, request.error = request_class, entry, error
    request.start = request.asked = registers.now
    request.live = 1
    request.abandoned = request.finished = request.background = request.retries = request.ghost = 0
    request.status = request.route = request.repetition = request.turns = request.attempt = 0
    request.deadline = request.client_delay = request.waiting = request.waits_for = 0
    request.held = 0
    request.outlived_until = 0.0
    request.line = request.station = NONE
    for column in range(s.waits.shape[1]):
        s.waits[job, column] = 0.0
    for holders in range(s.held_since.shape[1]):
        s.held_since[job, holders] = float("nan")
    return job


@kernel
def give_draws(s: State, job: int, page: int, row: int) -> None:
    """Give a job its row of draws."""
    s.jobs[job].page, s.jobs[job].row = page, row
    s.pages[page].refs += 1


@kernel
def keep_job(s: State, job: int) -> None:
    """Have a job's row last until it is let go of once more."""
    s.jobs[job].refs += 1


@kernel
def leave_job(s: State, job: int) -> None:
    """Let go of a job; the last one to do so frees its row."""
    registers, request = s.registers[0], s.jobs[job]
    request.refs -= 1
    if request.refs > 0:
        return
    request.stamp = 0  # no token means it any more
    request.deadline = 0
    s.pages[request.page].refs -= 1
    leave_session(s, request.session)
    request.next = registers.free_job
    registers.free_job = job
    registers.spare_jobs += 1


@kernel
def new_token(s: State, job: int, stamp: int, time: float) -> int:
    """Return a token of a deadline."""
    registers = s.registers[0]
    number = registers.free_token
    token = s.tokens[number]
    registers.free_token = token.next
    registers.spare_tokens -= 1
    token.job, token.stamp, token.time = job, stamp, time
    token.since = registers.now
    return number


@kernel
def free_token(s: State, number: int) -> None:
    """Take a token back."""
    registers = s.registers[0]
    s.tokens[number].next = registers.free_token
    registers.free_token = number
    registers.spare_tokens += 1


@kernel
def place_of(s: State, job: int, resource: int) -> int:
    """Return where in its list of slots a job has one of a resource."""
    for place in range(s.jobs[job].held):
        if s.held[job, place] == resource:
            return place
    return NONE


@kernel
def drop_place(s: State, job: int, place: int) -> None:
    """Take a slot off a job's list, and close the gap."""
    request = s.jobs[job]
    request.held -= 1
    for i in range(place, request.held):
        s.held[job, i] = s.held[job, i + 1]
        s.held_slots[job, i] = s.held_slots[job, i + 1]
