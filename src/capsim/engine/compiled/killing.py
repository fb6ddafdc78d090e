"""A worker that is killed: its request ends, its slot boots, a statement goes on for nobody."""

from capsim.engine.compiled.agenda import BOOT, JOB, begin_wait, schedule
from capsim.engine.compiled.deadlines import hand_on_deadline
from capsim.engine.compiled.fate import forsake, interrupt
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.memory import (
    drop_place,
    give_draws,
    keep_job,
    leave_job,
    new_job,
    place_of,
)
from capsim.engine.compiled.owned import drop_of_slot
from capsim.engine.compiled.processor_sharing import hand_on
from capsim.engine.compiled.slots import pass_on, put_idle
from capsim.engine.compiled.state import NONE, State
from capsim.plan.ops import Status

_WORKER_TIMEOUT = int(Status.WORKER_TIMEOUT)


@kernel
def kill_worker(s: State, job: int, resource: int, finish: int) -> None:
    """Kill the worker that a job holds: the client sees an error, the slot boots anew."""
    request = s.jobs[job]
    served = request.station != NONE and s.stations[request.station].outlives
    if served or request.outlived_until > s.registers[0].now:
        _leave_statement(s, job, finish)
    interrupt(s, job, _WORKER_TIMEOUT, finish)
    place = place_of(s, job, resource)
    request.slot_away = s.held_slots[job, place]
    drop_place(s, job, place)
    _restart(s, job, resource)


@kernel
def _restart(s: State, job: int, resource: int) -> None:
    """Take a killed job's slot out of service for the time that it takes to boot."""
    slots, now = s.resources[resource], s.registers[0].now
    if s.jobs[job].abandoned:
        slots.wasted -= 1
        slots.wasted_s += now
    drop_of_slot(s, resource, s.jobs[job].slot_away)
    slots.away += 1
    slots.held_s += now
    keep_job(s, job)  # its luck says who is next
    schedule(s, now + slots.restart_s, BOOT, job, resource)


@kernel
def boot(s: State, job: int, resource: int) -> None:
    """Have the slot that a killed job had in service again."""
    slots = s.resources[resource]
    if slots.ring != NONE:
        put_idle(s, resource, s.jobs[job].slot_away)
    slots.away -= 1
    slots.held_s -= s.registers[0].now
    pass_on(s, job, resource)
    leave_job(s, job)


@kernel
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
        ghost.station, ghost.sequence, ghost.end = request.station, request.sequence, request.end
        hand_on(s, request.station, job, heir)
        request.station = NONE
    else:
        schedule(s, now + (request.outlived_until - now), JOB, heir, stamp)
    if request.abandoned:
        ghost.abandoned = 1
    else:
        forsake(s, heir)


@kernel
def _hand_on_slots(s: State, job: int, heir: int) -> None:
    """Give a ghost the slots that outlive its job."""
    ghost, place = s.jobs[heir], 0
    while place < s.jobs[job].held:
        resource = s.held[job, place]
        if not s.resources[resource].outlives:
            place += 1
            continue
        s.held[heir, ghost.held] = resource
        ghost.held += 1
        drop_place(s, job, place)
