"""Summaries, timelines and usages say of a trace what a load-test tool would."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

from capsim.engine import Trace
from capsim.engine.trace import Tasks
from capsim.metrics.percentiles import ALL_LEVELS, is_thin, percentile
from capsim.metrics.run import Run, simulate
from capsim.metrics.summary import METRICS, failed, summarise
from capsim.metrics.timeline import timeline
from capsim.model.model import Model
from capsim.plan.ops import Status, status_name

MODEL = Model.model_validate(
    {
        "name": "m",
        "default_scenario": "s",
        "machine": {"cores": 2},
        "server": {"kind": "gunicorn-gthread", "workers": 3, "threads": 2, "keepalive_s": 0},
        "requests": {"read": {"app_cpu_s": 0.1}, "idle": {"delay_s": 0.1}},
        "scenarios": {
            "s": {
                "duration_s": 30,
                "users": 50,
                "user_classes": {"u": {"think_s": 0.2, "tasks": {"read": 3, "idle": 1}}},
            },
            "open": {
                "duration_s": 10,
                "arrivals": {
                    "c": {"stages": [{"duration_s": 10, "rate": 5}], "tasks": {"idle": 1}}
                },
            },
        },
    }
)


NO_TASKS = Tasks(
    **{
        field.name: np.zeros(0, dtype=np.float64 if field.name in {"start", "end"} else np.int64)
        for field in dataclasses.fields(Tasks)
    }
)


def made(ends: list[float], times: list[float], status: list[int], horizon_s: float) -> Trace:
    """A trace of one request class from ends, response times and statuses."""
    count = len(ends)
    zeros, none = np.zeros(count, dtype=np.int64), np.zeros((2, 0))
    start = np.array(ends) - np.array(times)
    return Trace(
        source=zeros,
        user=zeros,
        index=np.arange(count),
        attempt=zeros,
        request_class=zeros,
        asked=start,
        start=start,
        end=np.where(np.array(status) == Status.IN_FLIGHT, np.nan, np.array(ends)),
        status=np.array(status, dtype=np.int64),
        final=np.ones(count, dtype=np.bool_),
        wait_columns={},
        tasks=NO_TASKS,
        notes={},
        class_names=("a",),
        resource_names=(),
        station_names=(),
        issued=count,
        horizon_s=horizon_s,
        sampled_s=np.array([0.0, horizon_s]),
        in_use=none,
        queued=none,
        wasted_slots=none,
        busy=none,
        present=none,
        wasted_cores=none,
    )


@pytest.fixture(scope="module")
def run() -> Run:
    """A run of three processes that keep two cores busy."""
    return simulate(MODEL)


@pytest.mark.parametrize("count", [1, 2, 10, 20, 50, 100, 999, 1000, 4096])
def test_percentiles_are_nearest_rank(count: int) -> None:
    """The smallest value that at least the asked share does not exceed, without rounding errors."""
    values = np.arange(1.0, count + 1)
    for level in ALL_LEVELS.values():
        rank = math.ceil(Fraction(str(level)) * count)
        assert percentile(values, level) == rank


def test_a_percentile_of_nothing_is_undefined() -> None:
    """No requests, no percentile."""
    assert math.isnan(percentile(np.empty(0), 0.5))


def test_a_percentile_with_few_requests_above_is_flagged() -> None:
    """Five requests above make a percentile worth naming."""
    assert is_thin(99, 0.95)
    assert not is_thin(100, 0.95)
    assert is_thin(499, 0.99)
    assert not is_thin(500, 0.99)
    assert not is_thin(50, 0.90)


def test_a_summary_counts_what_ended_in_its_window() -> None:
    """Rates, failures and times come from the requests that ended inside."""
    trace = made(
        [1.0, 2.0, 3.0, 4.0, 9.0],
        [0.1, 0.2, 0.3, 0.4, 0.5],
        [0, 0, 500, Status.POOL_TIMEOUT, Status.IN_FLIGHT],
        horizon_s=5.0,
    )
    whole = summarise(trace)
    assert (whole.requests, whole.in_flight, whole.rps) == (4, 1, 0.8)
    assert whole.failures == {"http_500": 0.25, "pool_timeout": 0.25}
    assert whole.failure_ratio == 0.5
    assert whole.mean_s == pytest.approx(0.25)
    assert whole.max_s == pytest.approx(0.4)
    assert whole.metric("p50_s") == pytest.approx(0.2)
    assert set(whole.metrics()) == set(METRICS)
    late = summarise(trace, begin_s=1.5, until_s=3.5)
    assert (late.requests, late.rps, late.failure_ratio) == (2, 1.0, 0.5)


def test_slow_answers_fail_where_the_client_says_so() -> None:
    """Only answers that were otherwise good can be too slow."""
    trace = made([1.0, 2.0, 3.0], [0.1, 0.9, 0.9], [0, 0, 500], horizon_s=5.0)
    summary = summarise(trace, slower_than_s=0.5)
    assert summary.failures == pytest.approx({"http_500": 1 / 3, "slower_than_limit": 1 / 3})


SLOW = made(
    [0.5, 0.9, 1.2, 1.4, 1.6, 9.0],
    [0.1, 0.9, 0.9, 0.1, 0.5, 8.0],
    [0, 0, 500, 0, 0, Status.IN_FLIGHT],
    horizon_s=2.0,
)


@pytest.mark.parametrize(
    ("slower_than_s", "failures"),
    [(None, [0, 1 / 3]), (0.5, [0.5, 1 / 3]), (0.4, [0.5, 2 / 3]), (0.05, [1, 1])],
)
def test_a_timeline_and_a_summary_agree_on_what_failed(
    slower_than_s: float | None, failures: list[float]
) -> None:
    """An answer of just the limit is good; a slow error fails once."""
    frame = timeline(SLOW, slower_than_s=slower_than_s)
    assert frame["failure_ratio"].tolist() == pytest.approx(failures)
    goodput = frame["rps"] * (1 - frame["failure_ratio"])
    assert frame["goodput_rps"].tolist() == pytest.approx(goodput.tolist())
    whole = summarise(SLOW, slower_than_s=slower_than_s)
    assert frame["goodput_rps"].sum() / 2 == pytest.approx(whole.goodput_rps)
    assert whole.failure_ratio == pytest.approx(sum(whole.failures.values()))
    bad = failed(SLOW, slower_than_s)[np.isfinite(SLOW.end)]
    assert bad.mean() == pytest.approx(whole.failure_ratio)


def test_slow_retries_are_counted_from_the_first_attempt() -> None:
    """A quick answer to a late retry is slow to who asked."""
    trace = made([1.0, 1.9], [0.1, 0.1], [0, 0], horizon_s=2.0)
    late = dataclasses.replace(trace, asked=np.array([0.9, 0.2]))
    assert failed(late, 0.5).tolist() == [False, True]
    assert timeline(late, slower_than_s=0.5)["goodput_rps"].tolist() == [0.0, 1.0]


def test_a_runs_timeline_knows_the_clients_limit(run: Run) -> None:
    """What a client counts as failed is no goodput over time either."""
    median_s = run.summary().metric("p50_s")
    strict = dataclasses.replace(run, slower_than_s=median_s)
    frame = strict.timeline(slice_s=3.0)
    assert 0.4 < strict.summary().failure_ratio < 0.6
    assert frame["goodput_rps"].mean() == pytest.approx(strict.summary().goodput_rps)
    assert run.timeline(slice_s=3.0)["failure_ratio"].max() == 0


def test_a_summary_of_nothing_is_undefined() -> None:
    """A window without requests has a rate of zero and no times."""
    summary = summarise(made([], [], [], horizon_s=5.0), slower_than_s=1.0)
    assert summary.rps == 0.0
    rates = {"rps", "goodput_rps"}
    assert all(math.isnan(summary.metric(n)) for n in METRICS if n not in rates)


def test_classes_are_summarised_apart(run: Run) -> None:
    """The classes add up to the whole."""
    parts = [run.summary(request_classes=[name]) for name in ("read", "idle")]
    assert sum(part.requests for part in parts) == run.summary().requests
    assert run.summary(request_classes=["nothing"]).requests == 0


@pytest.mark.parametrize(("horizon_s", "slice_s", "slices"), [(5, 1, 5), (4.5, 1, 5), (3, 0.1, 30)])
def test_a_timeline_covers_the_run(horizon_s: float, slice_s: float, slices: int) -> None:
    """Slices reach to the end; the last one may be shorter, and its rate says so."""
    ends = np.arange(0.05, horizon_s, 0.1)
    frame = timeline(
        made(ends.tolist(), [0.04] * len(ends), [0] * len(ends), horizon_s), slice_s=slice_s
    )
    assert len(frame) == slices
    assert frame["time_s"].tolist() == pytest.approx(np.arange(slices) * slice_s)
    assert frame["rps"].tolist() == pytest.approx([10.0] * slices)
    assert frame["in_flight"].sum() == 0


def test_a_timeline_adds_up(run: Run) -> None:
    """The slices hold every answer once, and in flight are those who started and have not ended."""
    frame = run.timeline(slice_s=2.0)
    assert frame["rps"].sum() * 2.0 == pytest.approx(run.summary().requests)
    trace = run.trace
    at = 12.0
    ended = np.nan_to_num(trace.end, nan=np.inf)
    expected = int(((trace.start < at) & (ended >= at)).sum())
    assert frame.loc[frame["time_s"] == at, "in_flight"].item() == expected


def test_cores_that_processes_share_are_fully_used(run: Run) -> None:
    """Three processes on two saturated cores use 100 % of two, not 67 % of three."""
    cpu = {use.name: use for use in run.usages(begin_s=5.0)}["app CPU"]
    assert (cpu.kind, cpu.capacity) == ("cores", 2.0)
    assert cpu.utilisation == pytest.approx(1.0, abs=0.01)
    assert cpu.utilisation <= cpu.busiest <= 1.0 + 1e-9


def test_usages_are_means_over_the_window(run: Run) -> None:
    """Slots in use and waiters follow from Little's law on the recorded waits."""
    uses = {use.name: use for use in run.usages()}
    thread = uses["thread"]
    column = run.trace.wait_names.index("thread")
    assert thread.capacity == 6.0
    assert thread.used == pytest.approx(thread.utilisation * thread.capacity)
    assert thread.queue == pytest.approx(run.trace.waits[:, column].sum() / 30.0, rel=1e-6)
    assert 0.0 < thread.utilisation <= thread.busiest <= 1.0 + 1e-9


def test_a_resource_without_limit_has_no_utilisation() -> None:
    """What never runs out has no share in use, and still a number of those who use it."""
    tree = MODEL.model_dump()
    tree["database"]["access"] = {"kind": "per-request"}
    tree["requests"]["read"]["queries"] = {"law": "constant", "value": 1}
    uses = {use.name: use for use in simulate(Model.model_validate(tree)).usages()}
    connection = uses["database connection"]
    assert math.isinf(connection.capacity)
    assert math.isnan(connection.utilisation)
    # A request that makes a query has a connection for what is left of its time on a thread.
    assert 0.0 < connection.used < uses["thread"].used


def test_requests_are_a_table(run: Run) -> None:
    """Names instead of numbers, seconds in every column of times."""
    frame = run.requests
    assert len(frame) == len(run.trace)
    assert set(frame["request_class"]) == {"read", "idle"}
    assert set(frame["status"]) == {"ok", "in_flight"}
    ended = frame["status"] == "ok"
    assert (frame["thread_wait_s"][ended] <= frame["response_time_s"][ended] + 1e-9).all()


def test_statuses_have_names() -> None:
    """The names stand in tables and JSON, so they are part of the contract."""
    assert [status_name(status) for status in Status] == [
        "ok",
        "in_flight",
        "backlog_full",
        "pool_timeout",
        "connection_refused",
        "worker_timeout",
        "client_timeout",
        "queue_timeout",
        "pool_full",
        "lock_timeout",
        "statement_timeout",
        "server_lost",
        "unreachable",
        "database_lost",
        "task_timeout",
    ]
    assert status_name(503) == "http_503"


def test_simulate_takes_scenario_users_and_luck() -> None:
    """Every argument of `simulate` reaches the run."""
    base = simulate(MODEL).trace
    assert simulate(MODEL, users=3).trace.user.max() == 2
    assert simulate(MODEL, scenario="open").trace.horizon_s == 10.0
    assert simulate(MODEL, seed=2).trace.end.tobytes() != base.end.tobytes()
    assert simulate(MODEL, replication=1).trace.end.tobytes() != base.end.tobytes()
