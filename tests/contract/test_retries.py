"""Clients that ask again: when, how often, and what it does to a server in trouble."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from capsim.plan.lowering import lower
from capsim.plan.ops import Status
from capsim.plan.plan import Plan
from capsim.theory import expected_attempts, hidden_capacity, retry_equilibria

DEVELOPMENT = {"kind": "development"}


def modelled(
    requests: dict[str, Any], scenario: dict[str, Any], *, server: Any = None, **parts: Any
) -> Model:
    """A model with some requests and one load test."""
    return Model.model_validate(
        {
            "name": "retries",
            "default_scenario": "test",
            "machine": {"cores": 1},
            "server": server or DEVELOPMENT,
            "requests": requests,
            "scenarios": {"test": scenario},
            **parts,
        }
    )


def asking(users: int, duration_s: float, client: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A load test with users who ask once."""
    user = {"think_s": 1e6, "tasks": {"page": 1}}
    who = {"users": users, "user_classes": {"user": user}}
    return {"duration_s": duration_s, "client": client, **who, **more}


def in_vain(users: int, duration_s: float, **retries: Any) -> Run:
    """Simulate users who give each attempt up after 1 s, and never get an answer."""
    client = {"timeout_s": 1.0, "retries": retries}
    return simulate(modelled({"page": {"delay_s": 1e6}}, asking(users, duration_s, client)))


def calls(task: str, rate: float, duration_s: float, interarrival: str) -> dict[str, Any]:
    """Arrivals of one kind of request."""
    stages = [{"duration_s": duration_s, "rate": rate}]
    return {"stages": stages, "interarrival": interarrival, "tasks": {task: 1}}


def starts(result: Run, user: int = 0) -> np.ndarray:
    """When a user sent its attempts."""
    return np.sort(result.trace.start[result.trace.user == user])


# When the next attempt comes.


def test_pauses_double_up_to_the_cap() -> None:
    """Without jitter: 0.1, 0.2, then 0.35 s where 0.4 would be due, after 1 s each in vain."""
    result = in_vain(1, 20.0, attempts=4, base_s=0.1, cap_s=0.35, jitter="none")
    assert starts(result).tolist() == pytest.approx([0.0, 1.1, 2.3, 3.65, 5.0])
    trace = result.trace
    assert trace.attempt.tolist() == [0, 1, 2, 3, 4]
    assert trace.asked.tolist() == [0.0] * 5
    assert trace.index.tolist() == [0] * 5
    assert trace.final.tolist() == [False] * 4 + [True]
    assert (trace.end - trace.start).tolist() == pytest.approx([1.0] * 5)
    assert set(trace.status.tolist()) == {Status.CLIENT_TIMEOUT}


@pytest.mark.parametrize(("jitter", "least"), [("full", 0.0), ("equal", 0.5)])
def test_pauses_are_drawn_below_the_cap(jitter: str, least: float) -> None:
    """Each pause is uniform between a share of its maximum and that, whatever the one before."""
    result = in_vain(400, 60.0, attempts=3, base_s=2.0, cap_s=5.0, jitter=jitter)
    pauses = np.array([np.diff(starts(result, user)) - 1.0 for user in range(400)])
    luck = (pauses / [2.0, 4.0, 5.0] - least) / (1.0 - least)
    for each in luck.T:
        assert stats.kstest(each, "uniform").pvalue > 0.001
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert stats.spearmanr(luck[:, one], luck[:, other]).pvalue > 0.001


def test_without_jitter_retries_come_in_waves() -> None:
    """Who failed together comes back together; with full jitter they spread over the pause."""
    most_at_once = {}
    for jitter in ("none", "full"):
        result = in_vain(200, 30.0, attempts=2, base_s=5.0, jitter=jitter)
        second = result.trace.start[result.trace.attempt == 1]
        most_at_once[jitter] = np.histogram(second, bins=np.arange(0.75, 10.0, 0.5))[0].max()
    assert most_at_once["none"] == 200
    assert most_at_once["full"] < 200 / 10 + 4 * np.sqrt(200 / 10)


# Which failures, and how often.


@pytest.mark.parametrize(
    ("after", "attempts"),
    [
        (("unavailable",), 2),
        (("timeout", "connection", "error"), 1),
        (("timeout", "connection", "unavailable"), 2),
    ],
)
def test_only_failures_of_the_given_kinds_are_retried(after: tuple, attempts: int) -> None:
    """A 503 of load shedding is `unavailable`; one retry of it succeeds."""
    client = {"retries": {"attempts": 3, "base_s": 1.5, "jitter": "none", "after": after}}
    both = asking(2, 20.0, client, spawn_rate=1.0)
    result = simulate(modelled({"page": {"delay_s": 2.0}}, both, shedding={"limit": 1}))
    summary, second = result.summary(), result.trace.user == 1
    assert second.sum() == attempts
    assert summary.requests == 2
    assert summary.attempts == (1 + attempts) / 2
    if attempts == 1:
        assert summary.failures == {"http_503": 0.5}
    else:
        # Refused at 1.0, asked again at 2.5, answered at 4.5: to the client it took 3.5 s.
        assert result.trace.start[second].tolist() == pytest.approx([1.0, 2.5])
        assert result.trace.status[second].tolist() == [503, Status.OK]
        assert summary.failure_ratio == 0.0
        assert summary.max_s == pytest.approx(3.5)


def test_the_applications_own_refusals_are_answers() -> None:
    """A 403 is not asked for again, whatever the client retries after."""
    client = {
        "retries": {"attempts": 3, "after": ("timeout", "connection", "unavailable", "error")}
    }
    refused = {"page": {"delay_s": 0.1, "rejected": 1.0}}
    result = simulate(modelled(refused, asking(5, 50.0, client)))
    assert set(result.trace.status.tolist()) == {403}
    assert set(result.trace.attempt.tolist()) == {0}


def test_a_summary_counts_from_the_first_attempt_to_the_last_answer() -> None:
    """One request, five attempts, and the 6 s that its user saw."""
    result = in_vain(1, 20.0, attempts=4, base_s=0.1, cap_s=0.35, jitter="none")
    summary = result.summary()
    assert (summary.requests, summary.attempts) == (1, 5.0)
    assert summary.failures == {"client_timeout": 1.0}
    assert (summary.mean_s, summary.max_s) == pytest.approx((6.0, 6.0))
    rows = result.requests
    assert rows["attempt"].tolist() == [0, 1, 2, 3, 4]
    assert rows["final"].tolist() == [False, False, False, False, True]
    timeline = result.timeline()
    assert timeline["attempts"].sum() == 5
    assert timeline["rps"].sum() == 1


@pytest.mark.parametrize("retries", [1, 2])
def test_independent_failures_multiply_attempts(agrees: Callable, retries: int) -> None:
    """(1 - p^(r+1)) / (1 - p) attempts, where each finds the only place taken with p = 2/3.

    A request of another kind takes it for the first two thirds of each second. Pauses are uniform
    over whole seconds, so that attempts come at independent parts of one. 20 x 1,500, within 4 %.
    """
    policy = {"attempts": retries, "base_s": 1.0, "after": ["unavailable"]}
    scenario = {
        "duration_s": 310.0,
        "client": {"retries": policy},
        "arrivals": {
            "blocking": calls("block", 1.0, 310.0, "constant"),
            "asking": calls("ask", 5.0, 310.0, "exponential"),
        },
    }
    model = modelled(
        {"block": {"delay_s": 2 / 3}, "ask": {"delay_s": 0}}, scenario, shedding={"limit": 1}
    )

    def build(replication: int) -> Plan:
        return lower(model, model.scenario(), seed=1, replication=replication)

    def measure(window: Any) -> dict[str, float]:
        trace = window.trace
        mine = window.ended & (trace.class_names.index("ask") == trace.request_class)
        final = mine & trace.final
        failed = float((trace.status[final] == 503).mean())
        return {"attempts": float(mine.sum() / final.sum()), "failed": failed}

    exact = expected_attempts(failure_probability=2 / 3, retries=retries)
    failed = (2 / 3) ** (retries + 1)
    agrees(
        build,
        measure,
        {"attempts": exact, "failed": failed},
        warm_up=10.0,
        half_width={"attempts": 0.02, "failed": 0.05},
    )


@pytest.mark.parametrize(("budget", "burst"), [(0.25, 10), (0.5, 1)])
def test_a_budget_bounds_the_retries(budget: float, burst: int) -> None:
    """400 requests fail 8 times each without a budget; with one they earn a share of retries."""
    scenario = {
        "duration_s": 240.0,
        "arrivals": {"calls": calls("page", 2.0, 200.5, "constant")},
        "client": {
            "timeout_s": 1.0,
            "retries": {"attempts": 7, "base_s": 0.1, "budget": budget, "budget_burst": burst},
        },
    }
    limited = simulate(modelled({"page": {"delay_s": 1e6}}, scenario)).summary()
    for key in ("budget", "budget_burst"):
        scenario["client"]["retries"].pop(key)
    free = simulate(modelled({"page": {"delay_s": 1e6}}, scenario)).summary()
    assert (limited.requests, free.requests) == (400, 400)
    assert free.attempts == 8.0
    # The burst is there at the start, where the first requests cannot add to it.
    assert limited.attempts * 400 <= 400 * (1 + budget) + burst
    assert limited.attempts * 400 >= 400 * (1 + budget) - 3


# What it does to a server.


def in_trouble(rate: float, budget: float | None) -> Run:
    """Simulate a server for 10 requests per second that is stuck for a minute.

    Clients wait for 2 s, and ask up to three times more.
    """
    retries = {"attempts": 3, "base_s": 0.1, "cap_s": 1.0, "budget": budget}
    slow = {"kind": "slow", "at_s": 100.0, "duration_s": 60.0, "station": "app", "factor": 20.0}
    scenario = {
        "duration_s": 600.0,
        "arrivals": {"calls": calls("page", rate, 600.0, "exponential")},
        "client": {"timeout_s": 2.0, "retries": retries},
        "faults": [slow],
    }
    server = {"kind": "gunicorn-sync", "workers": 1, "timeout_s": 0, "backlog": 1_000_000}
    page = {"app_cpu_s": {"law": "exponential", "mean": 0.1}}
    return simulate(modelled({"page": page}, scenario, server=server))


@pytest.mark.parametrize(
    ("rate", "budget", "recovers"), [(2.0, None, True), (7.0, None, False), (7.0, 0.2, True)]
)
def test_retries_keep_a_vulnerable_system_down(
    rate: float,
    budget: float | None,
    recovers: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    """The fault is over at 160 s. With four attempts each, 7 per second are 28 to a server for 10.

    Theory says so: two stable states at 7, one at 2, which lies below the hidden capacity; a
    budget of 20 % lifts that to 8.3.
    """
    system = {"service_rate": 10.0, "timeout": 2.0, "retries": 3}
    stable = [state for state in retry_equilibria(arrival_rate=rate, **system) if state.stable]
    vulnerable = rate > hidden_capacity(capacity=10.0, retries=3)
    assert vulnerable == (len(stable) == 2)
    assert recovers == (rate < hidden_capacity(capacity=10.0, retries=budget or 3))
    result = in_trouble(rate, budget)
    before, after = result.summary(begin_s=20, until_s=100), result.summary(begin_s=500)
    noise = 4 * np.sqrt(rate / 80)
    assert before.goodput_rps == pytest.approx(stable[0].goodput, abs=noise)
    if recovers:
        assert after.goodput_rps == pytest.approx(stable[0].goodput, abs=noise)
        assert after.attempts < 1.05
    else:
        assert after.goodput_rps == 0.0
        assert after.attempts == pytest.approx(4.0, rel=0.02)
        late = result.usages(begin_s=500)
        assert {use.name: use for use in late}["worker"].wasted == pytest.approx(1.0, abs=1e-9)
