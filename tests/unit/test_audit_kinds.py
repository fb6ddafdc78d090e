"""Every kind of finding: data with this defect alone, and a near miss that must stay silent."""

from collections.abc import Mapping
from typing import Any

import pytest

from capsim.loadtest.audit import Finding, Kind, Severity, audited
from capsim.loadtest.observations import Dataset

Tests = Mapping[str, dict[str, Any]]
_REQUESTS, _DURATION_S = 7425, 300
_RECORDED = {"rows": _REQUESTS}


def load_test(**changes: Any) -> dict[str, Any]:
    """Return 50 users who think 1 to 3 s in front of a system that answers in 20 ms.

    The other figures follow: X = 50 / (2 + 0.02) = 24.75 requests/s, 7,425 of them in 300 s.
    """
    return {
        "source": "made",
        "users": 50,
        "duration_s": _DURATION_S,
        "think_s": {"law": "uniform", "low": 1.0, "high": 3.0},
        "ramp_s": 0,
        "total": total(),
    } | changes


def total(**changes: Any) -> dict[str, Any]:
    """Return figures that fit together."""
    return {
        "requests": _REQUESTS,
        "failures": 0,
        "rps": 24.75,
        "min_ms": 5,
        "mean_ms": 20.0,
        "p50_ms": 17,
        "p90_ms": 35,
        "p95_ms": 47,
        "p99_ms": 80,
        "max_ms": 150,
    } | changes


def level(users: int, mean_ms: float, rps: float, **changes: Any) -> dict[str, Any]:
    """Return one level of several: no think law, 1000 s long."""
    figures = {"requests": round(rps * 1000), "failures": 0, "rps": rps, "mean_ms": mean_ms}
    return (
        load_test(
            users=users, duration_s=1000, think_s=None, total=figures | changes.pop("total", {})
        )
        | {"endpoints": rows(400, 600)}
        | changes
    )


def rows(*requests: int, **figures: Any) -> dict[str, dict[str, Any]]:
    """Return endpoints with so many requests."""
    return {
        f"GET /{number}/": {"request_classes": ["page"], "requests": count} | figures
        for number, count in enumerate(requests)
    }


def parts(
    *means_ms: float | None, users: float | None = 50, **changes: Any
) -> list[dict[str, Any]]:
    """Return stretches of a minute with such means; none: no request was answered."""
    return [
        {"from_s": 60 * at, "until_s": 60 * (at + 1), "users": users}
        | ({} if mean is None else {"requests": 1485, "mean_ms": mean} | changes)
        for at, mean in enumerate(means_ms)
    ]


def _with_steady(users: float) -> dict[str, Any]:
    """Return a steady part with so many users, and the test in such parts."""
    steady = {"from_s": 0, "until_s": 300, "users": users, "requests": _REQUESTS, "mean_ms": 20}
    return {"steady": steady, "stretches": parts(*[20.0] * 5, users=users)}


def dataset(tests: Tests, name: str = "made", **changes: Any) -> Dataset:
    """Return a dataset of Locust's with exact figures."""
    found = {"name": name, "source": "made", "tool": "locust", "load_tests": tests} | changes
    return Dataset.model_validate(found)


def one(**changes: Any) -> list[Dataset]:
    """Return a dataset with one load test, changed."""
    return [dataset({"test": load_test(**changes)})]


def of_tool(tool: str, **changes: Any) -> list[Dataset]:
    """Return the same of another tool."""
    return [dataset({"test": load_test(**changes)}, tool=tool)]


def two(**changes: Any) -> list[Dataset]:
    """Return the load test in two datasets, in the second one changed."""
    return [
        dataset({"test": load_test()}, name="here"),
        dataset({"test": load_test(**changes)}, name="there"),
    ]


def levels(*tests: dict[str, Any]) -> list[Dataset]:
    """Return load tests of one workload."""
    return [dataset({f"users-{test['users']}": test for test in tests})]


def with_timeout(timeout_s: float, **changes: Any) -> list[Dataset]:
    """Return a dataset whose documents name a timeout."""
    configured = {"timeout_s": timeout_s}
    return [dataset({"test": load_test(**changes)}, configured=configured)]


def with_pool(size: int) -> list[Dataset]:
    """Return two load tests, of which one can fill a pool of 20, and the other one of 2."""
    tests = {"light": load_test(), "heavy": load_test(total=total(**_SATURATED))}
    return [dataset(tests, configured={"pool_size": size})]


def recorded(**facts: Any) -> list[Dataset]:
    """Return a load test with facts about its rows."""
    return one(recorded=_RECORDED | facts)


_SATURATED = {
    "requests": 3000,
    "rps": 10.0,
    "mean_ms": 3000.0,
    "p50_ms": 2900,
    "p90_ms": 3500,
    "p95_ms": 3700,
    "p99_ms": 4000,
    "max_ms": 4500,
}
_SLOW = total(mean_ms=3000.0, p50_ms=2900, p90_ms=3500, p95_ms=3700, p99_ms=4000, max_ms=4500)
_ALIKE = {"mean_ms": 20.0, "p50_ms": 17}

# kind, severity, data with the defect, a near miss
CASES: list[tuple[Kind, Severity, list[Dataset], list[Dataset]]] = [
    (
        Kind.TOO_MANY_REQUESTS,
        Severity.SERIOUS,
        one(total=total(requests=11137, rps=37.125)),  # 1.5 times as many
        one(total=total(requests=7499, rps=24.997)),  # 1 % more: four standard errors are 2 %
    ),
    (
        Kind.TOO_FEW_REQUESTS,
        Severity.SERIOUS,
        one(total=total(requests=5569, rps=18.5625)),  # three quarters
        one(total=total(requests=7351, rps=24.503)),
    ),
    (
        Kind.REQUESTS_PER_WAIT,
        Severity.WARNING,
        one(total=total(requests=21845, rps=72.816)),  # 50 / (2/3 + 0.02)
        one(total=total(requests=21845, rps=72.816), requests_per_wait=3),
    ),
    (
        Kind.NO_WAIT,
        Severity.WARNING,
        one(total=total(requests=750_000, rps=2500.0)),  # 50 / 0.02
        one(total=total(requests=750_000, rps=2500.0), think_s=0),
    ),
    (
        Kind.THINK_TIME_VARIES,
        Severity.WARNING,
        levels(level(50, 20.0, 24.75), level(100, 22.0, 38.0)),
        levels(level(50, 20.0, 24.75), level(100, 22.0, 49.0)),
    ),
    (
        Kind.NOT_CONCURRENT,
        Severity.SERIOUS,
        one(users=500, recorded=_RECORDED | {"mean_in_flight": 0.5, "peak_in_flight": 4}),
        one(recorded=_RECORDED | {"mean_in_flight": 0.5, "peak_in_flight": 4}),
    ),
    (
        Kind.COUNTED_TWICE,
        Severity.SERIOUS,
        one(think_s=None, total=total(requests=14850, rps=49.5), endpoints=rows(3000, 4425)),
        one(endpoints=rows(3000, 4425)),
    ),
    (
        Kind.TOTALS_DISAGREE,
        Severity.SERIOUS,
        one(endpoints=rows(3000, 4500)),
        one(endpoints=rows(3000, 4400)),
    ),
    (
        Kind.RATE_MISMATCH,
        Severity.WARNING,
        one(duration_s=309),
        one(duration_s=301),
    ),
    (
        Kind.DATASETS_DISAGREE,
        Severity.WARNING,
        two(total=total(requests=7550, rps=25.17)),
        two(total=total(requests=7440, rps=24.8)),
    ),
    (
        Kind.COPIED,
        Severity.SERIOUS,
        [dataset({"monday": load_test(), "tuesday": load_test()})],
        [
            dataset(
                {
                    "monday": load_test(),
                    "tuesday": load_test(total=total(mean_ms=20.1, max_ms=151)),
                }
            )
        ],
    ),
    (
        Kind.HISTORY_DISAGREES,
        Severity.SERIOUS,
        one(stretches=parts(20.0, 20.0, 20.0, 20.0, 20.0, requests=1200)),
        one(stretches=parts(20.0, 20.0, 20.0, 20.0, 20.0, requests=1476)),  # 45 in the ends
    ),
    (
        Kind.HISTORY_INCOMPLETE,
        Severity.NOTE,
        one(stretches=parts(20.0, 20.0, 20.0, 20.0)),
        one(stretches=parts(20.0, 20.0, 20.0, 20.0, 20.0)),
    ),
    (
        Kind.FAILURES_DISAGREE,
        Severity.SERIOUS,
        one(total=total(failures=80), failures_by_status={"500": 60}),
        one(total=total(failures=80), failures_by_status={"500": 60, "503": 20}),
    ),
    (
        Kind.FAILURES_INVERTED,
        Severity.SERIOUS,
        one(total=total(failures=7400), failures_by_status={"500": 25}),
        one(total=total(failures=25), failures_by_status={"500": 25}),
    ),
    (
        Kind.REJECTED,
        Severity.WARNING,
        one(total=total(failures=900), failures_by_status={"429": 900}),
        one(total=total(failures=960), failures_by_status={"429": 60, "500": 900}),
    ),
    (
        Kind.MOSTLY_FAILED,
        Severity.SERIOUS,
        one(total=total(failures=4455), failures_by_status={"500": 4455}),
        one(total=total(failures=3600), failures_by_status={"500": 3600}),
    ),
    (
        Kind.NO_TIME,
        Severity.SERIOUS,
        one(total={"requests": 7500, "rps": 25.0, "mean_ms": 0, "p50_ms": 0, "max_ms": 0}),
        one(total={"requests": 7500, "rps": 25.0, "mean_ms": 0.1, "p50_ms": 0, "max_ms": 1}),
    ),
    (
        Kind.SAME_FAILURE_SHARE,
        Severity.WARNING,
        levels(
            level(50, 20.0, 24.75, total={"failures": 2475}),
            level(100, 22.0, 49.45, total={"failures": 4945}),
        ),
        levels(
            level(50, 20.0, 24.75, total={"failures": 475}),
            level(100, 22.0, 49.45, total={"failures": 4945}),
        ),
    ),
    (
        Kind.FAILURES_NOT_TIMEOUTS,
        Severity.SERIOUS,
        with_timeout(0.15, total=total(failures=3300)),
        with_timeout(0.15, total=total(failures=70)),
    ),
    (
        Kind.TIMEOUT_EXCEEDED,
        Severity.WARNING,
        with_timeout(0.05, total=total()),
        with_timeout(0.09, total=total()),
    ),
    (
        Kind.PLATEAU,
        Severity.WARNING,
        with_timeout(5.0, total=total(**_SATURATED)),
        with_timeout(20.0, total=total(**_SATURATED)),
    ),
    (Kind.POOL_NOT_EXHAUSTED, Severity.WARNING, with_pool(20), with_pool(2)),
    (
        Kind.SATURATED,
        Severity.NOTE,
        one(total=total(**_SATURATED)),
        one(),
    ),
    (
        Kind.THROUGHPUT_FALLS,
        Severity.WARNING,
        levels(level(50, 980.0, 25.0), level(100, 4000.0, 20.0)),
        levels(level(50, 980.0, 25.0), level(100, 3000.0, 24.9)),
    ),
    (
        Kind.RESPONSE_FALLS,
        Severity.WARNING,
        levels(level(50, 100.0, 24.0), level(100, 20.0, 49.5)),
        levels(level(50, 20.5, 24.7), level(100, 20.0, 49.5)),
    ),
    (
        Kind.GENERATOR_LIMIT,
        Severity.SERIOUS,
        levels(level(50, 20.0, 25.0), level(100, 20.5, 25.5)),
        levels(level(50, 20.0, 25.0), level(100, 1920.0, 25.5)),
    ),
    (
        Kind.DRIFT,
        Severity.WARNING,
        one(stretches=parts(12.0, 15.0, 20.0, 25.0, 28.0)),
        one(stretches=parts(20.2, 19.5, 20.6, 19.9, 20.3)),
    ),
    (
        Kind.FROZEN,
        Severity.SERIOUS,
        one(stretches=parts(20.0, 20.0, 20.0, 20.0, None), total=total(requests=5940, rps=19.8)),
        one(stretches=parts(20.0, 20.0, 20.0, 20.0)),  # the history ends before the test
    ),
    (
        Kind.STALL,
        Severity.WARNING,
        one(stretches=parts(20.0, 20.0, None, 20.0, 20.0), total=total(requests=5940, rps=19.8)),
        one(stretches=[*parts(20.0, 20.0, 20.0)[::2], *parts(*[20.0] * 5)[3:]]),  # not its rows
    ),
    (
        Kind.USERS_MISSING,
        Severity.SERIOUS,
        one(think_s=None, **_with_steady(37.5)),
        one(**_with_steady(49.2)),  # some came and went
    ),
    (
        Kind.MOSTLY_RAMP,
        Severity.WARNING,
        one(ramp_s=200, total=total(requests=4950, rps=16.5)),
        one(ramp_s=20),
    ),
    (
        Kind.SEVERAL_LEVELS,
        Severity.WARNING,
        one(
            think_s=None,
            stretches=[
                {"from_s": 0, "until_s": 150, "users": 25, "requests": 1856, "mean_ms": 20},
                {"from_s": 150, "until_s": 300, "users": 50, "requests": 3712, "mean_ms": 20},
            ],
            total=total(requests=5568, rps=18.56),
            ramp_s=None,
        ),
        one(
            stretches=[
                {"from_s": 0, "until_s": 20, "users": 25, "requests": 250, "mean_ms": 20},
                {"from_s": 20, "until_s": 300, "users": 50, "requests": 6930, "mean_ms": 20},
            ],
            total=total(requests=7180, rps=23.933),
            ramp_s=20,
        ),
    ),
    (
        Kind.COORDINATED_OMISSION,
        Severity.WARNING,
        one(
            think_s={"law": "constant_pacing", "period": 2.0},
            total=total(requests=6000, rps=20.0, max_ms=20_000, mean_ms=500.0, p99_ms=19_000),
        ),
        one(
            think_s={"law": "constant_pacing", "period": 2.0},
            total=total(requests=7490, rps=24.96, max_ms=2100),
        ),
    ),
    (
        Kind.RATE_NOT_REACHED,
        Severity.SERIOUS,
        one(users=0, rate=30.0, think_s=None),
        one(users=0, rate=25.0, think_s=None),
    ),
    (
        Kind.RATE_EXCEEDED,
        Severity.SERIOUS,
        one(users=0, rate=20.0, think_s=None),
        one(users=0, rate=23.5, think_s=None),  # 5 % above: within Poisson's and generators' error
    ),
    (
        Kind.FORCED_FLOW,
        Severity.WARNING,
        levels(
            level(50, 20.0, 24.75, endpoints=rows(4000, 6000)),
            level(100, 22.0, 49.45, endpoints=rows(6000, 4000)),
        ),
        levels(
            level(50, 20.0, 24.75, endpoints=rows(4000, 6000)),
            level(100, 22.0, 49.45, endpoints=rows(4080, 5920)),
        ),
    ),
    (
        Kind.SAME_LATENCY,
        Severity.NOTE,
        one(endpoints=rows(2475, 2475, 2475, **_ALIKE)),
        one(endpoints=rows(3712, 3713, **_ALIKE)),
    ),
    (
        Kind.MEAN_IMPOSSIBLE,
        Severity.SERIOUS,
        one(total=total(mean_ms=9.0)),  # half of the requests took 17 ms or more
        one(total=total(mean_ms=13.5)),
    ),
    (
        Kind.UNPRINTABLE,
        Severity.WARNING,
        one(total=total(p95_ms=47.3)),
        of_tool("k6", total=total(p95_ms=47.3)),
    ),
    (
        Kind.FEW_REQUESTS,
        Severity.NOTE,
        one(total=total(p999_ms=120), endpoints=rows(3, p99_ms=80)),
        one(total=total(p999_ms=120), endpoints=rows(100, p99_ms=80)),
    ),
    (
        Kind.CLOCK_BACKWARDS,
        Severity.WARNING,
        recorded(rows_out_of_order=1, largest_backward_step_s=3600.0),
        recorded(rows_out_of_order=0, largest_backward_step_s=0.0),
    ),
    (
        Kind.CLOCK_HOLE,
        Severity.WARNING,
        recorded(longest_gap_s=40.0),
        recorded(longest_gap_s=2.0),
    ),
    (
        Kind.ROWS_OUT_OF_ORDER,
        Severity.NOTE,
        recorded(rows_out_of_order=700, largest_backward_step_s=0.1),
        recorded(rows_out_of_order=0),
    ),
    (
        Kind.ROWS_SKIPPED,
        Severity.WARNING,
        recorded(skipped_rows=200),
        recorded(skipped_rows=0),
    ),
    (
        Kind.ROWS_DUPLICATED,
        Severity.WARNING,
        recorded(duplicate_rows=800),
        recorded(duplicate_rows=20),
    ),
    (
        Kind.MACHINES_DIFFER,
        Severity.WARNING,
        [
            dataset(
                {
                    "old": load_test(machine="x86-64"),
                    "new": load_test(machine="arm64", total=total(mean_ms=20.3, max_ms=99)),
                }
            )
        ],
        [
            dataset(
                {
                    "old": load_test(machine="x86-64"),
                    "new": load_test(machine="x86-64", total=total(mean_ms=20.3, max_ms=99)),
                }
            )
        ],
    ),
]
_NAMES = [str(kind) for kind, *_ in CASES]


def of_severity(findings: tuple[Finding, ...], severity: Severity) -> list[Kind]:
    """Return the kinds of findings that are at least so severe."""
    order = list(Severity)
    worst = order[: order.index(severity) + 1]
    return [finding.kind for finding in findings if finding.severity in worst]


@pytest.mark.parametrize(("kind", "severity", "defective", "near_miss"), CASES, ids=_NAMES)
def test_a_defect_is_found_alone(
    kind: Kind, severity: Severity, defective: list[Dataset], near_miss: list[Dataset]
) -> None:
    """Data with one defect give this finding, at its severity, and no other as severe."""
    found = audited(defective)
    assert of_severity(found, severity) == [kind]
    assert kind not in [finding.kind for finding in audited(near_miss)]
    assert not of_severity(audited(near_miss), Severity.WARNING)


@pytest.mark.parametrize(
    ("by_status", "words"),
    [
        ({"500": 7425}, "status 500: 7,425"),
        ({"0": 7425}, "status 0: 7,425"),
        ({}, "no cause is recorded"),
        ({"x" * 500: 7425}, f"{'x' * 57}...: 7,425"),
    ],
)
def test_failures_alone_are_no_measurement(by_status: dict[str, int], words: str) -> None:
    """A test in which all failed is found by its count, whatever the cause, and is said shortly."""
    (found,) = audited(one(total=total(failures=7425), failures_by_status=by_status))
    assert (found.kind, found.severity) == (Kind.MOSTLY_FAILED, Severity.SERIOUS)
    assert f"({words}): the response times (median 17 ms) are those of failures" in found.what
    assert len(found.what) < 200


@pytest.mark.parametrize("users", [(10.0, 30.0, 40.0), (36.0, 33.0, 20.0), (48.0,)])
def test_a_test_without_a_full_load_misses_no_user(users: tuple[float, ...]) -> None:
    """A ramp, threads that end one by one, a peak that was never kept: no load to miss users of."""
    stretches = [
        part for n, u in enumerate(users) for part in parts(*[20.0] * 5, users=u)[n : n + 1]
    ]
    found = audited(one(think_s=None, ramp_s=None, stretches=stretches))
    assert of_severity(found, Severity.WARNING) == [Kind.MOSTLY_RAMP]


@pytest.mark.parametrize("named", [2, 10])
def test_a_missing_user_is_a_whole_one(named: int) -> None:
    """Of few users, those that come and go are a large share; a whole missing one is found."""

    def found(users: float) -> list[Kind]:
        tests = one(users=named, think_s=None, **_with_steady(users))
        return [finding.kind for finding in audited(tests)]

    assert found(named - 0.5) == []
    assert found(named - 1) == [Kind.USERS_MISSING]


@pytest.mark.parametrize("tool", ["jmeter", "locust"])
def test_idle_threads_may_be_thinking(tool: str) -> None:
    """Without a think time, few requests in flight say nothing of the users."""
    facts = _RECORDED | {"peak_in_flight": 4, "mean_in_flight": 0.5}
    assert audited(of_tool(tool, think_s=None, recorded=facts)) == ()


def test_rejections_are_not_said_twice() -> None:
    """Where most requests were turned away, that is the finding."""
    found = audited(one(total=total(failures=7425), failures_by_status={"403": 7425}))
    assert [finding.kind for finding in found] == [Kind.REJECTED]


def test_every_kind_has_a_case() -> None:
    """No kind of finding is untested."""
    assert {kind for kind, *_ in CASES} == set(Kind)


def test_the_clean_load_test_is_clean() -> None:
    """What the cases above change is silent by itself."""
    assert audited(one()) == ()
