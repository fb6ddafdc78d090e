"""Load shedding: what it costs where, and what it saves."""

import numpy as np
import pytest

from capsim.plan.ops import Status
from small_load_tests import answers, at, run, users

SYNC = {"kind": "gunicorn-sync", "workers": 1}
SHED = 503


def test_the_front_counts_those_who_wait_too() -> None:
    """A limit of 2: one is served and one waits; the others have their 503 at once, for nothing."""
    result = run(
        SYNC,
        {"work": {"app_cpu_s": 1.0}},
        users(5, 100.0, 10.0),
        shedding={"limit": 2},
        app={"error_cpu_s": 0.5},
    )
    assert answers(result) == [(1.0, 0), (2.0, 0)] + [(0.0, SHED)] * 3
    busy = result.trace.busy[-1, result.trace.station_names.index("app CPU")]
    assert busy == pytest.approx(2.0)


def test_the_application_sheds_after_the_wait_for_a_thread() -> None:
    """A 503 out of the application costs its CPU time, and before that a wait for a thread."""
    result = run(
        {"kind": "gunicorn-gthread", "threads": 2},
        {"work": {"delay_s": 1.0}},
        users(4, 100.0, 10.0),
        shedding={"limit": 1, "place": "application", "cpu_s": 0.25},
    )
    # The second has the other thread; the next two wait for it, one after the other.
    assert answers(result) == [(1.0, 0), (0.25, SHED), (0.5, SHED), (0.75, SHED)]
    trace = result.trace
    assert trace.busy[-1, trace.station_names.index("app CPU")] == pytest.approx(0.75)
    waits = trace.waits[np.argsort(trace.user), trace.wait_names.index("thread")]
    assert waits.tolist() == pytest.approx([0.0, 0.0, 0.25, 0.5])


def test_an_application_that_is_full_cannot_shed_in_time() -> None:
    """With all threads taken the wait is as long as without: it is no better than its threads."""
    requests = {"work": {"delay_s": 1.0}}
    server = {"kind": "gunicorn-gthread", "threads": 2}
    inside, front = (
        run(server, requests, users(8, 100.0, 10.0), shedding={"limit": 2, "place": place})
        for place in ("application", "front")
    )
    assert answers(inside) == [(taken, 0) for taken in (1, 1, 2, 2, 3, 3, 4, 4)]
    assert answers(front) == [(1.0, 0)] * 2 + [(0.0, SHED)] * 6


def test_shedding_keeps_the_goodput_in_overload() -> None:
    """Clients give up after 1 s, at 15 requests/s on a server that does 10.

    Five places of 0.1 s are 0.5 s at most, so each admitted request is answered in time. Without
    a limit the wait grows by half a second per second, and from then on every answer is late.
    """
    stages = [{"duration_s": 100, "rate": 15}]
    scenario = {
        "duration_s": 100,
        "arrivals": {"calls": {"stages": stages, "tasks": {"work": 1}}},
        "client": {"timeout_s": 1.0},
    }
    requests = {"work": {"delay_s": 0.1}}
    with_limit = run(SYNC, requests, scenario, shedding={"limit": 5})
    without = run(SYNC, requests, scenario)
    shed, collapsed = with_limit.summary(begin_s=20), without.summary(begin_s=20)
    assert shed.failures.keys() == {"http_503"}
    # A server with five places is idle for some moments; M/M/1/5 is so in 5 % of its time.
    assert 9.5 < shed.goodput_rps <= 10.0 + 1 / 80
    assert collapsed.failures == {"client_timeout": 1.0}
    assert collapsed.goodput_rps == 0.0
    worker = {use.name: use for use in without.usages(begin_s=20)}["worker"]
    assert (worker.utilisation, worker.wasted) == pytest.approx((1.0, 1.0))


def test_a_place_comes_free_with_the_answer() -> None:
    """Who is admitted at the front takes a place until its answer, or until its client goes."""
    result = run(
        {**SYNC, "timeout_s": 3, "boot_time_s": 0.0},
        {"work": {"delay_s": 60.0}, "short": {"delay_s": 0.5}},
        {"duration_s": 20, "client": {"timeout_s": 2}, **at(work=[1.0], short=[2.5, 3.5, 4.25])},
        shedding={"limit": 1},
    )
    assert answers(result) == [(2.0, Status.CLIENT_TIMEOUT)]
    # The client leaves at 3; its worker is killed at 4, and then has the request of 3.5.
    assert answers(result, "short") == [(0.0, SHED), (1.0, Status.OK), (0.0, SHED)]
