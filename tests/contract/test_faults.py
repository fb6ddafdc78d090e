"""Faults at a given time: what they do while they last, and how the system comes back."""

from typing import Any

import numpy as np
import pytest

from capsim.plan.ops import Status
from small_load_tests import answers, at, run, users

SYNC = {"kind": "gunicorn-sync", "workers": 1}
THREADS = {"kind": "gunicorn-gthread", "workers": 1, "threads": 8}
GREENLETS = {"kind": "gunicorn-gevent", "workers": 1}
DEVELOPMENT = {"kind": "development"}
LOST, UNREACHABLE = Status.SERVER_LOST, Status.UNREACHABLE
DATABASE_LOST, REFUSED = Status.DATABASE_LOST, Status.CONNECTION_REFUSED
EVERY_SERVER = pytest.mark.parametrize(
    "server",
    [SYNC, THREADS, GREENLETS, DEVELOPMENT],
    ids=["sync", "gthread", "gevent", "development"],
)


# Something is slow for a while.


@pytest.mark.parametrize("station", ["database", "app"])
def test_a_slow_station_leaves_a_backlog_that_drains(station: str) -> None:
    """Four times as slow for 20 s, at half load: a line of 50, gone after 10 s more.

    Ten requests/s can be served and five come. While it lasts 2.5 are served, so the line grows
    by 2.5 each second; after it, it shrinks by five each second.
    """
    request = {"database": {"queries": 1, "query_s": 0.1}, "app": {"app_cpu_s": 0.1}}[station]
    stages = [{"duration_s": 60, "rate": 5}]
    arrivals = {"stages": stages, "interarrival": "constant", "tasks": {"work": 1}}
    slow = {"kind": "slow", "at_s": 9.9, "duration_s": 20, "station": station, "factor": 4}
    result = run(
        SYNC,
        {"work": request},
        {"duration_s": 60, "arrivals": {"calls": arrivals}, "faults": [slow]},
    )
    starts = np.sort(result.trace.start)
    clock_s, work_s = np.array([0.0, 9.9, 29.9, 60.0]), np.array([0.0, 9.9, 14.9, 45.0])
    expected, free_s = [], 0.0
    for start in starts.tolist():
        begun = np.interp(max(start, free_s), clock_s, work_s)
        free_s = float(np.interp(begun + 0.1, work_s, clock_s))
        expected.append(free_s - start)
    taken = np.array([time_s for time_s, _ in answers(result)])
    assert taken == pytest.approx(np.array(expected), abs=2e-6)
    # The fluid: the longest wait is of the last who is served while all is slow. Within a gap
    # between arrivals and a service, of which a slow one takes 0.4 s.
    assert starts[taken.argmax()] == pytest.approx(9.9 + 20 * 2.5 / 5, abs=0.2 + 0.4)
    assert taken.max() == pytest.approx(20 - 20 * 2.5 / 5, abs=0.2 + 0.4)
    assert starts[taken > 0.1 + 1e-6].max() == pytest.approx(29.9 + 50 / 5, abs=0.2 + 0.1)


def test_a_burst_of_arrivals_passes() -> None:
    """On top of a user who thinks for 1 s come 20 requests/s for 5 s, twice what is possible."""
    stages = [{"duration_s": d, "rate": rate} for d, rate in ((10, 0), (5, 20), (25, 0))]
    burst = {"stages": stages, "interarrival": "constant", "tasks": {"work": 1}}
    result = run(
        SYNC, {"work": {"delay_s": 0.1}}, {**users(1, 1.0, 40.0), "arrivals": {"burst": burst}}
    )
    trace = result.trace
    names = [source.name for source in result.plan.sources]
    own = trace.source == names.index("user")
    of_burst = trace.start[~own]
    assert len(of_burst) == pytest.approx(100, abs=1)
    assert (of_burst.min(), of_burst.max()) == pytest.approx((10.05, 15.0), abs=0.06)
    taken = (trace.end - trace.start)[own]
    start = trace.start[own]
    # Fifty wait at the end of the burst; five more seconds, and the user's own few, clear them.
    calm = (start < 10.0) | (start > 20.0 + 1.0)
    assert taken[calm & np.isfinite(taken)] == pytest.approx(0.1)
    assert np.nanmax(taken) > 2.5


# An instance is lost, or restarts.


@EVERY_SERVER
def test_an_instance_that_is_lost_is_unreachable_for_its_time(server: dict[str, Any]) -> None:
    """What it has is lost at once, a connect fails at once, and after 4 s all is as before."""
    fault = {"kind": "instance-lost", "at_s": 3.5, "duration_s": 4.0}
    moments = [1.0, 3.0, 3.2, 4.0, 7.4, 7.6, 9.0]
    result = run(
        server,
        {"work": {"delay_s": 1.0}},
        {"duration_s": 20, "faults": [fault], **at(work=moments)},
    )
    served, gone = (1.0, Status.OK), (0.0, UNREACHABLE)
    assert answers(result) == [served, (0.5, LOST), (0.3, LOST), gone, gone, served, served]


@EVERY_SERVER
def test_a_restart_finishes_what_it_has(server: dict[str, Any]) -> None:
    """Nobody is let in any more; the boot begins when the last one has its answer."""
    fault = {"kind": "restart", "at_s": 2.0, "boot_time_s": 3.0}
    moments = [1.0, 1.5, 2.5, 4.9, 6.4, 6.6, 8.1, 9.0]
    result = run(
        server,
        {"work": {"delay_s": 2.0}},
        {"duration_s": 20, "faults": [fault], **at(work=moments)},
    )
    # A sync worker has one request; the other waits in the backlog, whose socket closes.
    one_by_one = server is SYNC
    back = (3.0 if one_by_one else 3.5) + 3.0
    assert answers(result)[:2] == [(2.0, 0), (0.5, UNREACHABLE) if one_by_one else (2.0, 0)]
    for moment, (taken, status) in list(zip(moments, answers(result), strict=True))[2:]:
        assert (status, taken > 0) == ((0, True) if moment > back else (UNREACHABLE, False))


def test_behind_a_balancer_the_others_carry_on() -> None:
    """The instance's own request is lost; the next ones go to the other one until it is back."""
    fault = {"kind": "instance-lost", "at_s": 3.5, "duration_s": 4.0, "instance": 1}
    moments = [1.0, 2.0, 3.0, 4.0, 5.0, 5.1, 9.0, 9.1]
    result = run(
        SYNC,
        {"work": {"delay_s": 0.9}},
        {"duration_s": 20, "faults": [fault], **at(work=moments)},
        balancer={"instances": 2},
    )
    lost = (0.5, LOST)
    # The sixth waits behind the fifth: there is one worker. At 9.0 there are two again.
    expected = [(0.9, 0), (0.9, 0), lost, (0.9, 0), (0.9, 0), (1.7, 0), (0.9, 0), (0.9, 0)]
    assert answers(result) == expected


def test_a_rolling_restart_refuses_nobody() -> None:
    """Two instances, one restart after the other: each request finds one of them."""
    faults = [
        {"kind": "restart", "at_s": time_s, "boot_time_s": 2.0, "instance": instance}
        for time_s, instance in ((5.0, 1), (10.0, 2))
    ]
    scenario = {**users(6, 0.5, 30.0), "faults": faults}
    server = {**THREADS, "threads": 6}
    rolling = run(server, {"work": {"delay_s": 0.3}}, scenario, balancer={"instances": 2})
    single = run(server, {"work": {"delay_s": 0.3}}, {**scenario, "faults": faults[:1]})
    assert rolling.summary().failure_ratio == 0.0
    assert single.summary().failures.keys() == {"unreachable"}


@pytest.mark.parametrize("earlier", [[], [1.0]], ids=["made while it drains", "made before"])
@pytest.mark.parametrize("kind", ["instance-lost", "restart"])
def test_an_instance_connects_anew(kind: str, earlier: list[float]) -> None:
    """Persistent connections end with their process, whenever they were made."""
    length = {"instance-lost": "duration_s", "restart": "boot_time_s"}[kind]
    result = run(
        SYNC,
        {"work": {"delay_s": 0.5, "queries": 1, "query_s": 0.25}},
        {
            "duration_s": 20,
            "faults": [{"kind": kind, "at_s": 5.2, length: 1.0}],
            **at(work=[*earlier, 5.0, 9.0, 13.0]),
        },
        database={"access": {"kind": "persistent"}, "connection_setup_s": 2.0},
    )
    *_, in_flight, anew, kept = answers(result)
    finished = (0.75 if earlier else 2.75, Status.OK)
    assert in_flight == ((0.2, LOST) if kind == "instance-lost" else finished)
    assert (anew, kept) == ((2.75, 0), (0.75, 0))


# The database restarts.

RESTART = {"kind": "database-restart", "at_s": 2.0, "duration_s": 3.0}


def test_a_database_that_restarts_fails_its_queries() -> None:
    """A query under way ends at once, and the application renders an error page."""
    result = run(
        THREADS,
        {"work": {"queries": 1, "query_s": 2.0}, "free": {"delay_s": 2.0}},
        {"duration_s": 20, "faults": [RESTART], **at(work=[1.0, 1.5, 9.0], free=[1.2, 2.5])},
        app={"error_cpu_s": 0.25, "switch_interval_s": 0},
    )
    # Two error pages share the interpreter.
    assert answers(result) == [(1.5, DATABASE_LOST), (1.0, DATABASE_LOST), (2.0, 0)]
    assert answers(result, "free") == [(2.0, 0), (2.0, 0)]
    busy = result.trace.busy[-1, result.trace.station_names.index("app CPU")]
    assert busy == pytest.approx(0.5)


def test_a_pool_gives_no_connection_meanwhile() -> None:
    """Who waits for a connection has it when the database is back, however slow the error pages."""
    result = run(
        THREADS,
        {"work": {"queries": 1, "query_s": 1.5}},
        {"duration_s": 20, "faults": [RESTART], **at(work=[1.0, 1.2, 1.8, 9.0])},
        database={"access": {"kind": "pool", "size": 1, "wait_timeout_s": 3.4}},
        app={"error_cpu_s": 0.5},
    )
    # The second has waited too long at 4.6; the third is served from 5.0 on.
    lost, too_late = (1.5, DATABASE_LOST), (3.9, Status.POOL_TIMEOUT)
    assert answers(result) == [lost, too_late, (4.7, 0), (1.5, 0)]


@pytest.mark.parametrize(("kind", "calm_s"), [("persistent", 0.25), ("per-request", 0.75)], ids=str)
def test_connections_are_refused_meanwhile_and_set_up_anew(kind: str, calm_s: float) -> None:
    """Without a pool who comes is refused at once; afterwards every worker connects again."""
    result = run(
        SYNC,
        {"work": {"queries": 1, "query_s": 0.25}},
        {"duration_s": 20, "faults": [RESTART], **at(work=[0.2, 1.1, 1.9, 4.9, 5.1, 7.0])},
        database={"access": {"kind": kind}, "connection_setup_s": 0.5},
    )
    first, second, in_query, refused, anew, last = answers(result)
    assert (first, second) == ((0.75, 0), (calm_s, 0))
    assert (anew, last) == ((0.75, 0), (calm_s, 0))
    # Who was being connected finds out with its first query.
    lost_s = 0.1 if kind == "persistent" else 0.5
    assert (in_query, refused) == ((lost_s, DATABASE_LOST), (0.0, REFUSED))
