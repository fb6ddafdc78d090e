"""Users and arrivals: each sends a request, lives through the answer or gives up, and goes on."""

from capsim.engine.compiled.agenda import ARRIVALS, SESSION, make_ready, schedule, wake
from capsim.engine.compiled.deadlines import add_deadline
from capsim.engine.compiled.draws import drawn
from capsim.engine.compiled.fate import forsake
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.memory import give_draws, leave_job, leave_session, new_job, new_session
from capsim.engine.compiled.owned import close_session
from capsim.engine.compiled.recorder import answer, issue
from capsim.engine.compiled.retrying import earn
from capsim.engine.compiled.state import NONE, State
from capsim.plan.ops import CONNECTION_LOST, NO_COLUMN

# What a session does when it goes on.
BEGINS, SENDS, LEAVES = range(3)
_MOST_REQUESTS_AT_ONE_TIME = 10_000  # of one user; more means that no time passes
_LOST = tuple(sorted(int(status) for status in CONNECTION_LOST))


@kernel
def go_on(s: State, session: int) -> bool:
    """Have a session go on; return whether it needs draws that are not there.

    Another attempt at a visit waits in any case, a closed user's only for some time.
    """
    registers, client = s.registers[0], s.sessions[session]
    if client.phase == BEGINS:
        client.phase = SENDS
        if client.ahead > 0.0 or s.sources[client.source].open:
            schedule(s, registers.now + client.ahead, SESSION, session, 0)
            return False
    if client.phase == SENDS and registers.now < client.stop:
        return _send(s, session)
    _end(s, session)
    return False


@kernel
def _end(s: State, session: int) -> None:
    s.sessions[session].over = 1
    close_session(s, session)
    leave_session(s, session)


@kernel
def _send(s: State, session: int) -> bool:
    """Send the next request, or another attempt; return whether its draws are missing."""
    registers, client = s.registers[0], s.sessions[session]
    source = s.sources[client.source]
    size, requests, group = source.group_size, source.requests, source.first_group
    user = client.user
    if user >= source.far_user:
        size, requests, group = source.far_size, source.far_requests, source.far_group
        user -= source.far_user
    block = client.index // requests
    group += user // size
    s.reached[source.first_user + client.user] = block
    page = s.page_of_group[group]
    while page != NONE:
        if s.pages[page].block == block and s.pages[page].attempt == client.attempt:
            break
        page = s.pages[page].next
    if page == NONE:
        registers.wanted_source, registers.wanted_group = client.source, group
        registers.wanted_block, registers.wanted_attempt = block, client.attempt
        return True
    row = (user % size * requests + client.index % requests) * s.pages[page].stride
    request_class = _request_class(s, client.source, page, row)
    door = s.classes[request_class]
    job = new_job(s, session, client.index, request_class, door.entry, door.error)
    give_draws(s, job, page, row)
    request = s.jobs[job]
    if source.retries != NONE:
        if client.attempt == 0:
            earn(s, client.source)
        else:
            request.attempt, request.asked = client.attempt, client.asked
    issue(s, job)
    if source.patience != NONE:
        add_deadline(s, source.patience, job, request.stamp)
    registers.session, registers.job = NONE, job
    return False


@kernel
def _request_class(s: State, number: int, page: int, row: int) -> int:
    source = s.sources[number]
    choice = 0
    if source.class_column != NO_COLUMN:
        luck = s.draws[page, row + s.page_columns[page, source.class_column]]
        while luck >= s.choices[source.choices + choice].cumulative:
            choice += 1
    return s.choices[source.choices + choice].request_class


@kernel
def after(s: State, job: int) -> bool:
    """Have the user of a job that is done go on; return whether the clock stands still."""
    registers, request = s.registers[0], s.jobs[job]
    session = request.session
    client = s.sessions[session]
    if request.background or request.ghost:
        if request.background and client.over:
            close_session(s, session)  # nobody else would give back what the task has made it own
        leave_job(s, job)
        return False
    if request.abandoned:  # its user went on elsewhere
        leave_job(s, job)
        _end(s, session)
        return False
    if s.sources[client.source].open:
        _after_visit(s, job)
        return False
    client.idle_since = registers.now
    if request.status in _LOST:
        close_session(s, session)
    if request.retries:
        _ask_again(s, session, job)
        schedule(s, registers.now + request.retry_in, SESSION, session, 0)
    else:
        _think(s, session, job)
    leave_job(s, job)
    return client.stalled > _MOST_REQUESTS_AT_ONE_TIME


@kernel
def _ask_again(s: State, session: int, job: int) -> None:
    client, request = s.sessions[session], s.jobs[job]
    client.phase = SENDS
    client.index, client.attempt, client.asked = request.index, request.attempt + 1, request.asked


@kernel
def _think(s: State, session: int, job: int) -> None:
    """Have a user think, or leave where the next request would come too late."""
    client, request, now = s.sessions[session], s.jobs[job], s.registers[0].now
    client.index += 1
    client.attempt = 0
    think = think_time(s, job)
    client.stalled = 0 if think > 0.0 or now > request.start else client.stalled + 1
    leaving = think >= client.stop - now
    client.phase = LEAVES if leaving else SENDS
    ahead = max(0.0, client.stop - now) if leaving else think
    schedule(s, now + ahead, SESSION, session, 0)


@kernel
def think_time(s: State, job: int) -> float:
    """Return how long the user of a job thinks after it."""
    request = s.jobs[job]
    source = s.sources[s.sessions[request.session].source]
    think = drawn(s, job, source.think_column)
    if source.pacing:
        return max(0.0, request.asked + think - s.registers[0].now)
    return think


@kernel
def _after_visit(s: State, job: int) -> None:
    """End a visit; another attempt is another visit, of whoever comes anew."""
    request = s.jobs[job]
    session = request.session
    if request.retries:
        again = new_session(s, s.sessions[session].source, 0)
        _ask_again(s, again, job)
        schedule(s, s.registers[0].now + request.retry_in, SESSION, again, 0)
    leave_job(s, job)
    _end(s, session)


@kernel
def give_up(s: State, job: int, finish: int) -> None:
    """Let the client of a job stop waiting; a closed user goes on with a new connection."""
    request = s.jobs[job]
    client = s.sessions[request.session]
    source = s.sources[client.source]
    answer(s, job, source.timeout_status)
    forsake(s, job)
    if request.waiting and request.client_delay == request.waits_for:
        request.pc = finish  # its end: a client that goes sends no SYN any more
        wake(s, job)
    if source.open and not request.retries:
        return
    again = new_session(s, client.source, client.user)
    following = s.sessions[again]
    if request.retries:
        _ask_again(s, again, job)
        following.ahead = request.retry_in
    else:
        following.index = request.index + 1
        following.ahead = think_time(s, job)
    following.phase = BEGINS
    make_ready(s, SESSION, again)


@kernel
def arrive(s: State, number: int) -> bool:
    """Let the next arrival of a source come; return whether another may come at once."""
    registers, source = s.registers[0], s.sources[number]
    if source.arrived == source.users:
        return False
    ahead = s.starts[source.first_user + source.arrived] - registers.now
    if ahead > 0.0 and not source.due:
        source.due = 1
        schedule(s, registers.now + ahead, ARRIVALS, number, 0)
        return False
    source.due = 0
    session = new_session(s, number, 0)
    client = s.sessions[session]
    client.index, client.phase = source.arrived, SENDS
    source.arrived += 1
    make_ready(s, SESSION, session)
    return True
