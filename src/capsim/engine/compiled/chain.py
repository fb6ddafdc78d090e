"""Jobs linked from one to the next, in order: who waits, who is not done yet, who holds a slot.

A job stands in at most one chain of each kind.
"""

from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import NONE, State

# The kinds of chains; from HOLDING on, one for each resource whose holders are known.
WAITING, UNFINISHED, HOLDING = range(3)

# The first chains are of those unfinished; then comes one for each resource, of those who wait,
# and one for each whose holders are known.
REQUESTS, TASKS, FIRST_LINE = range(3)


@kernel
def append(s: State, chain: int, kind: int, job: int) -> None:
    """Link a job behind the last one of a chain."""
    ends, link = s.chains[chain], s.links[job, kind]
    link.prev, link.next = ends.last, NONE
    if ends.last == NONE:
        ends.first = job
    else:
        s.links[ends.last, kind].next = job
    ends.last = job


@kernel
def unlink(s: State, chain: int, kind: int, job: int) -> None:
    """Take a job out of a chain, wherever it stands."""
    ends, link = s.chains[chain], s.links[job, kind]
    if link.prev == NONE:
        ends.first = link.next
    else:
        s.links[link.prev, kind].next = link.next
    if link.next == NONE:
        ends.last = link.prev
    else:
        s.links[link.next, kind].prev = link.prev


@kernel
def at_place(s: State, chain: int, kind: int, place: int) -> int:
    """Return the job at a place of a chain, which is that long."""
    job = s.chains[chain].first
    for _ in range(place):
        job = s.links[job, kind].next
    return job
