"""A run summed up while it is simulated says what its trace would, and its memory stays small."""

import dataclasses
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim import simulate_summary
from capsim.engine import choice, compiled
from capsim.metrics.folding import fold_plan
from capsim.metrics.percentiles import ALL_LEVELS, percentile
from capsim.metrics.run import RunSummary, simulate
from capsim.metrics.times import HISTOGRAM_ERROR, Histogram
from capsim.model.laws import Exponential
from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.plan import Plan, Resource

ENGINES = ("reference", *(["compiled"] if compiled.is_available() else []))

# Requests that are late, given up and sent again; tasks that fall behind; replicas that lag.
MODEL = Model.model_validate(
    {
        "name": "m",
        "default_scenario": "s",
        "machine": {"cores": 2},
        "server": {"kind": "gunicorn-gthread", "workers": 2, "threads": 4, "keepalive_s": 0},
        "database": {
            "cores": 1,
            "access": {"kind": "per-request"},
            "replicas": {"count": 2, "lag_s": 0.01, "replay_s": 0.002},
        },
        "celery": {"workers": 1, "tasks": {"mail": {"delay_s": 0.03}}},
        "requests": {
            "write": {
                "app_cpu_s": 0.004, "queries": 2, "query_s": 0.004, "read_share": 0.5,
                "task": "mail",
            },
            "read": {"app_cpu_s": 0.006, "queries": 2, "query_s": 0.004, "read_share": 1},
        },
        "scenarios": {
            "s": {
                "duration_s": 60,
                "users": 120,
                "spawn_rate": 40,
                "client": {
                    "timeout_s": 0.2,
                    "slower_than_s": 0.1,
                    "retries": {"attempts": 2, "base_s": 0.05},
                },
                "user_classes": {"u": {"think_s": 0.2, "tasks": {"write": 1, "read": 2}}},
            },
        },
    }
)  # fmt: skip


@pytest.fixture(name="small_parts")
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have engines hand over a part of a hundred rows: a run of a minute has many of them."""
    monkeypatch.setattr("capsim.engine.reference.recorder.PART_ROWS", 100)
    if compiled.is_available():
        monkeypatch.setattr("capsim.engine.compiled.layout.PART_ROWS", 100)


def figures(found: RunSummary) -> str:
    """Everything in a summary, to the last digit, without what a histogram knows roughly."""
    summary = dataclasses.asdict(found.summary)
    for name in ("percentiles", "percentile_error", "mean_s"):
        del summary[name]
    tasks = [dataclasses.asdict(task) for task in found.tasks]
    for task in tasks:
        del task["p95_s"], task["mean_s"]
    summary["failures"] = dict(summary["failures"])
    return repr((summary, tasks, found.stale_share, found.usages))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.usefixtures("small_parts")
def test_it_says_what_the_trace_says(engine: choice.Engine) -> None:
    """Counts, shares, extremes and usages exactly; means but for rounding; percentiles roughly."""
    with choice.using(engine):
        whole = simulate(MODEL).digest(usages_begin_s=2.0)
        found = simulate_summary(MODEL, usages_begin_s=2.0)
    assert found.summary.failure_ratio > 0.01
    assert found.summary.attempts > 1.0
    assert found.summary.in_flight > 0
    assert 0.0 < found.stale_share < 1.0
    assert [task.waiting > 0 for task in found.tasks].count(True) >= 1
    assert figures(found) == figures(whole)
    pairs = [(found.summary, whole.summary), *zip(found.tasks, whole.tasks, strict=True)]
    for one, other in pairs:
        # Each of n additions rounds by half a unit in the last place at most.
        assert one.mean_s == pytest.approx(other.mean_s, rel=found.summary.requests * 2.0**-53)
    assert found.summary.percentile_error == HISTOGRAM_ERROR
    within = {"rel": HISTOGRAM_ERROR, "abs": 0.0}
    assert found.summary.percentiles == pytest.approx(whole.summary.percentiles, **within)
    for mine, exact in zip(found.tasks, whole.tasks, strict=True):
        assert mine.p95_s == pytest.approx(exact.p95_s, **within)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.skipif(not compiled.is_available(), reason="numba is not installed")
def test_both_engines_say_the_same() -> None:
    """The parts that they hand over differ, and the summaries do not."""
    found = []
    for engine in ENGINES:
        with choice.using(engine):
            found.append(simulate_summary(MODEL))
    assert figures(found[0]) == figures(found[1])
    assert found[0].summary.percentiles == found[1].summary.percentiles


@pytest.mark.usefixtures("small_parts")
def test_nothing_happens_and_nobody_comes() -> None:
    """Undefined figures are NaN, as those of a trace without a request."""
    nobody = MODEL.model_copy(
        update={"scenarios": {"s": MODEL.scenario().model_copy(update={"duration_s": 1e-6})}}
    )
    whole, found = simulate(nobody).digest(), simulate_summary(nobody)
    assert whole.summary.requests == found.summary.requests == 0
    assert math.isnan(found.summary.mean_s)
    assert math.isnan(found.summary.max_s)
    assert all(math.isnan(value) for value in found.summary.percentiles.values())
    assert math.isnan(found.stale_share)


TIMES = st.floats(min_value=0.0, max_value=1e12, allow_subnormal=True)


@settings(max_examples=300, derandomize=True)
@given(parts=st.lists(st.lists(TIMES, max_size=30), max_size=5))
def test_percentiles_of_a_histogram_are_within_what_it_says(parts: list[list[float]]) -> None:
    """For any times, zero and those beyond all reason included, and in any parts."""
    histogram = Histogram()
    for part in parts:
        histogram.add(np.array(part))
    times = np.sort([time for part in parts for time in part])
    if not len(times):
        assert math.isnan(histogram.percentile(0.5))
        assert math.isnan(histogram.mean_s)
        return
    assert histogram.max_s == times[-1]
    assert histogram.mean_s == pytest.approx(times.mean(), rel=1e-13)
    for level in ALL_LEVELS.values():
        exact = percentile(times, level)
        # Half of the smallest number that there is, where a tenth of a percent is less than that.
        assert abs(histogram.percentile(level) - exact) <= HISTOGRAM_ERROR * exact + 5e-324


def lasting(requests: int) -> Plan:
    """Ten users who never wait, for so many requests of a second."""
    builder = PlanBuilder()
    slot = builder.resource(Resource(name="slot", capacity=10))
    number = builder.request_class("request")
    builder.acquire(slot)
    builder.delay(builder.column("work", Exponential(law="exponential", mean=0.5)))
    builder.end()
    think = Exponential(law="exponential", mean=0.5)
    builder.users("users", think=think, classes=[(number, 1.0)], starts=np.zeros(10))
    return builder.build(horizon_s=requests / 10, seed=1)


def peak_bytes(requests: int) -> int:
    """The most memory that summing up a run takes at any time."""
    plan = lasting(requests)
    tracemalloc.start()
    try:
        assert fold_plan(plan).summary.requests == pytest.approx(requests, rel=0.05)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not compiled.is_available(), reason="numba is not installed")
def test_memory_does_not_grow_with_requests() -> None:
    """Ten times the requests take no more than pages of draws, of which there are so many at most.

    One for each user, 128 that nobody draws from now, and one that is made: each has 1024 rows of
    two draws. Their table may be twice as large. The trace would take 26 bytes for each request.
    """
    few, many = 100_000, 1_000_000
    pages = 2 * (10 + 128 + 1) * 1024 * 2 * 8
    peak_bytes(1_000)  # what stays from the first run of all
    growth = peak_bytes(many) - peak_bytes(few)
    assert growth <= pages
    assert pages < 26 * (many - few) / 4
