"""What happens to a job from outside: its client leaves it, or a deadline interrupts it."""

from capsim.engine.compiled.agenda import wake
from capsim.engine.compiled.jit import seldom
from capsim.engine.compiled.line import decide
from capsim.engine.compiled.slots import forsake_slot, give_back
from capsim.engine.compiled.state import NONE, State
from capsim.engine.compiled.station import forsake_service, withdraw


@seldom
def forsake(s: State, job: int) -> None:
    """Have a job go on for nobody: the client has gone, and with it the slots that are its own."""
    request = s.jobs[job]
    place = 0
    for _ in range(request.held):  # what it is granted meanwhile, its own slot perhaps, stays
        if s.resources[s.held[job, place]].of_client:
            give_back(s, job, place)
        else:
            place += 1
    go_on_for_nobody(s, job)


@seldom
def go_on_for_nobody(s: State, job: int) -> None:
    """Count what a job has from now on as wasted."""
    request = s.jobs[job]
    request.abandoned = 1
    for place in range(request.held):
        forsake_slot(s, s.held[job, place])
    if request.station != NONE:
        forsake_service(s, job)


@seldom
def interrupt(s: State, job: int, status: int, to: int) -> None:
    """Take a job out of whatever it waits for, and have it go on at another step."""
    request = s.jobs[job]
    request.status, request.pc, request.deadline = status, to, 0
    request.outlived_until = 0.0  # a delay of the database's, if it is in one, ends here
    if request.line != NONE:
        decide(s, job)
    if request.station != NONE:
        withdraw(s, job)
    if request.waiting:
        wake(s, job)
