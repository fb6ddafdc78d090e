"""The workload: what a request needs, who sends requests, and how long a load test lasts."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from capsim.model.client import Client
from capsim.model.faults import Fault
from capsim.model.laws import ZERO, Constant, CountLaw, Law, ThinkLaw
from capsim.model.spec import Count, NonNegative, Positive, Probability, Spec

Weights = dict[str, Positive]
_MOST_QUERIES = 10_000  # of one request: each is an event, and each has draws of its own


class LockUse(Spec):
    """The row lock that a request takes, after some of its queries, and holds to its COMMIT."""

    name: str  # one of `database.locks`
    after_queries: Count = 0
    hold_s: Law = ZERO  # passes while the row is locked, besides queries and CPU


class RequestClass(Spec):
    """What one kind of request needs from the stack.

    The application's CPU demand is spent in equal parts before the first query and after each;
    the database connection is held from the first query to the end of the request, as Django does.
    `queries` counts round trips, so BEGIN and COMMIT too.
    """

    app_cpu_s: Law = ZERO
    delay_s: Law = ZERO  # waiting that needs neither CPU nor database, with the thread held
    queries: CountLaw = Constant(value=0)
    query_s: Law = ZERO  # demand of one query on a database core
    query_wait_s: Law = ZERO  # of one query, without a core: the network, a disk, pg_sleep
    delay_after_s: Law = ZERO  # as delay_s, after the queries: with the connection held
    rejected: Probability = 0.0  # share that the application itself answers with an error
    rejected_status: Annotated[int, Field(ge=400, le=599)] = 403
    read_share: Probability = 0.0  # of its queries that may go to a replica; 1: it writes nothing
    cached: bool = False  # asks the cache first, where there is one
    lock: LockUse | None = None
    task: str | None = None  # of `celery.tasks`, handed over before the answer

    @model_validator(mode="after")
    def _queries_have_time(self) -> Self:
        if (self.query_s.mean > 0 or self.query_wait_s.mean > 0) and self.queries.mean == 0:
            msg = "query times are given but queries = 0; say how many queries a request makes"
            raise ValueError(msg)
        if self.queries.mean > _MOST_QUERIES:
            msg = f"queries = {self.queries.mean:g}: more than {_MOST_QUERIES} cannot be simulated"
            raise ValueError(msg)
        if isinstance(self.queries, Constant) and self.queries.value % 1:
            msg = f"queries = {self.queries.value} is no whole number; use a geometric law"
            raise ValueError(msg)
        if self.lock is not None and self.lock.after_queries >= self._fewest_queries:
            msg = (
                f"lock.after_queries = {self.lock.after_queries}: a lock is held while queries "
                f"run; give fewer than every request makes ({self._fewest_queries:g})"
            )
            raise ValueError(msg)
        return self

    @property
    def _fewest_queries(self) -> float:
        """Queries that every request of this class makes; for a random number only the first."""
        if isinstance(self.queries, Constant):
            return self.queries.value
        return min(1.0, self.queries.mean)

    @property
    def uses_database(self) -> bool:
        """Whether any request of this class takes a database connection."""
        return self.queries.mean > 0


class UserClass(Spec):
    """Closed users of one kind: each waits for the answer, then thinks, then asks again."""

    weight: Positive = 1.0
    think_s: ThinkLaw
    # Request class -> weight; none: users that are logged in and do nothing.
    tasks: Weights = Field(default_factory=dict)


class Stage(Spec):
    """Part of a load test that moves to `users` at `spawn_rate` users per second."""

    duration_s: Positive
    users: Count
    spawn_rate: Positive


class RateStage(Spec):
    """Part of an open load test with a fixed arrival rate, in requests per second."""

    duration_s: Positive
    rate: NonNegative


_MOST_ARRIVALS = 10_000_000  # of one kind: each is simulated


class Arrivals(Spec):
    """Open arrivals: requests that come whatever the system does."""

    stages: Annotated[tuple[RateStage, ...], Field(min_length=1)]
    interarrival: Literal["exponential", "constant"] = "exponential"
    tasks: Annotated[Weights, Field(min_length=1)]

    @model_validator(mode="after")
    def _can_be_simulated(self) -> Self:
        expected = sum(stage.duration_s * stage.rate for stage in self.stages)
        if expected > _MOST_ARRIVALS:
            msg = f"{expected:.3g} arrivals: more than {_MOST_ARRIVALS} cannot be simulated"
            raise ValueError(msg)
        return self


class Drift(Spec):
    """Demand that grows while a test runs: tables fill up, memory fragments, a laptop heats.

    Demand at time t is `1 + growth * (t / duration_s) ** power` times that of the start.
    """

    station: Literal["app", "database"]
    growth: NonNegative  # relative increase from the start to the end of the test
    power: Positive = 1.0  # 1: steadily; more: late and steep


class Scenario(Spec):
    """One load test: users or arrivals, and for how long."""

    duration_s: Positive
    users: Count = 0
    spawn_rate: Positive | None = None  # users per second; none: all at once
    stages: tuple[Stage, ...] = ()
    user_classes: dict[str, UserClass] = Field(default_factory=dict)
    arrivals: dict[str, Arrivals] = Field(default_factory=dict)
    client: Client = Client()
    drift: Drift | None = None
    faults: tuple[Fault, ...] = ()

    @model_validator(mode="after")
    def _has_load(self) -> Self:
        if self.stages and (self.users or self.spawn_rate):
            msg = "give either stages, or users and spawn_rate, not both"
            raise ValueError(msg)
        if not self.arrivals and self.peak_users == 0:
            msg = "no users and no arrivals; set users to at least 1"
            raise ValueError(msg)
        if self.peak_users > 0 and not any(c.tasks for c in self.user_classes.values()):
            msg = "users need at least one entry in user_classes with tasks"
            raise ValueError(msg)
        return self

    def tasks_by_source(self) -> dict[str, Weights]:
        """Return the request classes, with their weights, that each source of load asks for."""
        users = {name: spec.tasks for name, spec in self.user_classes.items()}
        return users | {name: spec.tasks for name, spec in self.arrivals.items()}

    @property
    def asked_for(self) -> frozenset[str]:
        """The request classes that any source of load asks for."""
        return frozenset(name for tasks in self.tasks_by_source().values() for name in tasks)

    @property
    def peak_users(self) -> int:
        """The largest number of closed users at any time."""
        return max([self.users, *(stage.users for stage in self.stages)])
