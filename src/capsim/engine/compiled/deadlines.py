"""Deadlines that all lie the same time ahead, with one timer for the oldest that is pending."""

import math

from capsim.engine.compiled.agenda import DEADLINES, schedule
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.memory import free_token, new_token
from capsim.engine.compiled.state import NONE, State

# Whose deadlines they are: a client's patience, a wait in a line, a step that sets one,
# and how long a slot may be held.
OF_CLIENT, OF_LINE, OF_STEP, OF_HOLD = range(4)


@kernel
def add_deadline(s: State, deadlines: int, job: int, stamp: int) -> None:
    """Start a token's time; `stamp` names what it is that must still be pending then."""
    number = new_token(s, job, stamp, _deadline(s, deadlines, s.registers[0].now))
    _insert(s, deadlines, number, s.deadlines[deadlines].last)
    if not s.deadlines[deadlines].armed:
        arm_deadlines(s, deadlines)


@kernel
def _deadline(s: State, deadlines: int, since: float) -> float:
    all_of_them = s.deadlines[deadlines]
    time = since + all_of_them.limit
    if all_of_them.check > 0.0:
        return math.ceil(time / all_of_them.check) * all_of_them.check
    return time


@kernel
def arm_deadlines(s: State, deadlines: int) -> None:
    """Set the timer for the oldest token that is still pending."""
    all_of_them = s.deadlines[deadlines]
    while all_of_them.first != NONE and not is_pending(s, deadlines, all_of_them.first):
        _drop_first(s, deadlines)
    all_of_them.armed = 0
    if all_of_them.first != NONE:
        all_of_them.armed = 1
        now = s.registers[0].now
        ahead = max(0.0, s.tokens[all_of_them.first].time - now)
        schedule(s, now + ahead, DEADLINES, deadlines, 0)


@kernel
def passed(s: State, deadlines: int) -> int:
    """Take the oldest token; return the job whose deadline has passed, if it is pending."""
    all_of_them = s.deadlines[deadlines]
    number = all_of_them.first
    token = s.tokens[number]
    job, stamp, time = token.job, token.stamp, token.time
    pending = is_pending(s, deadlines, number)
    _drop_first(s, deadlines)
    if not pending:
        return NONE
    if all_of_them.since:  # the time may have begun anew
        later = _deadline(s, deadlines, _since(s, all_of_them.owner, job))
        if later > time:
            _postpone(s, deadlines, new_token(s, job, stamp, later))
            return NONE
    return job


@kernel
def is_pending(s: State, deadlines: int, number: int) -> bool:
    """Return whether what a token limits is not over."""
    token = s.tokens[number]
    request = s.jobs[token.job]
    kind = s.deadlines[deadlines].kind
    if kind == OF_CLIENT:
        return request.stamp == token.stamp and request.live == 1
    if kind == OF_LINE:
        return request.waits_for == token.stamp and request.line != NONE
    if kind == OF_HOLD:
        return request.stamp == token.stamp and _is_held(s, deadlines, number)
    return request.deadline == token.stamp and request.finished == 0


@kernel
def _is_held(s: State, deadlines: int, number: int) -> bool:
    """Return whether a job still has the slot that it was granted when the token was made."""
    token, slots = s.tokens[number], s.resources[s.deadlines[deadlines].owner]
    return s.held_since[token.job, slots.holders] == token.since


@seldom
def hand_on_deadline(s: State, job: int, heir: int) -> None:
    """Have what may interrupt a job interrupt another one in its place."""
    stamp = s.jobs[job].deadline
    if stamp == 0:
        return
    s.jobs[heir].deadline, s.jobs[job].deadline = stamp, 0
    for deadlines in range(len(s.deadlines)):
        number = s.deadlines[deadlines].first
        while number != NONE:
            token = s.tokens[number]
            if s.deadlines[deadlines].kind == OF_STEP and token.stamp == stamp:
                token.job = heir
            number = token.next


@kernel
def _since(s: State, line: int, job: int) -> float:
    """Return since when a waiter of a herd waits, as rule 15 counts."""
    return max(s.jobs[job].first_since, s.resources[line].handed_over_at)


@seldom
def _postpone(s: State, deadlines: int, number: int) -> None:
    place = s.deadlines[deadlines].last
    while place != NONE and s.tokens[place].time > s.tokens[number].time:
        place = s.tokens[place].prev
    _insert(s, deadlines, number, place)


@kernel
def _insert(s: State, deadlines: int, number: int, before: int) -> None:
    """Put a token behind another one, or first."""
    all_of_them, token = s.deadlines[deadlines], s.tokens[number]
    behind = all_of_them.first if before == NONE else s.tokens[before].next
    token.prev, token.next = before, behind
    if before == NONE:
        all_of_them.first = number
    else:
        s.tokens[before].next = number
    if behind == NONE:
        all_of_them.last = number
    else:
        s.tokens[behind].prev = number


@kernel
def _drop_first(s: State, deadlines: int) -> None:
    all_of_them = s.deadlines[deadlines]
    number = all_of_them.first
    behind = s.tokens[number].next
    all_of_them.first = behind
    if behind == NONE:
        all_of_them.last = NONE
    else:
        s.tokens[behind].prev = NONE
    free_token(s, number)
