"""A request on its way through the step table, and the session of the user that sent it."""

from typing import TYPE_CHECKING

from simpy import Event

from capsim.plan.draws import Row
from capsim.plan.ops import Status

if TYPE_CHECKING:
    from capsim.engine.reference.fifo import Fifo, Waiter
    from capsim.engine.reference.owned import Owned
    from capsim.engine.reference.station import Service, ServiceStation

NO_ROUTE = -1


class Session:
    """What outlives a request: the user's connection, and with it its server and its slots."""

    __slots__ = ("idle_since", "owned", "route", "source", "user")

    def __init__(self, source: int, user: int) -> None:
        """Begin without a connection."""
        self.source = source
        self.user = user
        self.route = NO_ROUTE
        self.idle_since = 0.0
        self.owned: list[Owned] = []

    def close(self) -> None:
        """Close the connection: what the user's server thread owned is free again."""
        for owned in self.owned:
            owned.drop(self)
        self.owned.clear()
        self.route = NO_ROUTE


class Job:
    """One request: where it is in the step table, what it holds, and how it fares."""

    __slots__ = (
        "abandoned",
        "error",
        "finished",
        "held",
        "index",
        "live",
        "pc",
        "repetition",
        "request_class",
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
        self.held: list[Fifo] = []
        self.slots: dict[int, int] | None = None  # slot number by resource, where told apart
        self.waits: dict[int, float] | None = None  # time waited by wait column
        self.waiting: Event | None = None  # set while it can be killed
        self.waiter: Waiter | None = None
        self.service: tuple[ServiceStation, Service] | None = None

    def fail(self, status: int) -> None:
        """Go on with the error path."""
        self.status = status
        self.pc = self.error

    def waits_until(self, now: float) -> dict[int, float]:
        """Return the waits up to now, the one that still goes on included."""
        waits = dict(self.waits or {})
        if self.waiter is not None:
            column = self.waiter.fifo.wait_column
            waits[column] = waits.get(column, 0.0) + now - self.waiter.since
        return waits
