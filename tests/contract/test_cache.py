"""A cache before the database: hits, expiry, stampedes, and a flush that does or does not heal."""

from typing import Any

import numpy as np
import pytest

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from capsim.plan.ops import Status
from small_load_tests import arriving

READ = {"queries": 1, "query_s": 1.0}


def run(
    cache: dict[str, Any] | None,
    scenario: dict[str, Any],
    *,
    request: dict[str, Any] | None = None,
    **database: Any,
) -> Run:
    """Simulate requests that ask the cache first, where there is one."""
    read = {**READ, "cached": cache is not None}
    return simulate(
        Model.model_validate(
            {
                "name": "cache",
                "default_scenario": "test",
                "server": {"kind": "development"},
                "cache": cache,
                "database": {"cores": 64, "access": {"kind": "per-request"}, **database},
                # Nobody asks for the other class, so that the cache is there for one at least.
                "requests": {"page": {**read, **(request or {})}, "other": read},
                "scenarios": {"test": scenario},
            }
        )
    )


def at(*times_s: float, flush_s: float | None = None) -> dict[str, Any]:
    """One arrival at each of the times, and a flush."""
    calls = arriving("page", *times_s)
    faults = [] if flush_s is None else [{"kind": "cache-flush", "at_s": flush_s}]
    return {"duration_s": times_s[-1] + 30.0, "arrivals": {"calls": calls}, "faults": faults}


def steady(rate: float, duration_s: float, **more: Any) -> dict[str, Any]:
    """Poisson arrivals."""
    calls = {"stages": [{"duration_s": duration_s, "rate": rate}], "tasks": {"page": 1}}
    return {"duration_s": duration_s, "arrivals": {"calls": calls}, **more}


def responses(result: Run) -> list[float]:
    """Response times in order of start."""
    trace = result.trace
    return [float(time) for time in (trace.end - trace.start)[np.argsort(trace.start)]]


def database_busy(result: Run) -> np.ndarray:
    """Busy database cores in each second."""
    column = result.trace.station_names.index("database CPU")
    return np.diff(result.trace.busy[:, column])


def test_the_hit_ratio_is_the_share_without_queries() -> None:
    """A hit costs the lookup alone, a miss the lookup and the query; nothing else is possible."""
    cache = {"hit_ratio": 0.8, "lookup_s": 0.01}
    result = run(cache, steady(50.0, 100.0), request={"query_s": 0.1})
    times = np.array(responses(result))
    times = times[np.isfinite(times)]
    hits = np.isclose(times, 0.01)
    assert np.isclose(times[~hits], 0.11).all()
    assert hits.mean() == pytest.approx(0.8, abs=4 * np.sqrt(0.8 * 0.2 / len(times)))


def test_a_class_that_is_not_cached_does_not_ask() -> None:
    """Neither the lookup nor a hit is for who does not ask the cache."""
    cache = {"hit_ratio": 1.0, "lookup_s": 0.5}
    assert responses(run(cache, at(1.0))) == pytest.approx([0.5])
    assert responses(run(cache, at(1.0), request={"cached": False})) == pytest.approx([1.0])
    assert responses(run(None, at(1.0))) == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("one_fills", "work_s", "expected"),
    [
        (False, 3.0, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]),
        (True, 1.0, [0.0, 1.0, 0.75, 0.5, 0.0, 0.0]),
    ],
    ids=["each fills", "one fills"],
)
def test_a_stampede_after_a_flush(one_fills: bool, work_s: float, expected: list[float]) -> None:  # noqa: FBT001 (a parameter of the test)
    """Who misses while another computes computes too, or waits for the other and then hits."""
    cache = {"hit_ratio": 1.0, "keys": 1, "one_fills": one_fills}
    result = run(cache, at(1.0, 3.0, 3.25, 3.5, 4.5, 9.0, flush_s=2.0))
    assert responses(result) == pytest.approx(expected)
    assert database_busy(result).sum() == pytest.approx(work_s)


def test_a_filler_that_fails_passes_the_turn_on() -> None:
    """Its waiter finds nothing in the cache and computes; who comes later waits for that one."""
    cache = {"hit_ratio": 1.0, "keys": 1, "one_fills": True}
    result = run(cache, at(1.0, 2.0, 2.5, flush_s=0.5), statement_timeout_s=0.9, cores=64)
    assert set(result.trace.status.tolist()) == {Status.STATEMENT_TIMEOUT}
    # 1.0 to 1.9; 2.0 to 2.9; the third waits from 2.5 to 2.9, and has a limit of its own.
    assert responses(result) == pytest.approx([0.9, 0.9, 1.3])


@pytest.mark.parametrize("flush_s", [None, 0.0], ids=["there at the start", "flushed"])
def test_an_entry_lives_for_its_ttl(flush_s: float | None) -> None:
    """It lives from its `set`, at the end of a fill, however often it is read."""
    cache = {"hit_ratio": 1.0, "keys": 1, "ttl_s": 5.0}
    result = run(cache, at(5.5, 8.0, 11.4, 11.6, 13.0, 17.5, flush_s=flush_s))
    # Filled at 6.5 and at 12.6, which is good up to 11.5 and 17.6.
    assert responses(result) == pytest.approx([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])


def test_entries_that_are_there_at_the_start_expire_one_by_one() -> None:
    """With a life of 10 s the database sees a steady stream of misses, from the beginning on."""
    cache = {"hit_ratio": 1.0, "keys": 1000, "ttl_s": 10.0}
    result = run(cache, steady(2000.0, 20.0), request={"query_s": 0.001})
    misses = database_busy(result) / 0.001
    # A key is asked for twice a second: its next fill comes 0.5 s after its end on average.
    assert misses[3:] == pytest.approx(1000 / 10.5, rel=0.5)
    assert misses[3:].mean() == pytest.approx(1000 / 10.5, rel=0.1)


def test_after_a_flush_the_database_sees_the_full_load() -> None:
    """A tenth of the load before, nearly all of it in the first second after, and then less again.

    A key is asked for at 90/1000 per second: it is still missing after t with exp(-0.09 t).
    """
    faults = [{"kind": "cache-flush", "at_s": 30.0}]
    cache = {"hit_ratio": 0.9, "keys": 1000}
    result = run(cache, steady(100.0, 110.0, faults=faults), request={"query_s": 0.01})
    share = database_busy(result)  # of the 100 queries of 10 ms per second without a cache
    tolerance = 4 * 0.1  # four deviations of 100 arrivals
    assert share[:30].mean() == pytest.approx(0.1, abs=4 * np.sqrt(0.1 / 3000))
    first_second = 0.1 + 0.9 * (1 - np.exp(-0.09)) / 0.09
    assert share[30] == pytest.approx(first_second, abs=tolerance)
    assert share[30] > 5 * share[:30].mean()
    assert share[90:].mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("rate", "heals"), [(80.0, True), (200.0, False)])
def test_a_flush_heals_only_where_the_database_could_do_without(
    rate: float,
    heals: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    """Four cores do 100 queries of 40 ms per second. With the cache 200 requests are no load.

    Without it they are twice too many: clients give up, and every query runs into its limit, so
    that nobody fills the cache, for good. 80 per second could be done with an empty cache too.
    """
    cache = {"hit_ratio": 0.95, "keys": 10_000}
    faults = [{"kind": "cache-flush", "at_s": 100.0}]
    client = {"timeout_s": 1.5}
    result = run(
        cache,
        steady(rate, 300.0, faults=faults, client=client),
        request={"query_s": 0.04},
        cores=4,
        statement_timeout_s=2.0,
    )
    before = result.summary(begin_s=50, until_s=100)
    after = result.summary(begin_s=200)
    assert before.goodput_rps == pytest.approx(rate, abs=4 * np.sqrt(rate / 50))
    assert before.failure_ratio == 0.0
    if heals:
        assert after.failure_ratio == 0.0
        assert database_busy(result)[200:].mean() < 0.5 * 4
    else:
        assert after.goodput_rps < 0.2 * rate
        assert result.summary(begin_s=200).failures.keys() == {"client_timeout"}
        assert database_busy(result)[200:].mean() == pytest.approx(4.0, rel=1e-3)
