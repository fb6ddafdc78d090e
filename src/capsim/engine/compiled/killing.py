"""A request that is killed ends at once; a statement that the database runs goes on for nobody."""

from capsim.engine.compiled.agenda import JOB, begin_wait, schedule
from capsim.engine.compiled.deadlines import hand_on_deadline
from capsim.engine.compiled.fate import go_on_for_nobody, interrupt
from capsim.engine.compiled.holders import strike_off
from capsim.engine.compiled.jit import seldom
from capsim.engine.compiled.memory import drop_place, give_draws, new_job, place_of
from capsim.engine.compiled.state import NONE, State
from capsim.engine.compiled.station import hand_on_service
from capsim.engine.compiled.tracking import restart


@seldom
def kill(s: State, job: int, worker: int, status: int) -> None:
    """End a job without any code of its own; a statement that the database runs goes on.

    With a worker the slot of that resource which the job holds boots anew.
    """
    request, finish = s.jobs[job], len(s.steps) - 1
    served = request.station != NONE and s.stations[request.station].outlives
    if served or request.outlived_until > s.registers[0].now:
        _leave_statement(s, job, finish)
    interrupt(s, job, status, finish)
    place = NONE if worker == NONE else place_of(s, job, worker)
    if place != NONE:  # otherwise a statement goes on with it
        slot = s.held_slots[job, place]
        drop_place(s, job, place)
        restart(s, job, worker, slot)


@seldom
def _leave_statement(s: State, job: int, finish: int) -> None:
    """Hand a killed job's statement to a ghost, with what the database holds for it."""
    request, now = s.jobs[job], s.registers[0].now
    heir = new_job(s, request.session, request.index, request.request_class, finish, finish)
    give_draws(s, heir, request.page, request.row)
    ghost = s.jobs[heir]
    ghost.ghost, ghost.live, ghost.start = 1, 0, request.start
    ghost.route, ghost.turns = request.route, request.turns
    _hand_on_slots(s, job, heir)
    hand_on_deadline(s, job, heir)
    stamp = begin_wait(s, heir)
    if request.station != NONE:
        hand_on_service(s, job, heir)
    else:
        schedule(s, now + (request.outlived_until - now), JOB, heir, stamp)
    if request.abandoned:
        ghost.abandoned = 1
    else:
        go_on_for_nobody(s, heir)


@seldom
def _hand_on_slots(s: State, job: int, heir: int) -> None:
    """Give a ghost the slots that outlive its job; it is not killed again."""
    ghost, place = s.jobs[heir], 0
    while place < s.jobs[job].held:
        slots = s.resources[s.held[job, place]]
        if not slots.outlives:
            place += 1
            continue
        if slots.holders != NONE:
            strike_off(s, job, slots.holders)
        s.held[heir, ghost.held] = s.held[job, place]
        s.held_slots[heir, ghost.held] = s.held_slots[job, place]
        ghost.held += 1
        drop_place(s, job, place)
