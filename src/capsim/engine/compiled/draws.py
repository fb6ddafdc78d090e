"""What a job was dealt: its draws, and its luck in a choice among those that wait."""

from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import State
from capsim.plan.ops import GOLDEN


@kernel
def drawn(s: State, job: int, column: int) -> float:
    """Return a job's draw of a column; of a repeated one, the first."""
    request = s.jobs[job]
    return s.draws[request.page, request.row + s.page_columns[request.page, column]]


@kernel
def drawn_by(s: State, job: int, step: int) -> float:
    """Return a step's draw of a job."""
    request, does = s.jobs[job], s.steps[step]
    place = request.row + s.page_columns[request.page, does.column]
    if does.repeated:
        place += request.repetition
    return s.draws[request.page, place] * does.scale


@kernel
def replica(s: State, job: int, step: int) -> int:
    """Return which of several equal things a job means: by its route, or by a draw."""
    does = s.steps[step]
    if does.among > 1:
        return int(drawn(s, job, does.pick) * does.among)
    return s.jobs[job].route // does.divisor


@kernel
def luck(s: State, job: int, column: int) -> float:
    """Return a number in [0, 1) that says who is next; another one each time (rule 8)."""
    request = s.jobs[job]
    turns = request.turns
    request.turns = turns + 1
    return (drawn(s, job, column) + turns * GOLDEN) % 1.0
