"""The primitive steps that every engine knows, and the rules for simultaneous events.

Rules that all engines share, so that they agree record by record:

1. Events are ordered by (time, sequence number of scheduling).
2. A process runs until it has to wait. Whatever it wakes (a granted waiter, a user that goes on,
   a killed request) joins a FIFO ready queue, which is drained before the clock moves.
3. A slot is handed over at the release, to the waiter that the resource's order says: the first,
   the last, or, at random, number floor(waiting * frac(u + k GOLDEN)) in order of arrival, with u
   and k as in rule 8, of the job that releases. A waiter is decided exactly once, by whichever of
   grant, expiry, interruption and kill is processed first.
4. A free slot costs no event, nor does a delay or a service of zero length.
5. Waits with a constant limit expire through one timer per resource, armed for the oldest
   undecided waiter; client timeouts and worker timeouts do so per population and resource.
6. A client that gives up is recorded at once and its user goes on thinking; the server side runs
   on as a zombie that is marked, and never counted as an answer. A request in a delay of the
   client's own ends at once, and slots that are the client's are given back.
7. A failed request goes to its error path while it holds what it holds; what is left at the end
   is released in reverse order of acquisition.
8. At a station with a quantum, the slice of the running job ends one quantum after it began or
   after a job first waited, whichever is later; when nobody waits any more (a kill), the slice has
   no end until somebody does. Being done within SAME_INSTANT_S of that end comes first: demands
   of whole slices are common, and rounding must not cost them a turn. Of several that wait, in
   order of arrival, number floor(waiting * frac(u + k GOLDEN)) is next: u is a uniform draw of the
   job that leaves, k how often it has chosen among several. One that gave way joins their end after
   that. A job that comes back, after a query say, waits like any other.
9. A user's connection, with its route and what it owns, lives until the user leaves, its client
   gives up, or a request ends with a status of `CONNECTION_LOST`.
10. A forked job joins the ready queue at once, with the draws and the route of its parent.
11. Deadlines of a job are cleared by a failure. A job that is interrupted leaves its queue or
   station without having been served, and goes on at the instant of its deadline. A job that is
   killed ends at once with none of its own steps, but where the station or the delay outlives it,
   that goes on for nobody until it is done or its deadline passes, and with it the slots that do.
   Those are not killed again, and one that was to restart does not.
12. A closed resource grants nothing; what is released meanwhile stays with it. When it opens, its
   waiters are granted in order, then come new ones. Resources that share a line take from it what
   they have room for, each when it has a slot free. Changes at a fixed time (an outage, another
   speed) are scheduled before everything else, so they come first at their instant.
13. Where slots have a weight, every grant adds to a level. A grant that lifts it above its limit is
   made, and then the victim's slots are killed, the job that was granted last among them.
14. A slot that has been used as often as it may be is taken out of service at its release, before
   any waiter is considered; a resource that is recycled whole closes at the grant that uses it up,
   and is away from the moment when nobody holds a slot of it any more.
15. Where waiters are a herd, those who came since the last handover stand in line behind the first
   of them. A handover chooses, as in rule 3, among that first one and those who have seen one
   before; then all have seen one. A wait limit counts from the last handover, and for who moves up
   to be the first in line because the one before has given up, from then.
"""

from dataclasses import dataclass
from enum import IntEnum

NO_COLUMN = -1
NO_GATES = -1  # as a target of ROUTE: every server is open
SAME_INSTANT_S = 1e-9  # far below any slice, far above the rounding of a clock of hours
# (sqrt(5) - 1) / 2, whose multiples fill the unit interval evenly (Weyl 1916).
GOLDEN = 0.6180339887498949
FAILS = -1  # as a jump target: take the error path


class Op(IntEnum):
    """What a step does."""

    ACQUIRE = 0  # take a slot of a resource; wait in line; refused when too many wait already
    RELEASE = 1  # give it back
    HOLD = 2  # make sure that the owner (user or slot) has a slot of its own; never waits
    DELAY = 3  # wait for a drawn time
    SERVE = 4  # have a drawn demand served by a station
    ROUTE = 5  # choose one of `count` equal servers; keeps it while the user's connection lives
    BRANCH = 6  # jump when the draw lies below a limit: for a uniform draw, a probability
    REPEAT = 7  # jump back until a drawn count is reached, or `count` where that comes first
    JUMP = 8  # jump always
    FAIL = 9  # set the status; go to the error path, or to `jump` when one is given
    END = 10  # release what is held and answer
    FORK = 11  # start a job of another class that nobody waits for
    DEADLINE = 12  # interrupt this job after a time, unless cleared before
    CLEAR = 13  # forget the deadline
    FRESH = 14  # jump when the time stored in a cell lies ahead
    STORE = 15  # store the time that lies `limit` ahead in a cell
    NOTE = 16  # write the time down, under the name of the resource or station at `target`


class Status(IntEnum):
    """How a request ended. A status of 400 or more is the application's own HTTP answer."""

    OK = 0
    IN_FLIGHT = 1
    BACKLOG_FULL = 2
    POOL_TIMEOUT = 3
    CONNECTION_REFUSED = 4
    WORKER_TIMEOUT = 5
    CLIENT_TIMEOUT = 6
    QUEUE_TIMEOUT = 7
    POOL_FULL = 8  # too many wait for a pooled connection already
    LOCK_TIMEOUT = 9
    STATEMENT_TIMEOUT = 10
    SERVER_LOST = 11  # the process that handled the request was killed
    UNREACHABLE = 12  # no server takes connections
    DATABASE_LOST = 13  # the database closed the connection
    TASK_TIMEOUT = 14  # a background task passed its time limit


# The server never accepted the client's connection, or reset it.
CONNECTION_LOST = frozenset(
    {Status.BACKLOG_FULL, Status.WORKER_TIMEOUT, Status.SERVER_LOST, Status.UNREACHABLE}
)


def status_name(code: int) -> str:
    """Return the name of a status as it stands in tables and JSON, e.g. `pool_timeout`."""
    return f"http_{code}" if code >= 400 else Status(code).name.lower()  # noqa: PLR2004 (HTTP)


class Owner(IntEnum):
    """Who owns a slot taken by HOLD."""

    USER = 0  # the client's connection, and so the server thread that serves it
    SLOT = 1  # the slot of another resource, e.g. a worker's thread


class Order(IntEnum):
    """Which of those that wait for a slot gets it."""

    FIFO = 0
    RANDOM = 1
    LIFO = 2


class Jitter(IntEnum):
    """How the pause m before a retry is drawn (Brooker, AWS Architecture Blog, 2015)."""

    NONE = 0  # m
    FULL = 1  # uniform on [0, m]
    EQUAL = 2  # uniform on [m/2, m]


class Policy(IntEnum):
    """How ROUTE chooses; ties of LEAST and TWO go to the next in turn, and to the first drawn."""

    RANDOM = 0
    TURN = 1  # round robin
    LEAST = 2  # fewest in flight
    TWO = 3  # the one of two random ones with fewer in flight


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One row of the step table; fields that an operation does not use keep their defaults."""

    op: Op
    target: int = 0  # resource, station, cell, class; for HOLD with Owner.SLOT `owner_resource`
    per_route: int = 0  # 0: `target` itself; d > 0: `target` + route // d, one per d servers
    among: int = 1  # n > 1: `target` + floor(n * draw of `pick`), one of n equal ones
    pick: int = NO_COLUMN
    column: int = NO_COLUMN  # the draw that sets the time, demand, choice or count
    scale: float = 1.0  # factor on that draw
    repeated: bool = False  # the draw has one value per repetition
    jump: int = FAILS
    count: int = 0  # servers of ROUTE; most repetitions of REPEAT, 0 for no such limit
    policy: Policy = Policy.RANDOM  # of ROUTE, which chooses among the resources at `target`
    status: int = 0  # of FAIL and DEADLINE; of ACQUIRE and HOLD when refused
    expired_status: int = 0  # of ACQUIRE when the wait limit passes
    limit: float = float("inf")  # keep-alive of ROUTE, probability of BRANCH, time of the rest
    outlives: bool = False  # of DELAY: the database's doing, which goes on when the job is killed
    again: bool = False  # of ROUTE: what was chosen had no room; choose anew on the same level
    by_client: bool = False  # of DELAY: the client's own doing, which ends when it gives up
    owner: Owner = Owner.USER
    owner_resource: int = -1
