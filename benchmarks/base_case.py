"""The model that every engine and peer of a speed benchmark simulates, and its plan.

Closed users think (exponential), then need one of some threads, then one of some connections
(waiting for it at most for a time), then a lognormal query. Every user's first request is sent at
time zero. Who waited too long gives its thread back, is counted as expired, and thinks again.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from capsim.model.laws import Exponential, Lognormal
from capsim.plan.builder import PlanBuilder
from capsim.plan.draws import Values
from capsim.plan.ops import Status
from capsim.plan.plan import Plan, Resource


@dataclass(frozen=True, kw_only=True)
class Case:
    """The parameters of the model, in seconds."""

    name: str
    users: int = 100
    threads: int = 16
    connections: int = 8
    think_s: float = 0.43
    query_s: float = 0.005
    query_cv: float = 1.0
    wait_limit_s: float = 30.0
    horizon_s: float = 300.0

    @cached_property
    def query_sigma(self) -> float:
        """The standard deviation of the logarithm of the query time."""
        return math.sqrt(math.log1p(self.query_cv**2))

    @cached_property
    def query_mu(self) -> float:
        """The mean of the logarithm of the query time."""
        return math.log(self.query_s) - self.query_sigma**2 / 2


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run gives: all that an engine or peer must find out, beside what it keeps."""

    requests: int  # ended within the horizon, the expired ones included
    mean_s: float  # mean response time of all of them
    expired: int  # waited too long for a connection


BASE = Case(name="base case")
# Where requests wait, and where waits expire: the base case alone would not show whether a peer
# keeps the thread while it waits, hands slots over in order, or gives up in time.
CROWDED = Case(name="crowded", think_s=0.03, horizon_s=10.0)
IMPATIENT = Case(name="impatient", think_s=0.03, wait_limit_s=0.004, horizon_s=10.0)


def plan(case: Case, seed: int, starts: Values | None = None) -> Plan:
    """Return a case as a plan.

    Args:
        case: to simulate.
        seed: names the luck.
        starts: when each user sends its first request, in seconds; none: at time zero.
    """
    builder = PlanBuilder()
    thread = builder.resource(Resource(name="thread", capacity=case.threads))
    connection = builder.resource(
        Resource(name="connection", capacity=case.connections, wait_limit_s=case.wait_limit_s)
    )
    query = builder.column("query", Lognormal(law="lognormal", mean=case.query_s, cv=case.query_cv))
    request = builder.request_class("request")
    builder.acquire(thread)
    builder.acquire(connection, expired=Status.POOL_TIMEOUT)
    builder.delay(query)
    builder.release(connection)
    builder.release(thread)
    builder.end()
    builder.users(
        "users",
        think=Exponential(law="exponential", mean=case.think_s),
        classes=[(request, 1.0)],
        starts=np.zeros(case.users) if starts is None else starts,
    )
    return builder.build(horizon_s=case.horizon_s, seed=seed)
