"""Rules of the engine that a run of many requests would hide: ties, kills, accounts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from capsim.engine import Trace, simulate_plan
from capsim.model.laws import Constant, Exponential
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import Order, Status
from capsim.plan.plan import INFINITE, Blackout, Outage, Plan, Resource, Station

Fill = Callable[[PlanBuilder], None]


def constant(builder: PlanBuilder, value: float) -> int:
    """A column of equal values."""
    return builder.column(f"constant {value}", Constant(value=value))


def gil(builder: PlanBuilder, quantum_s: float = 1.0, **settings: Any) -> int:
    """A station whose jobs take turns."""
    turn = builder.column("turn", None)
    return builder.station(Station(name="GIL", quantum_s=quantum_s, turn_column=turn, **settings))


def visits(classes: dict[str, tuple[float, Fill]], horizon_s: float = 100.0) -> Callable[..., Plan]:
    """A plan builder: each request class comes once, at its time, and does what it says."""

    def build(builder: PlanBuilder) -> Plan:
        for name, (time_s, fill) in classes.items():
            index = builder.request_class(name)
            fill(builder)
            builder.end()
            builder.arrivals(name, classes=[(index, 1.0)], times=np.array([time_s]))
        return builder.build(horizon_s=horizon_s, seed=1)

    return build


def by_name(trace: Trace) -> dict[str, tuple[float, int]]:
    """Response time and status of each request class."""
    names = [trace.class_names[i] for i in trace.request_class.tolist()]
    times = (trace.end - trace.start).round(9).tolist()
    return dict(zip(names, zip(times, trace.status.tolist(), strict=True), strict=True))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [([1.0], (2.0, Status.OK)), ([0.5, 0.5], (1.0, Status.QUEUE_TIMEOUT))],
    ids=["release scheduled first", "expiry scheduled first"],
)
def test_grant_and_expiry_at_one_instant(
    steps: list[float], expected: tuple[float, Status]
) -> None:
    """Whichever was scheduled first decides; the waiter is decided once, and no slot is lost."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=1, wait_limit_s=1.0))

    def hold(times_s: list[float]) -> Fill:
        def fill(b: PlanBuilder) -> None:
            b.acquire(slot)
            for time_s in times_s:
                b.delay(constant(b, time_s))

        return fill

    plan = visits({"a": (0.0, hold(steps)), "b": (0.0, hold([1.0])), "c": (5.0, hold([1.0]))})
    trace = simulate_plan(plan(builder))
    assert by_name(trace) == {"a": (1.0, Status.OK), "b": expected, "c": (1.0, Status.OK)}


def test_an_answer_at_the_horizon_is_in_flight() -> None:
    """A run ends just before its horizon, as the load generators' reports do."""
    builder = PlanBuilder()

    def fill(b: PlanBuilder) -> None:
        b.delay(constant(b, 3.0))

    trace = simulate_plan(visits({"a": (0.0, fill)}, horizon_s=3.0)(builder))
    assert trace.status.tolist() == [Status.IN_FLIGHT]
    assert np.isnan(trace.end).all()


def test_waiters_are_served_in_order_of_arrival() -> None:
    """FIFO: later ones that give up leave no gap, and nobody overtakes."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=1))

    def fill(b: PlanBuilder) -> None:
        b.acquire(slot)
        b.delay(constant(b, 1.0))

    def hasty(b: PlanBuilder) -> None:
        b.acquire(slot, patience=constant(b, 0.5))
        b.delay(constant(b, 1.0))

    plan = visits({"a": (0.0, fill), "b": (0.1, hasty), "c": (0.2, fill), "d": (0.3, fill)})
    assert by_name(simulate_plan(plan(builder))) == {
        "a": (1.0, Status.OK),
        "b": (0.5, Status.QUEUE_TIMEOUT),
        "c": (1.8, Status.OK),
        "d": (2.7, Status.OK),
    }


@pytest.mark.parametrize(
    ("first_s", "expected"),
    [(0.012, {"a": 0.015, "b": 0.008}), (0.007, {"a": 0.007, "b": 0.008})],
    ids=["gives way", "done at that very instant"],
)
def test_a_slice_ends_when_another_has_waited_for_it(
    first_s: float, expected: dict[str, float]
) -> None:
    """Alone a job runs on; its slice ends a quantum after the first waiter came (rule 8)."""
    builder = PlanBuilder()
    station = gil(builder, quantum_s=0.005)

    def work(demand_s: float) -> Fill:
        return lambda b: b.serve(station, constant(b, demand_s)) and None

    plan = visits({"a": (0.0, work(first_s)), "b": (0.002, work(0.003))})
    trace = simulate_plan(plan(builder))
    assert by_name(trace) == {name: (time_s, Status.OK) for name, time_s in expected.items()}


def test_three_take_turns() -> None:
    """With three jobs no slice is followed by one of the same job while the others wait."""
    builder = PlanBuilder()
    station = gil(builder)

    def fill(b: PlanBuilder) -> None:
        b.serve(station, constant(b, 2.0))

    trace = simulate_plan(visits(dict.fromkeys("abc", (0.0, fill)))(builder))
    # Six slices of 1 s; whoever ran in the first one is not chosen for the second.
    ends = sorted(time_s for time_s, _ in by_name(trace).values())
    assert ends[-1] == pytest.approx(6.0)
    assert ends[0] >= 3.0
    assert trace.busy[-1, 0] == pytest.approx(6.0)


@pytest.mark.parametrize("killed_at_s", [0.5, 1.5], ids=["while it runs", "while it waits"])
def test_a_killed_job_gives_its_turn_back(killed_at_s: float) -> None:
    """The others go on without it at once, whether it ran or waited for its turn."""
    builder = PlanBuilder()
    station = gil(builder)
    worker = builder.resource(Resource(name="worker", capacity=1, hold_limit_s=killed_at_s))

    def killed(b: PlanBuilder) -> None:
        b.acquire(worker)
        b.serve(station, constant(b, 50.0))

    def served(b: PlanBuilder) -> None:
        b.serve(station, constant(b, 3.0))

    trace = simulate_plan(visits({"a": (0.0, killed), "b": (0.0, served)})(builder))
    gone_s = min(killed_at_s, 1.0)  # the time that the killed one had the station
    assert by_name(trace) == {
        "a": (killed_at_s, Status.WORKER_TIMEOUT),
        "b": (3.0 + gone_s, Status.OK),
    }


def test_a_slice_is_time_and_a_demand_is_work() -> None:
    """At half speed a slice is as long as before, and serves half as much."""
    builder = PlanBuilder()
    station = gil(builder, speeds=((0.0, 0.5),))

    def work(demand_s: float) -> Fill:
        return lambda b: b.serve(station, constant(b, demand_s)) and None

    trace = simulate_plan(visits({"a": (0.0, work(1.0)), "b": (0.0, work(0.5))})(builder))
    assert by_name(trace) == {"a": (3.0, Status.OK), "b": (2.0, Status.OK)}


def test_a_killed_job_leaves_its_share_to_the_others() -> None:
    """Processor sharing goes on with one job fewer from the instant of a kill."""
    builder = PlanBuilder()
    station = builder.station(Station(name="CPU"))
    worker = builder.resource(Resource(name="worker", capacity=1, hold_limit_s=2.0))

    def killed(b: PlanBuilder) -> None:
        b.acquire(worker)
        b.serve(station, constant(b, 50.0))

    def served(b: PlanBuilder) -> None:
        b.serve(station, constant(b, 3.0))

    trace = simulate_plan(visits({"a": (0.0, killed), "b": (0.0, served)})(builder))
    assert by_name(trace) == {"a": (2.0, Status.WORKER_TIMEOUT), "b": (4.0, Status.OK)}
    assert trace.present[-1, 0] == pytest.approx(6.0)
    assert trace.busy[-1, 0] == pytest.approx(4.0)


def test_a_kill_at_the_instant_of_the_answer_is_decided_once() -> None:
    """The limit, scheduled first, wins against a delay of equal length; nothing is lost."""
    builder = PlanBuilder()
    worker = builder.resource(
        Resource(name="worker", capacity=1, hold_limit_s=2.0, restart_s=0.0, identified=True)
    )

    def fill(b: PlanBuilder) -> None:
        b.acquire(worker)
        b.delay(constant(b, 2.0))

    trace = simulate_plan(visits(dict.fromkeys("abc", (0.0, fill)))(builder))
    assert by_name(trace) == {
        "a": (2.0, Status.WORKER_TIMEOUT),
        "b": (4.0, Status.WORKER_TIMEOUT),
        "c": (6.0, Status.WORKER_TIMEOUT),
    }


def test_speeds_change_at_their_times() -> None:
    """A demand of 3 at speed 1 for two seconds, then at speed 1/4."""
    builder = PlanBuilder()
    station = builder.station(Station(name="CPU", speeds=((0.0, 1.0), (2.0, 0.25), (500.0, 1.0))))

    def fill(b: PlanBuilder) -> None:
        b.serve(station, constant(b, 3.0))

    assert by_name(simulate_plan(visits({"a": (0.0, fill)})(builder))) == {"a": (6.0, Status.OK)}


def test_busy_time_of_shared_cores_is_the_work_that_was_done() -> None:
    """When a process joins or leaves, the time before counts at the share that it had."""
    builder = PlanBuilder()
    group = builder.group(1)
    first = builder.station(Station(name="CPU", group=group), 2)

    def work(station: int, demand_s: float) -> Fill:
        def fill(b: PlanBuilder) -> None:
            b.serve(station, constant(b, demand_s))

        return fill

    trace = simulate_plan(
        visits({"a": (0.0, work(first, 4.0)), "b": (2.5, work(first + 1, 1.0))})(builder)
    )
    assert by_name(trace) == {"a": (5.0, Status.OK), "b": (2.0, Status.OK)}
    assert trace.busy[-1].tolist() == pytest.approx([4.0, 1.0])
    # Sampled at 3 s: 2.5 s alone and half of 0.5 s.
    assert trace.busy[3].tolist() == pytest.approx([2.75, 0.25])


def test_the_virtual_time_stays_exact_in_a_station_that_is_never_idle() -> None:
    """After a day of work without a pause, a job takes what it took in the first second."""
    builder = PlanBuilder()
    station = builder.station(Station(name="CPU"))
    endless = builder.column("endless", Constant(value=1e9))
    short = builder.column("short", Constant(value=0.1))
    background = builder.request_class("background")
    builder.serve(station, endless)
    builder.end()
    work = builder.request_class("work")
    builder.serve(station, short)
    builder.end()
    builder.arrivals("background", classes=[(background, 1.0)], times=np.array([0.0]))
    builder.arrivals("work", classes=[(work, 1.0)], times=np.arange(1.0, 86_000.0, 50.0))
    trace = simulate_plan(builder.build(horizon_s=86_400.0, seed=1))
    taken = (trace.end - trace.start)[trace.status == Status.OK]
    assert np.abs(taken - 0.2).max() < 1e-9


def test_slot_seconds_stay_exact_over_many_requests() -> None:
    """The accounts of a long run differ from the sum of its holds and waits by rounding alone."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=4))
    work = builder.column("work", Exponential(law="exponential", mean=0.02))
    request = builder.request_class("request")
    builder.acquire(slot)
    builder.delay(work)
    builder.end()
    think = Exponential(law="exponential", mean=0.1)
    builder.users("u", think=think, classes=[(request, 1.0)], starts=np.zeros(40))
    trace = simulate_plan(builder.build(horizon_s=500.0, seed=1))
    lived = np.where(np.isnan(trace.end), trace.horizon_s, trace.end) - trace.start
    waited = trace.waits[:, 0]
    assert len(trace) > 90_000
    assert trace.queued[-1, 0] == pytest.approx(waited.sum(), rel=1e-8)
    assert trace.in_use[-1, 0] == pytest.approx((lived - waited).sum(), rel=1e-8)


def test_a_user_stops_at_its_stop() -> None:
    """A request that runs at the stop is finished; no other one starts; late starters never do."""
    builder = PlanBuilder()
    work = constant(builder, 2.0)
    request = builder.request_class("request")
    builder.delay(work)
    builder.end()
    builder.users(
        "u",
        think=Constant(value=1.0),
        classes=[(request, 1.0)],
        starts=np.array([0.0, 0.0, 5.0]),
        stops=np.array([3.0, 4.0, 5.0]),
    )
    trace = simulate_plan(builder.build(horizon_s=20.0, seed=1))
    assert trace.user.tolist() == [0, 1, 1]
    assert trace.end.tolist() == [2.0, 2.0, 5.0]


def test_a_client_that_gave_up_stops_too() -> None:
    """The stop also ends a user whose last request was given up."""
    builder = PlanBuilder()
    work = constant(builder, 50.0)
    request = builder.request_class("request")
    builder.delay(work)
    builder.end()
    builder.users(
        "u",
        think=Constant(value=1.0),
        classes=[(request, 1.0)],
        starts=np.zeros(1),
        stops=np.array([4.5]),
        client_timeout_s=2.0,
    )
    trace = simulate_plan(builder.build(horizon_s=100.0, seed=1))
    assert trace.start.tolist() == [0.0, 3.0]
    assert trace.status.tolist() == [Status.CLIENT_TIMEOUT] * 2


def test_what_a_request_still_waits_for_is_recorded() -> None:
    """Requests in flight and requests given up show the wait that they are in."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=1))
    work = constant(builder, 8.0)
    request = builder.request_class("request")
    builder.acquire(slot)
    builder.delay(work)
    builder.end()
    for name, patience_s in (("first", INFINITE), ("waits", INFINITE), ("hasty", 3.0)):
        start = {"first": 0.0, "waits": 1.0, "hasty": 2.0}[name]
        builder.arrivals(
            name,
            classes=[(request, 1.0)],
            times=np.array([start]),
            client_timeout_s=patience_s,
        )
    trace = simulate_plan(builder.build(horizon_s=10.0, seed=1))
    waited = dict(zip(trace.source.tolist(), trace.waits[:, 0].tolist(), strict=True))
    assert waited == pytest.approx({0: 0.0, 1: 7.0, 2: 3.0})


def test_jumps_of_every_kind() -> None:
    """Branches, loops, failures and refusals that go elsewhere lead where they say."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=1, queue_limit=0))

    def loops(b: PlanBuilder) -> None:
        count = constant(b, 3.0)
        tick = b.column("tick", Constant(value=0.5), count=count)
        first = b.here
        b.delay(tick, repeated=True)
        b.repeat(count, first)

    def branches(b: PlanBuilder) -> None:
        taken = b.branch(1.0, b.column("always", None))
        b.delay(constant(b, 9.0))
        b.land(taken)
        missed = b.branch(0.0, b.column("never", None))
        b.delay(constant(b, 0.25))
        b.land(missed)

    def holds(b: PlanBuilder) -> None:
        b.acquire(slot)
        b.delay(constant(b, 4.0))

    def is_refused(b: PlanBuilder) -> None:
        b.acquire(slot, refused=Status.CONNECTION_REFUSED)
        b.delay(constant(b, 9.0))
        b.end()
        b.error_path()
        b.delay(constant(b, 0.75))

    def goes_elsewhere(b: PlanBuilder) -> None:
        b.acquire(slot, otherwise=b.here + 3)
        b.delay(constant(b, 9.0))
        b.end()
        b.delay(constant(b, 0.125))

    plan = visits(
        {
            "loops": (0.0, loops),
            "branches": (0.0, branches),
            "holds": (0.0, holds),
            "is refused": (1.0, is_refused),
            "goes elsewhere": (1.0, goes_elsewhere),
        }
    )
    assert by_name(simulate_plan(plan(builder))) == {
        "loops": (1.5, Status.OK),
        "branches": (0.25, Status.OK),
        "holds": (4.0, Status.OK),
        "is refused": (0.75, Status.CONNECTION_REFUSED),
        "goes elsewhere": (0.125, Status.OK),
    }


def test_a_plan_that_leaves_nothing_to_luck_runs() -> None:
    """A request class that draws nothing at all is answered at once, open or closed."""
    builder = PlanBuilder()
    index = builder.request_class("nothing")
    builder.end()
    builder.arrivals("calls", classes=[(index, 1.0)], times=np.array([1.0, 2.0]))
    trace = simulate_plan(builder.build(horizon_s=3.0, seed=1))
    assert trace.end.tolist() == [1.0, 2.0]


def test_an_empty_run_is_a_trace_too() -> None:
    """A run in which nobody comes has no rows, and samples all the same."""
    builder = PlanBuilder()
    request = builder.request_class("request")
    builder.end()
    builder.arrivals("none", classes=[(request, 1.0)], times=np.empty(0))
    trace = simulate_plan(builder.build(horizon_s=2.5, seed=1))
    assert len(trace) == trace.issued == 0
    assert trace.sampled_s.tolist() == [0.0, 1.0, 2.0, 2.5]
    assert trace.waits.shape == (0, 0)


def test_waits_for_one_thing_add_up() -> None:
    """A request that queues twice for the same resource has waited the sum."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=1))

    def twice(b: PlanBuilder) -> None:
        for _ in range(2):
            b.acquire(slot)
            b.delay(constant(b, 1.0))
            b.release(slot)

    trace = simulate_plan(visits({"a": (0.0, twice), "b": (0.0, twice)})(builder))
    assert by_name(trace) == {"a": (3.0, Status.OK), "b": (4.0, Status.OK)}
    assert trace.waits[:, 0].tolist() == [1.0, 2.0]


def test_what_is_left_at_the_end_is_released_in_reverse_order() -> None:
    """Whoever waits for what was taken last goes on first."""
    builder = PlanBuilder()
    first, last, prize = (builder.resource(Resource(name=n, capacity=1)) for n in "abc")

    def holds_both(b: PlanBuilder) -> None:
        b.acquire(first)
        b.acquire(last)
        b.delay(constant(b, 1.0))

    def waits_for(resource: int) -> Fill:
        def fill(b: PlanBuilder) -> None:
            b.acquire(resource)
            b.acquire(prize)
            b.delay(constant(b, 1.0))

        return fill

    plan = visits(
        {
            "both": (0.0, holds_both),
            "first": (0.25, waits_for(first)),
            "last": (0.5, waits_for(last)),
        }
    )
    assert by_name(simulate_plan(plan(builder))) == {
        "both": (1.0, Status.OK),
        "first": (2.75, Status.OK),
        "last": (1.5, Status.OK),
    }


def test_a_slot_that_boots_is_another_than_the_next() -> None:
    """A request whose worker was used up may take another one before the first has booted."""
    builder = PlanBuilder()
    worker = builder.resource(
        Resource(name="worker", capacity=2, identified=True, uses=(1,), restart_s=5.0)
    )

    def twice(b: PlanBuilder) -> None:
        for _ in range(2):
            b.acquire(worker)
            b.delay(constant(b, 1.0))
            b.release(worker)

    def once(b: PlanBuilder) -> None:
        b.acquire(worker)

    trace = simulate_plan(visits({"twice": (0.0, twice), "once": (3.0, once)})(builder))
    assert by_name(trace) == {"twice": (2.0, Status.OK), "once": (3.0, Status.OK)}


def test_a_blackout_ends_the_wait_of_a_whole_herd() -> None:
    """Also of those who have seen a handover of the row, not of newcomers alone."""
    builder = PlanBuilder()
    cpu = builder.station(Station(name="cpu"))
    turn = builder.column("turn", None)
    row = builder.resource(
        Resource(name="row", capacity=1, order=Order.RANDOM, herd=True, turn_column=turn)
    )

    def hold(time_s: float) -> Fill:
        def fill(b: PlanBuilder) -> None:
            b.acquire(row)
            b.delay(constant(b, time_s))

        return fill

    come = {f"wait {n}": (0.1 * n, hold(9.0)) for n in range(1, 4)}
    builder.blackout(Blackout(time_s=2.0, duration_s=1.0, station=cpu, status=503, lines=(row,)))
    trace = simulate_plan(visits({"first": (0.0, hold(1.0)), **come})(builder))
    failed = [name for name, (_, status) in by_name(trace).items() if status]
    assert len(failed) == 2
    assert by_name(trace)["first"] == (1.0, Status.OK)


def test_a_replica_that_is_down_serves_nobody() -> None:
    """Whichever of the equal stations it is that a step may mean."""
    builder = PlanBuilder()
    builder.station(Station(name="cpu"), 2)
    half = builder.column("half", Constant(value=0.5))
    builder.blackout(Blackout(time_s=0.0, duration_s=9.0, station=1, status=503))

    def ask(b: PlanBuilder) -> None:
        b.serve(0, constant(b, 1.0), among=2, pick=half)

    trace = simulate_plan(visits({"ask": (1.0, ask)})(builder))
    assert by_name(trace) == {"ask": (0.0, 503)}


def test_a_task_gives_back_what_it_made_its_user_own() -> None:
    """Also where that has left before: nobody else would."""
    builder = PlanBuilder()
    kept = builder.resource(Resource(name="kept", capacity=1))
    task = builder.request_class("task")
    builder.delay(constant(builder, 1.0))
    builder.hold(kept, status=Status.CONNECTION_REFUSED)
    builder.delay(constant(builder, 1.0))
    builder.end()
    plan = visits({"ask": (0.0, lambda b: b.fork(task))}, horizon_s=10.0)(builder)
    trace = simulate_plan(plan)
    assert trace.in_use[:, 0].tolist() == [0.0, 0.0, *[1.0] * 9]


def test_a_statement_keeps_its_slot_and_is_not_killed_again() -> None:
    """A limit of how long a slot is held ends the request; the slot is free with the statement."""
    builder = PlanBuilder()
    database = builder.station(Station(name="database", outlives=True))
    slot = builder.resource(
        Resource(name="slot", capacity=1, identified=True, outlives=True, hold_limit_s=1.0)
    )

    def query(b: PlanBuilder) -> None:
        b.acquire(slot)
        b.serve(database, constant(b, 3.0))

    def next_one(b: PlanBuilder) -> None:
        b.acquire(slot)

    trace = simulate_plan(visits({"query": (0.0, query), "next": (0.5, next_one)})(builder))
    assert by_name(trace) == {"query": (1.0, Status.WORKER_TIMEOUT), "next": (2.5, Status.OK)}


def test_an_interrupted_statement_does_not_outlive_a_kill() -> None:
    """The delay ended at its deadline: what is killed after that leaves nothing behind."""
    builder = PlanBuilder()
    lock = builder.resource(Resource(name="lock", capacity=1, outlives=True))
    worker = builder.resource(Resource(name="worker", capacity=1, hold_limit_s=2.0))

    def limited(b: PlanBuilder) -> None:
        b.acquire(worker)
        b.acquire(lock)
        b.deadline(1.0, Status.STATEMENT_TIMEOUT)
        b.delay(constant(b, 9.0), outlives=True)
        b.error_path()
        b.delay(constant(b, 5.0))

    def next_one(b: PlanBuilder) -> None:
        b.acquire(lock)

    trace = simulate_plan(visits({"limited": (0.0, limited), "next": (1.5, next_one)})(builder))
    assert by_name(trace) == {"limited": (2.0, Status.WORKER_TIMEOUT), "next": (0.5, Status.OK)}


@pytest.mark.parametrize("drains", [False, True])
def test_a_resource_closed_twice_opens_at_the_later_time(*, drains: bool) -> None:
    """A shorter outage within a longer one does not cut that short, however it closes."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=1))
    builder.outage(Outage(time_s=0.1, resource=slot, duration_s=7.3))
    builder.outage(Outage(time_s=0.3, resource=slot, duration_s=0.2, drains=drains))

    def ask(b: PlanBuilder) -> None:
        b.acquire(slot)

    trace = simulate_plan(visits({"ask": (0.4, ask)})(builder))
    assert by_name(trace) == {"ask": (7.0, Status.OK)}
