"""The listen backlog: who fits, who is sent away, and who knocks again."""

from typing import Any

import numpy as np
import pytest

from capsim.metrics.run import Run
from capsim.plan.ops import Status
from small_load_tests import at, run, users

SYNC = {"kind": "gunicorn-sync", "workers": 1, "backlog": 0}
THREADS = {"kind": "gunicorn-gthread", "workers": 1, "threads": 1, "worker_connections": 1}
GREENLETS = {"kind": "gunicorn-gevent", "workers": 1, "worker_connections": 1}
REFUSE = {"overflow": "refuse"}
FULL = Status.BACKLOG_FULL


def at_once(count: int, duration_s: float = 20.0) -> dict[str, Any]:
    """Users who come together and ask once."""
    return users(count, 100, duration_s)


def answers(result: Run) -> list[tuple[float, int]]:
    """Response time and status of each request, in order of start and user."""
    trace = result.trace
    order = np.lexsort((trace.user, trace.start))
    taken = (trace.end - trace.start)[order].round(9).tolist()
    return list(zip(taken, trace.status[order].tolist(), strict=True))


@pytest.mark.parametrize("server", [SYNC, THREADS, GREENLETS], ids=["sync", "gthread", "gevent"])
@pytest.mark.parametrize("backlog", [0, 2])
def test_one_more_than_the_backlog_fits(server: dict[str, Any], backlog: int) -> None:
    """The kernel refuses when more than `backlog` wait already, so backlog + 1 connections fit."""
    result = run(
        {**server, "backlog": backlog},
        {"work": {"delay_s": 1.0}},
        at_once(7),
        network=REFUSE,
    )
    let_in = 1 + backlog + 1
    served = [(1.0 + place, Status.OK) for place in range(let_in)]
    assert answers(result) == served + [(0.0, FULL)] * (7 - let_in)


@pytest.mark.parametrize(
    "retries_s", [(1.0, 3.0, 7.0), (1.0, 2.0, 3.0, 4.0, 5.0, 7.0)], ids=["Linux 6.4", "Linux 6.5"]
)
def test_a_dropped_connect_comes_back_at_the_kernels_times(retries_s: tuple[float, ...]) -> None:
    """At each retransmission one is served and one waits; after the last the client gives up."""
    tries = (0.0, *retries_s)
    users = 2 * len(tries) + 1
    result = run(
        SYNC, {"work": {"delay_s": 0.4}}, at_once(users), network={"syn_retries_s": retries_s}
    )
    expected = [(sent + wait, Status.OK) for sent in tries for wait in (0.4, 0.8)]
    assert answers(result) == [*map(pytest.approx, expected), (tries[-1], FULL)]
    refused = run(SYNC, {"work": {"delay_s": 0.4}}, at_once(users), network=REFUSE)
    assert answers(refused) == [(0.4, 0), (0.8, 0)] + [(0.0, FULL)] * (users - 2)


def test_response_times_have_steps_at_the_retransmissions() -> None:
    """What a response has beyond its wait and its service is one of the kernel's times."""
    arrivals = {"calls": {"stages": [{"duration_s": 400, "rate": 8}], "tasks": {"work": 1}}}
    result = run(
        SYNC,
        {"work": {"delay_s": 0.1}},
        {"duration_s": 420, "arrivals": arrivals},
        network={"syn_retries_s": (1.0, 3.0, 7.0)},
    )
    trace = result.trace
    served = trace.status == Status.OK
    own = (trace.end - trace.start - trace.waits.sum(axis=1))[served]
    steps, counts = np.unique((own - 0.1).round(6), return_counts=True)
    assert steps.tolist() == [0.0, 1.0, 3.0, 7.0]
    assert np.all(np.diff(counts) < 0)
    # Nobody who was let in waits for more than the one place there is.
    assert trace.waits.max() <= 0.2
    assert trace.waits[trace.status == FULL].max() == 0.0


def test_workers_of_an_instance_share_its_backlog() -> None:
    """Two workers that accept one each, and a backlog of 1: two wait, not two for each worker."""
    result = run(
        {**THREADS, "workers": 2, "backlog": 1},
        {"work": {"delay_s": 1.0}},
        at_once(8),
        network=REFUSE,
    )
    assert answers(result) == [(1.0, 0)] * 2 + [(2.0, 0)] * 2 + [(0.0, FULL)] * 4


def test_whoever_is_free_accepts_from_the_backlog() -> None:
    """No connection waits for a worker that is busy while another one is not."""
    result = run(
        {**THREADS, "workers": 2},
        {"work": {"delay_s": 1.0}, "long": {"delay_s": 10.0}},
        {"duration_s": 20, **at(long=[1.0], work=[1.1, 1.2])},
        network=REFUSE,
    )
    assert [taken for taken, _ in answers(result)] == [10.0, 1.0, 1.9]


def test_each_instance_has_a_backlog_of_its_own() -> None:
    """Behind a balancer every instance listens for itself: one served and one waiting at each."""
    result = run(
        SYNC,
        {"work": {"delay_s": 1.0}},
        at_once(6),
        network=REFUSE,
        balancer={"instances": 2},
    )
    assert answers(result) == [(1.0, 0)] * 2 + [(2.0, 0)] * 2 + [(0.0, FULL)] * 2
