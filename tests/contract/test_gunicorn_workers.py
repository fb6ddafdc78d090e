"""gunicorn's workers: killed, recycled, and greenlets that nobody interrupts."""

from typing import Any

import numpy as np
import pytest

from capsim.plan.ops import Status
from small_load_tests import answers, at, run, users

SYNC = {"kind": "gunicorn-sync", "workers": 1}
THREADS = {"kind": "gunicorn-gthread", "workers": 1, "threads": 8}
GREENLETS = {"kind": "gunicorn-gevent", "workers": 1}
KILLED = Status.WORKER_TIMEOUT


# The timeout of sync workers.


def test_the_master_kills_when_it_looks() -> None:
    """A request of 1.3 passes its 4 s at 5.3 and dies at 6; its worker is back 0.75 s later."""
    result = run(
        {**SYNC, "timeout_s": 4, "boot_time_s": 0.75},
        {"work": {"delay_s": 60}, "short": {"delay_s": 0.25}},
        {"duration_s": 20, **at(work=[1.3], short=[2.0])},
    )
    assert answers(result) == [(4.7, KILLED)]
    assert answers(result, "short") == [(5.0, Status.OK)]


def test_a_request_that_ends_between_timeout_and_look_is_answered() -> None:
    """Late, but done before the master looks: 4.6 s with a timeout of 4 s, begun at 1.3."""
    result = run(
        {**SYNC, "timeout_s": 4}, {"work": {"delay_s": 4.6}}, {"duration_s": 20, **at(work=[1.3])}
    )
    assert answers(result) == [(4.6, Status.OK)]


def test_a_kill_leaves_the_other_workers_alone() -> None:
    """The worker next door finishes its request, and serves alone while the killed one boots."""
    result = run(
        {**SYNC, "workers": 2, "timeout_s": 4, "boot_time_s": 2.0},
        {"work": {"delay_s": 60}, "short": {"delay_s": 1.5}},
        {"duration_s": 20, **at(work=[1.3], short=[5.0, 6.1, 6.2])},
    )
    assert answers(result) == [(4.7, KILLED)]
    # The third waits for the second, until 8.0, and not for the boot, which ends then too.
    assert answers(result, "short") == [(1.5, 0), (1.9, 0), (3.3, 0)]


# Workers that are replaced after so many requests.


def test_a_sync_worker_boots_after_its_last_request() -> None:
    """Three requests to a life, then 2 s without a worker."""
    server = {**SYNC, "max_requests": 3, "boot_time_s": 2.0}
    result = run(server, {"work": {"delay_s": 1.0}}, users(1, 0.0, 11.5))
    assert [taken for taken, _ in answers(result)[:-1]] == [1, 1, 1, 3, 1, 1, 3]


def test_a_threaded_worker_serves_what_it_has_and_then_boots() -> None:
    """The third is its last, and waits for a thread as ever; the fourth waits for the boot."""
    result = run(
        {**THREADS, "threads": 2, "max_requests": 3, "boot_time_s": 2.0},
        {"work": {"delay_s": 1.0}},
        {"duration_s": 20, **at(work=[1.0, 1.1, 1.2, 1.3])},
    )
    # The third has a thread from 2.0 on; the worker is empty at 3.0 and back at 5.0.
    assert [taken for taken, _ in answers(result)] == [1.0, 1.0, 1.8, 4.7]


@pytest.mark.parametrize("server", [THREADS, GREENLETS], ids=["gthread", "gevent"])
def test_users_of_a_worker_that_goes_away_change_over(server: dict[str, Any]) -> None:
    """A kept-alive user finds its worker gone, and is served by the other one at once."""
    recycling = {"workers": 2, "keepalive_s": 100, "max_requests": 3, "boot_time_s": 3.0}
    result = run({**server, **recycling}, {"work": {"delay_s": 1.0}}, users(1, 0.5, 60.0))
    trace, names = result.trace, result.trace.resource_names
    assert {taken for taken, _ in answers(result)[:-1]} == {1.0}
    first = names.index("accepted connection")
    begun = np.sort(trace.start).astype(int)
    grown = np.diff(trace.in_use[:, first : first + 2], axis=0)
    by_turns = [int(grown[second : second + 2].sum(axis=0).argmax()) for second in begun[:-1]]
    changes = np.flatnonzero(np.diff(by_turns))
    assert changes.tolist() == list(range(2, len(by_turns) - 1, 3))


@pytest.mark.parametrize("server", [SYNC, THREADS, GREENLETS], ids=["sync", "gthread", "gevent"])
def test_jitter_keeps_workers_from_going_together(server: dict[str, Any]) -> None:
    """Workers of one age are all away at once, unless their limits differ."""
    lives = {"workers": 4, "max_requests": 400, "boot_time_s": 2.0}
    stages = [{"duration_s": 60, "rate": 100}]
    arrivals = {"calls": {"stages": stages, "tasks": {"work": 1}}}

    def longest_silence_and_p99(jitter: int) -> tuple[float, float]:
        result = run(
            {**server, **lives, "max_requests_jitter": jitter},
            {"work": {"delay_s": 0.01}},
            {"duration_s": 60, "arrivals": arrivals},
        )
        silences = np.diff(np.sort(result.trace.end))
        return float(np.nanmax(silences)), result.summary().metric("p99_s")

    together, together_p99_s = longest_silence_and_p99(0)
    apart, apart_p99_s = longest_silence_and_p99(400)
    assert together > 1.0
    assert apart < 0.25
    assert together_p99_s > 10 * apart_p99_s


# Greenlets.


def test_a_greenlet_runs_until_it_waits() -> None:
    """A second of CPU delays whoever comes meanwhile to its end; threads take turns of 5 ms."""
    work = {"work": {"app_cpu_s": 0.01}, "report": {"app_cpu_s": 1.0}}
    scenario = {"duration_s": 20, **at(report=[1.0], work=[1.2, 1.3])}
    alone = run(GREENLETS, work, {"duration_s": 20, **at(work=[1.2, 1.3])})
    greenlets, threads = run(GREENLETS, work, scenario), run(THREADS, work, scenario)
    assert [taken for taken, _ in answers(alone)] == [0.01, 0.01]
    assert [taken for taken, _ in answers(greenlets)] == [0.81, 0.72]
    assert answers(greenlets, "report") == [(1.0, 0)]
    # Two turns of the short one, each after one of the report.
    assert [taken for taken, _ in answers(threads)] == [0.02, 0.02]
    assert answers(threads, "report") == [(1.02, 0)]


def test_a_greenlet_that_waits_lets_others_run() -> None:
    """Waits overlap: ten queries at once take as long as one."""
    result = run(
        GREENLETS,
        {"work": {"queries": 1, "query_s": 1.0}},
        users(10, 100.0, 20.0),
        database={"cores": 16, "access": {"kind": "per-request"}},
    )
    assert answers(result) == [(1.0, 0)] * 10


def test_a_long_burst_delays_its_own_worker_only() -> None:
    """Half of the short requests land beside the report and wait for it; no other one does."""
    moments = np.arange(1.05, 2.0, 0.1).round(2).tolist()
    result = run(
        {**GREENLETS, "workers": 2},
        {"work": {"app_cpu_s": 0.01}, "report": {"app_cpu_s": 1.5}},
        {"duration_s": 20, **at(report=[1.0], work=moments)},
    )
    quick = [
        moment for moment, (taken, _) in zip(moments, answers(result), strict=True) if taken == 0.01
    ]
    delayed = [moment for moment in moments if moment not in quick]
    assert len(quick) > 1
    assert len(delayed) > 1
    ends = [2.5 - moment + 0.01 * (place + 1) for place, moment in enumerate(delayed)]
    assert [taken for taken, _ in answers(result) if taken != 0.01] == pytest.approx(ends)


@pytest.mark.parametrize("server", [THREADS, GREENLETS], ids=["gthread", "gevent"])
def test_worker_connections_bound_those_accepted(server: dict[str, Any]) -> None:
    """Three connections: three at once, and the others wait in the backlog."""
    result = run(
        {**server, "worker_connections": 3}, {"work": {"delay_s": 1.0}}, users(7, 100.0, 20.0)
    )
    assert [taken for taken, _ in answers(result)] == [1, 1, 1, 2, 2, 2, 3]
