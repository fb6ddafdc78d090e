"""Plans for what random ones next to never have: both engines have to agree on them too."""

from collections.abc import Callable

import numpy as np

from capsim.model.laws import Constant, Exponential
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import Status
from capsim.plan.plan import INFINITE, Gauge, Outage, Plan, Resource, Station

Steps = Callable[[], None]


class Visits(PlanBuilder):
    """Requests that come once, at their time, and do what their steps say."""

    def visit(self, at_s: float, steps: Steps, *, client_timeout_s: float = INFINITE) -> None:
        """Have a request come."""
        name = f"at {at_s} s"
        number = self.request_class(name)
        steps()
        self.end()
        self.arrivals(
            name,
            classes=[(number, 1.0)],
            times=np.array([at_s]),
            client_timeout_s=client_timeout_s,
        )

    def work(self, time_s: float) -> None:
        """Wait for a time."""
        self.delay(self.column(f"{time_s} s", Constant(value=time_s)))

    def use(self, *slots: int, work_s: float = 1.0) -> Steps:
        """Take slots, work, and leave them to the end."""

        def steps() -> None:
            for slot in slots:
                self.acquire(slot)
            self.work(work_s)

        return steps

    def plan(self) -> Plan:
        """Build the plan."""
        return self.build(horizon_s=10.0, seed=1)


def left_behind() -> Plan:
    """A plan whose first request leaves two slots to its end; those who wait meet at a third."""
    visits = Visits()
    one, other, third = (visits.resource(Resource(name=name, capacity=1)) for name in "abc")
    visits.visit(0.0, visits.use(one, other))
    visits.visit(0.25, visits.use(one, third))
    visits.visit(0.5, visits.use(other, third))
    return visits.plan()


def own_slot() -> Plan:
    """A plan whose first request waits for the slot that it has; its leaving client frees it."""
    visits = Visits()
    slot = visits.resource(Resource(name="connection", capacity=1, of_client=True))
    visits.visit(0.0, visits.use(slot, slot), client_timeout_s=0.5)
    visits.visit(0.75, visits.use(slot))
    return visits.plan()


def late_deadline() -> Plan:
    """A plan whose request fails before its deadline, and is still on its error path then."""
    visits = Visits()

    def steps() -> None:
        visits.deadline(0.5, Status.STATEMENT_TIMEOUT)
        visits.work(0.25)
        visits.fail(500)
        visits.error_path()
        visits.work(1.0)

    visits.visit(0.0, steps)
    return visits.plan()


def closed_and_drained() -> Plan:
    """A plan whose resource is to open while it drains: a request still holds the slot."""
    visits = Visits()
    slot = visits.resource(Resource(name="slot", capacity=1))
    visits.outage(Outage(time_s=0.5, resource=slot, duration_s=1.0))
    visits.outage(Outage(time_s=1.0, resource=slot, duration_s=1.0, drains=True))
    visits.visit(0.0, visits.use(slot, work_s=3.0))
    visits.visit(0.75, visits.use(slot))
    return visits.plan()


def memory_of_others() -> Plan:
    """A plan whose memory is used up by who is no worker; the worker granted last is killed."""
    visits = Visits()
    worker = visits.resource(Resource(name="worker", capacity=3, identified=True))
    other = visits.resource(Resource(name="other", capacity=1))
    visits.gauge(
        Gauge(name="g", limit=0.5, weights=((other, 1.0),), victims=(worker,), restart_s=1.0)
    )
    for at_s in (0.0, 0.25):
        visits.visit(at_s, visits.use(worker, work_s=2.0))
    visits.visit(0.5, visits.use(other))
    return visits.plan()


def equal_victims() -> Plan:
    """A plan whose memory is used equally by two: the first of them is killed."""
    visits = Visits()
    slots = [visits.resource(Resource(name=name, capacity=1)) for name in "ab"]
    weights = tuple((slot, 1.0) for slot in slots)
    visits.gauge(Gauge(name="g", limit=1.5, weights=weights, victims=tuple(slots), restart_s=1.0))
    for at_s, slot in zip((0.0, 0.25), slots, strict=True):
        visits.visit(at_s, visits.use(slot))
    return visits.plan()


def interrupted_statement() -> Plan:
    """A plan whose worker is killed while a statement, had its deadline not ended it, went on."""
    visits = Visits()
    lock = visits.resource(Resource(name="lock", capacity=1, outlives=True))
    worker = visits.resource(Resource(name="worker", capacity=1, hold_limit_s=2.0))
    statement = visits.column("statement", Constant(value=9.0))

    def steps() -> None:
        visits.acquire(worker)
        visits.acquire(lock)
        visits.deadline(1.0, Status.STATEMENT_TIMEOUT)
        visits.delay(statement, outlives=True)
        visits.error_path()
        visits.work(5.0)

    visits.visit(0.0, steps)
    visits.visit(1.5, visits.use(lock))
    return visits.plan()


def shared_cores() -> Plan:
    """A plan of many stations on few cores: one that falls idle or busy changes all others."""
    visits = Visits()
    group = visits.group(2.0)
    stations = [visits.station(Station(name="cpu", group=group)) for _ in range(100)]
    demand = visits.column("demand", Exponential(law="exponential", mean=0.01))
    for number in range(70):

        def steps(number: int = number) -> None:
            visits.serve(stations[number], demand)  # its only one there
            visits.serve(stations[70 + number % 30], demand)  # where nobody is

        visits.visit(number * 5e-5, steps)
    return visits.plan()


HAND_WRITTEN = {
    plan.__name__: plan
    for plan in (
        left_behind,
        own_slot,
        late_deadline,
        closed_and_drained,
        memory_of_others,
        equal_victims,
        interrupted_statement,
        shared_cores,
    )
}
