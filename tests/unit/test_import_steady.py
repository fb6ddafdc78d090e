"""The ramp, the steady part, levels and stretches, from histories whose answer is known."""

from itertools import pairwise

import numpy as np
import pytest

from capsim.loadtest.recording import FloatArray, History
from capsim.loadtest.steady import shape_of
from capsim.loadtest.stretches import steady_stretch, stretch, stretches, windows

RATE = 0.5  # requests per second of a user


def history(users: FloatArray, *, users_known: bool = True) -> History:
    """Return a history with a row a second, in which every user sends at the same rate."""
    time_s = np.arange(len(users), dtype=np.float64)
    requests = np.floor(np.concatenate([[0.0], np.cumsum(users[1:] * RATE)]))
    unknown = np.full(len(users), np.nan)
    return History(
        time_s=time_s,
        users=users if users_known else unknown,
        requests=requests,
        failures=np.floor(requests / 10),
        mean_s=0.010 + time_s / 10_000,
        p50_s=unknown,
        p95_s=unknown,
        so_far_s={"p50": np.full(len(users), 0.012), "p95": np.full(len(users), 0.030)},
    )


def ramped(top: float, *, ramp_s: int, flat_s: int, tail_s: int = 0) -> FloatArray:
    """Return users that come one after another, stay, and leave."""
    up = np.linspace(0, top, ramp_s + 1)
    return np.concatenate([up, np.full(flat_s, top), np.linspace(top, 0, tail_s + 1)[1:]])


def test_ramp_flat_top_and_tail_are_found() -> None:
    """The steady part is where all users are there, to the second."""
    found = shape_of(history(ramped(100, ramp_s=20, flat_s=200, tail_s=30)))
    assert found.steady is not None
    assert (found.ramp_s, found.steady.users) == (20, 100)
    assert (found.steady.begin, found.steady.end) == (20, 220)


def test_users_who_stop_after_the_ramp_do_not_hide_the_level() -> None:
    """A hundred come, a quarter leaves at once: the test is one of 75 users."""
    users = ramped(100, ramp_s=10, flat_s=2)
    users = np.concatenate([users, np.full(200, 75.0)])
    found = shape_of(history(users))
    assert found.steady is not None
    assert found.steady.users == 75
    assert found.ramp_s == 13


def test_a_short_interruption_does_not_part_a_level() -> None:
    """A few seconds in which users are counted wrongly belong to the level around them."""
    users = np.full(200, 50.0)
    users[100:103] = 30
    found = shape_of(history(users))
    assert len(found.levels) == 1
    assert found.steady is not None
    assert (found.steady.begin, found.steady.end) == (0, 199)


def test_a_test_in_steps_has_no_steady_part() -> None:
    """Each level of users is a stretch of its own, and none stands for the test."""
    users = np.concatenate([np.full(60, level) for level in (10.0, 50.0, 100.0)])
    measured = history(users)
    found = shape_of(measured)
    assert [level.users for level in found.levels] == [10, 50, 100]
    assert found.steady is None
    parts = stretches(measured, found)
    assert [part.users for part in parts] == [10, 50, 100]
    assert [part.rps for part in parts] == pytest.approx([5, 25, 50], rel=0.01)
    assert steady_stretch(measured, found) is None


def test_a_warm_up_at_few_users_is_no_step() -> None:
    """A level that is nearly all of the test is its steady part."""
    users = np.concatenate([np.full(30, 5.0), np.full(400, 100.0)])
    found = shape_of(history(users))
    assert found.steady is not None
    assert found.steady.users == 100


def test_users_who_never_settle_are_said_to() -> None:
    """A ramp over the whole test has no part with a constant load."""
    found = shape_of(history(np.linspace(0, 1000, 301)))
    assert found.keeps_changing
    assert found.steady is None
    assert len(stretches(history(np.linspace(0, 1000, 301)), found)) == 8


def test_without_users_the_throughput_tells_the_ramp() -> None:
    """Where users are not known, the steady part begins where the usual throughput is met."""
    measured = history(ramped(100, ramp_s=60, flat_s=240), users_known=False)
    found = shape_of(measured)
    assert found.by_throughput
    assert found.ramp_s == pytest.approx(60, abs=11)  # a thirtieth of the test, and a second
    assert found.steady is not None
    assert found.steady.end == 300


def test_a_stretch_is_the_difference_of_two_rows() -> None:
    """Requests, failures, throughput and mean of a part follow from what was cumulated."""
    unknown = np.full(2, np.nan)
    measured = History(
        time_s=np.array([10.0, 30.0]),
        users=np.array([50.0, 50.0]),
        requests=np.array([100.0, 500.0]),
        failures=np.array([5.0, 45.0]),
        mean_s=np.array([0.010, 0.018]),
        p50_s=unknown,
        p95_s=unknown,
    )
    found = stretch(measured, 0, 1)
    assert found is not None
    assert (found.requests, found.failures, found.rps) == (400, 40, 20)
    assert found.mean_ms == pytest.approx((500 * 18 - 100 * 10) / 400)
    assert (found.from_s, found.until_s, found.users) == (10, 30, 50)
    assert windows(measured, "x", "locust") == ()  # no percentiles so far are known


def test_a_stretch_without_requests_has_no_figures() -> None:
    """Nothing was sent, so there is no throughput and no mean."""
    measured = history(np.zeros(20))
    assert stretch(measured, 0, 19) is None
    assert stretches(measured, shape_of(measured)) == ()


def test_stretches_follow_one_another_through_the_test() -> None:
    """The ramp, equal parts of the steady one, and the tail leave no gap and count all requests."""
    measured = history(ramped(100, ramp_s=20, flat_s=200, tail_s=30))
    parts = stretches(measured, shape_of(measured))
    assert (parts[0].from_s, parts[0].until_s, parts[-1].until_s) == (0, 20, 250)
    assert len(parts) == 10
    assert all(a.until_s == b.from_s for a, b in pairwise(parts))
    assert sum(part.requests or 0 for part in parts) == measured.requests[-1]


def test_windows_hold_what_was_cumulated() -> None:
    """A third and two thirds into the test, with the percentiles that the tool had until then."""
    measured = history(np.full(301, 50.0))
    found = windows(measured, "x", "locust")
    assert [window.until_s for window in found] == [100, 200]
    assert found[0].requests == 2500
    assert (found[0].p50_ms, found[0].p95_ms, found[0].p99_ms) == (12, 30, None)
