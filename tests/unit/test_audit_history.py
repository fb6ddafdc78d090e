"""Total and history of a load test: cut, of another run, with a burst at the beginning."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from capsim.loadtest.audit import Kind, audited
from capsim.loadtest.observations import LoadTest
from capsim.model.laws import Uniform
from clean_load_tests import closed_queue, dataset, reported

THINK = Uniform(law="uniform", low=0.5, high=1.5)
SHAPE: dict[str, Any] = {"users": 40, "duration_s": 120.0, "ramp_s": 10.0}


def run(seed: int, **changes: Any) -> LoadTest:
    """Return a clean load test at about its knee."""
    shape = SHAPE | changes
    service_s = np.random.default_rng([seed, 11]).exponential(0.02, 20_000)
    rows = closed_queue(think=THINK, service_s=service_s, seed=seed, **shape)
    return reported(rows, think=THINK, **shape)


def kinds(test: LoadTest, **changes: Any) -> list[Kind]:
    """Return what is found in a load test, changed."""
    return [one.kind for one in audited([dataset(test=test.model_copy(update=changes))])]


@pytest.mark.parametrize("kept", [3, 4, 5, 6])
def test_a_history_that_was_cut_is_no_hang(kept: int) -> None:
    """Wherever a history ends, the total tells that the test went on."""
    for seed in range(10):
        test = run(seed)
        found = kinds(test, stretches=test.stretches[:kept])
        assert found == ([] if kept == 6 else [Kind.HISTORY_INCOMPLETE]), seed


@pytest.mark.parametrize("shape", [{"ramp_s": 60.0}, {"users": 200, "ramp_s": 1.0}])
def test_a_beginning_without_parts_hides_no_requests(shape: dict[str, Any]) -> None:
    """A long ramp, or a burst that takes seconds to be answered, makes no hang of a cut."""
    for seed in range(10):
        test = run(seed, **shape)
        found = kinds(test, stretches=test.stretches[:4])
        assert not {Kind.FROZEN, Kind.STALL, Kind.HISTORY_DISAGREES} & set(found), seed


@pytest.mark.parametrize("kept", [3, 4, 5])
def test_a_hang_is_one_where_the_total_stops_too(kept: int) -> None:
    """The same history, of a test whose total has no more than it: nothing was answered then."""
    for seed in range(10):
        test = run(seed)
        until_s = test.stretches[kept - 1].until_s
        short = run(seed, duration_s=until_s)
        total = short.total.model_copy(update={"rps": None})
        assert Kind.FROZEN in kinds(test, stretches=test.stretches[:kept], total=total), seed


@pytest.mark.parametrize("users", [15, 20, 60, 80])
def test_the_total_of_another_run_is_found(users: int) -> None:
    """A total of more or fewer users contradicts the history, and Little's law by itself."""
    for seed in range(10):
        found = kinds(run(seed), total=run(seed + 50, users=users).total)
        assert Kind.HISTORY_DISAGREES in found, seed
        if users != 80:  # which the system cannot serve: its response times grow
            assert {Kind.TOO_MANY_REQUESTS, Kind.TOO_FEW_REQUESTS} & set(found), seed


def test_a_burst_in_the_first_second_is_no_contradiction() -> None:
    """All users may send at once before the first part begins, and think a minute then."""
    think = {"law": "exponential", "mean": 60.0}
    part = {"users": 1000, "requests": 1666, "failures": 0, "mean_ms": 20}
    edges = [1.0, 101.0, 201.0, 301.0]
    stretches = [part | {"from_s": a, "until_s": b} for a, b in pairwise(edges)]
    test = {
        "source": "made",
        "users": 1000,
        "duration_s": 301,
        "ramp_s": 0.5,
        "think_s": think,
        "total": {"requests": 5998, "mean_ms": 20},
        "stretches": stretches,
    }
    assert kinds(LoadTest.model_validate(test)) == []
    hung = {"duration_s": 1001.0, "total": {"requests": 5998, "mean_ms": 20}}
    assert Kind.FROZEN in kinds(LoadTest.model_validate(test | hung))


def test_a_total_without_a_count_proves_no_hang() -> None:
    """Where nobody counted the total, rows that are missing and a hang look the same."""
    test = run(1)
    total = test.total.model_copy(update={"requests": None, "failures": None})
    assert kinds(test, stretches=test.stretches[:4], total=total) == []


def test_the_beginning_has_no_more_than_the_whole() -> None:
    """Without parts, cumulated windows are held against the total."""
    test = run(1)
    count = test.total.requests or 0
    bare: dict[str, Any] = test.model_dump(exclude={"stretches", "steady"}, exclude_none=True)

    def found(requests: int) -> list[Kind]:
        windows = [{"until_s": 110.0, "requests": requests, "mean_ms": 100.0}]
        return kinds(LoadTest.model_validate(bare | {"windows": windows}))

    assert Kind.HISTORY_DISAGREES in found(2 * count)
    assert Kind.HISTORY_DISAGREES not in found(count)


def test_a_doubled_count_is_named_and_explains_the_ceiling() -> None:
    """Of an unknown ramp, twice as many may be 1.9 times; the next level then looks limited."""
    single, double = run(1, users=20), run(2)
    unknown: dict[str, Any] = {"steady": None, "stretches": (), "ramp_s": None}
    requests, rps = single.total.requests or 0, single.total.rps or 0.0
    total = single.total.model_copy(update={"requests": 2 * requests, "rps": 2 * rps})
    low = single.model_copy(update=unknown | {"total": total})
    found = audited([dataset(low=low, high=double)])
    assert [one.kind for one in found] == [Kind.TOO_MANY_REQUESTS]
    assert "counted twice" in found[0].what


@pytest.mark.parametrize(("mean_ms", "found"), [(5300.0, []), (7000.0, [Kind.TOO_MANY_REQUESTS])])
def test_requests_that_began_before_the_steady_part(mean_ms: float, found: list[Kind]) -> None:
    """What they took before it is none of its users' time, so X R may lie a little above N."""
    figures = {"requests": 2400, "failures": 0, "mean_ms": mean_ms}
    steady = figures | {"from_s": 60, "until_s": 120, "users": 200}
    test = {
        "source": "made",
        "users": 200,
        "duration_s": 120,
        "ramp_s": 60,
        "think_s": 0,
        "total": {"requests": 4700, "failures": 0, "mean_ms": 4000, "max_ms": 8000},
        "steady": steady,
    }
    assert kinds(LoadTest.model_validate(test)) == found
