"""A request on its way through the step table, and the session of the user that sent it."""

from typing import TYPE_CHECKING

from simpy import Event

from capsim.plan.draws import Row
from capsim.plan.ops import GOLDEN, Status
from capsim.plan.plan import INFINITE

if TYPE_CHECKING:
    from capsim.engine.reference.line import Waiter
    from capsim.engine.reference.owned import Owned
    from capsim.engine.reference.retrying import Retrying
    from capsim.engine.reference.slots import Slots
    from capsim.engine.reference.station import Service, ServiceStation

NO_ROUTE = -1


class Session:
    """What outlives a request: the user's connection, and with it its server and its slots."""

    __slots__ = ("idle_since", "over", "owned", "route", "source", "stop_s", "user")

    def __init__(self, source: int, user: int) -> None:
        """Begin without a connection."""
        self.source = source
        self.user = user
        self.route = NO_ROUTE
        self.idle_since = 0.0
        self.stop_s = INFINITE  # when the user leaves
        self.over = False  # the user has left; a task that it put in hand may go on
        self.owned: list[Owned] = []

    def end(self) -> None:
        """Close the connection for good."""
        self.over = True
        self.close()

    def close(self) -> None:
        """Close the connection: what the user's server thread owned is free again."""
        for owned in sorted(self.owned, key=lambda owned: owned.number):
            owned.drop(self)
        self.owned.clear()
        self.route = NO_ROUTE


class Timer:
    """A deadline, and the job that it can interrupt."""

    __slots__ = ("job",)

    def __init__(self, job: "Job") -> None:
        """Belong to a job until it is handed on, cleared or passed."""
        self.job = job


class Job:
    """One request: where it is in the step table, what it holds, and how it fares."""

    __slots__ = (
        "abandoned",
        "asked",
        "attempt",
        "background",
        "client_delay",
        "deadline",
        "error",
        "finished",
        "held",
        "index",
        "live",
        "outlived_until",
        "pc",
        "repetition",
        "request_class",
        "retry_in_s",
        "retrying",
        "route",
        "row",
        "service",
        "session",
        "slots",
        "start",
        "status",
        "turns",
        "waiter",
        "waiting",
        "waits",
    )

    def __init__(  # noqa: PLR0913 (a record)
        self,
        session: Session,
        index: int,
        request_class: int,
        start: float,
        row: Row,
        entry: int,
        error: int,
    ) -> None:
        """Stand before the first step of the request class."""
        self.session = session
        self.index = index
        self.request_class = request_class
        self.start = start
        self.row: Row = row
        self.pc = entry
        self.error = error
        self.live = True  # the client still waits
        self.abandoned = False  # the client gave up; the server works on for nobody
        self.finished = False  # the server is done with it
        self.status: int = Status.OK
        self.route = 0  # until a ROUTE says otherwise
        self.repetition = 0
        self.turns = 0  # how many times it has chosen whose turn is next
        self.attempt = 0  # how often its client has sent it before
        self.asked = start  # when its client sent it first
        self.retry_in_s: float | None = None  # until its client sends it again
        self.retrying: Retrying | None = None
        self.background = False  # forked; nobody waits for it
        self.deadline: Timer | None = None  # the one that can interrupt it, if any
        self.client_delay: Event | None = None  # the end of a delay that is the client's own
        self.outlived_until = 0.0  # the end of a delay that goes on when the job is killed
        self.held: list[Slots] = []
        self.slots: dict[int, int] | None = None  # slot number by resource, where told apart
        self.waits: dict[int, float] | None = None  # time waited by wait column
        self.waiting: Event | None = None  # set while it can be killed
        self.waiter: Waiter | None = None
        self.service: tuple[ServiceStation, Service] | None = None

    def fail(self, status: int) -> None:
        """Go on with the error path."""
        self.status = status
        self.pc = self.error
        self.deadline = None

    def forsake(self) -> None:
        """Go on for nobody: the client has gone."""
        for slots in [slots for slots in self.held if slots.spec.of_client]:
            self.held.remove(slots)
            slots.release(self)
        self.abandoned = True
        for slots in self.held:
            slots.forsake()
        if self.service is not None:
            station, service = self.service
            station.forsake(service)

    def luck(self, column: int) -> float:
        """Return a number in [0, 1) that says who is next; another one each time (rule 8)."""
        drawn: float = (self.row[column] + self.turns * GOLDEN) % 1.0
        self.turns += 1
        return drawn

    def waits_until(self, now: float) -> dict[int, float]:
        """Return the waits up to now, the one that still goes on included."""
        waits = dict(self.waits or {})
        if self.waiter is not None:
            column = self.waiter.line.wait_column
            waits[column] = waits.get(column, 0.0) + now - self.waiter.since
        return waits
