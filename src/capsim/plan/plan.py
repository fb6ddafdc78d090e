"""The plan: what an engine runs. Primitive steps, resources, stations, sources and draws."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capsim.plan.draws import Column
from capsim.plan.ops import NO_COLUMN, Jitter, Order, Status, Step

INFINITE = float("inf")
UNLIMITED = 1 << 62


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """What is lost with a process: the connections that its threads or its users' owned."""

    slots_of: tuple[int, ...] = ()  # resources whose slots are owners
    routes: tuple[int, int] = (0, 0)  # users on these routes, the last one excluded


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """Slots that requests hold: threads, workers, connections."""

    name: str  # `thread`, `connection` ...; replicas of one thing share the name
    capacity: int
    order: Order = Order.FIFO
    turn_column: int = NO_COLUMN  # with a random order: the uniform draw that says who is next
    queue_limit: int = UNLIMITED  # waiters beyond this are refused
    wait_limit_s: float = INFINITE  # a wait longer than this expires
    herd: bool = False  # a random order as rows of PostgreSQL have it, see rule 15
    hold_limit_s: float = INFINITE  # a hold longer than this is killed, the slot then restarts
    check_s: float = 0.0  # limits are looked at this often, from time zero on; 0: at once
    restart_s: float = 0.0
    identified: bool = False  # slots are told apart (least recently used first), to own things
    uses: tuple[int, ...] = ()  # how often it may be used, by birth; then it restarts; none: ever
    outlives: bool = False  # a killed job's statement keeps its slot, unless it is the client's
    of_client: bool = False  # given back when the client gives up, not when the server is done
    owned: bool = False  # its slots belong to owners that outlive a request
    loss: Loss = field(default_factory=Loss)  # when it was away
    shares_line: int = -1  # waits in the line of this resource, whoever of them is free first
    route_base: int = -1  # who is granted a slot from such a line has route number - this
    whole: bool = False  # `uses` counts the uses of all slots, and all restart together


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """Cores that serve the jobs present, slowed by contention.

    Together, n jobs are served at the rate
    `min(n, cores) / (1 + contention (n-1) + coherency n (n-1)) / (1 + idle_overhead/n)`,
    times the share of its group's cores, times the speed of the schedule. Without a quantum each
    gets an equal part of it (processor sharing). With one, which only a station of one core has,
    one job gets all of it at a time, until it is done or others have waited for the quantum;
    without a draw that says who is next, they are served in the order in which they came.
    """

    name: str
    cores: float = 1.0
    contention: float = 0.0
    coherency: float = 0.0
    idle_overhead: float = 0.0
    quantum_s: float = 0.0
    turn_column: int = NO_COLUMN  # with a quantum: the uniform draw that says who is next
    outlives: bool = False  # a killed job's service goes on, for nobody
    group: int = -1  # stations of a group share its cores: process i runs at min(1, cores/active)
    speeds: tuple[tuple[float, float], ...] = ()  # (from time, speed), in order of time


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """A resource that closes for `duration_s`, from its beginning or from when it is empty."""

    time_s: float
    resource: int
    duration_s: float
    kill: bool = False  # those that hold a slot end at once; otherwise they finish
    drains: bool = False  # opens `duration_s` after the last slot was given back
    refuses: bool = False  # sends away who waits or comes meanwhile
    inside: tuple[int, ...] = ()  # who drains but holds none of these has not come in: killed
    loss: Loss = field(default_factory=Loss)


@dataclass(frozen=True, kw_only=True, slots=True)
class Blackout:
    """A station that is down: those in service, and those that come, fail."""

    time_s: float
    duration_s: float
    station: int
    status: int
    lines: tuple[int, ...] = ()  # resources whose waiters fail when it begins


@dataclass(frozen=True, kw_only=True, slots=True)
class Gauge:
    """A level, to which every slot in use adds; above its limit somebody is killed.

    The victim is, of the resources named, the one with most slots in use, the first of equals: all
    of its holders die and it is away for `restart_s`. With `whole` all of the resources are. Where
    slots are identified, the victim is one slot, that of the job granted last.
    """

    name: str
    limit: float
    weights: tuple[tuple[int, float], ...]  # (resource, what a slot in use adds)
    victims: tuple[int, ...]
    restart_s: float
    whole: bool = False
    loss: Loss = field(default_factory=Loss)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """When a client asks again: a pause before attempt k of min(cap, base * 2^(k-1)), jittered.

    A budget holds at most `burst` tokens; each first attempt adds `ratio`, each retry takes one.
    """

    most: int
    base_s: float
    cap_s: float
    jitter: Jitter
    luck_column: int
    statuses: frozenset[int]  # that are worth another attempt
    ratio: float = INFINITE
    burst: float = INFINITE


@dataclass(frozen=True, kw_only=True, slots=True)
class Flush:
    """Cells that are emptied at a time."""

    time_s: float
    first: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who sends requests: closed users, or open arrivals.

    `starts` and `stops` have one entry per user's session (closed) or per arrival (open).
    """

    name: str
    starts: NDArray[np.float64]  # seconds
    stops: NDArray[np.float64]  # seconds; a user starts no request after it
    open: bool = False
    pacing: bool = False  # the think draw is a period from start to start
    client_timeout_s: float = INFINITE
    timeout_status: int = Status.CLIENT_TIMEOUT
    retries: Retries | None = None
    classes: tuple[int, ...] = ()  # request classes, and
    cumulative: tuple[float, ...] = ()  # their cumulated probabilities
    think_column: int = NO_COLUMN
    class_column: int = NO_COLUMN  # the draw that chooses; none where there is one class


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All of the input of an engine; the same plan gives the same trace in every engine."""

    steps: tuple[Step, ...]
    entries: tuple[int, ...]  # first step of each request class
    errors: tuple[int, ...]  # first step of each request class's error path
    class_names: tuple[str, ...]
    resources: tuple[Resource, ...]
    stations: tuple[Station, ...]
    group_cores: tuple[float, ...] = ()
    sources: tuple[Source, ...]
    columns: tuple[Column, ...]
    outages: tuple[Outage, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    gauges: tuple[Gauge, ...] = ()
    cells: tuple[float, ...] = ()  # until when each is fresh, at the start
    flushes: tuple[Flush, ...] = ()
    horizon_s: float
    seed: int
    replication: int = 0

    @property
    def wait_names(self) -> tuple[str, ...]:
        """The distinct resource names: a trace has one wait column for each."""
        return tuple(dict.fromkeys(resource.name for resource in self.resources))
