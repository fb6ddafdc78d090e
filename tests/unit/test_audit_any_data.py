"""Whatever a dataset holds, an audit ends with findings, finite numbers and no traceback."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from capsim.errors import InputError
from capsim.loadtest.audit import audited, unchecked
from capsim.loadtest.observations import Dataset, load_dataset
from capsim.report import audit as report

_TIMES = ("min_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")
_positive = st.one_of(st.floats(1e-6, 1e9), st.sampled_from([1.0, 60.0, 300.0]))
_users = st.one_of(st.floats(1e-6, 1e6), st.sampled_from([0.0, 1.0, 50.0]))
_mean = st.one_of(st.just(0.0), st.floats(1e-9, 1e5))
_milliseconds = st.one_of(st.just(0.0), st.floats(1e-9, 1e7))
_think = st.one_of(
    st.none(),
    _mean,
    st.builds(lambda mean: {"law": "exponential", "mean": mean}, _mean),
    st.builds(lambda mean: {"law": "constant_pacing", "period": mean}, _mean),
    st.builds(lambda low: {"law": "uniform", "low": low, "high": low + 1}, st.floats(0, 100)),
)


@st.composite
def figures(draw: st.DrawFn) -> dict[str, Any]:
    """Return any figures that do not contradict themselves."""
    times = sorted(draw(st.lists(_milliseconds, min_size=7, max_size=7)))
    found: dict[str, Any] = {
        name: value for name, value in zip(_TIMES, times, strict=True) if draw(st.booleans())
    }
    if draw(st.booleans()):
        found["mean_ms"] = min(draw(_milliseconds), found.get("max_ms", 1e7))
    if draw(st.booleans()):
        found["rps"] = draw(_positive)
    if draw(st.booleans()):
        found["requests"] = draw(st.integers(1, 10**9))
        found["failures"] = draw(st.integers(0, found["requests"]))
    return found


@st.composite
def stretches(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return any stretches, one after another."""
    edges = sorted(draw(st.sets(st.integers(0, 1000), min_size=2, max_size=6)))
    return [
        {"from_s": begin, "until_s": end, "users": draw(st.one_of(st.none(), _users))}
        | draw(figures())
        for begin, end in pairwise(edges)
    ]


@st.composite
def load_tests(draw: st.DrawFn) -> dict[str, Any]:
    """Return any load test."""
    parts = draw(stretches())
    recorded = {
        "rows": draw(st.integers(0, 10**6)),
        "skipped_rows": draw(st.integers(0, 10)),
        "duplicate_rows": draw(st.integers(0, 10**6)),
        "rows_out_of_order": draw(st.integers(0, 10)),
        "largest_backward_step_s": draw(st.floats(0, 1e5)),
        "longest_gap_s": draw(st.floats(0, 1e5)),
        "peak_in_flight": draw(st.integers(0, 100)),
        "mean_in_flight": draw(st.floats(0, 100)),
    }
    found: dict[str, Any] = {
        "source": "any",
        "users": draw(st.sampled_from([0, 1, 50, 100, 1000])),
        "rate": draw(_positive),
        "duration_s": draw(_positive),
        "total": draw(figures()),
        "think_s": draw(_think),
        "requests_per_wait": draw(st.sampled_from([1, 2, 0.5])),
        "ramp_s": draw(st.one_of(st.none(), st.floats(0, 1e4))),
        "failures_by_status": draw(
            st.dictionaries(st.sampled_from(["403", "500", "x 429"]), st.integers(1, 1000))
        ),
        "machine": draw(st.sampled_from(["", "a", "b"])),
        "windows": [{"until_s": draw(_positive)} | draw(figures()) for _ in range(2)],
        "stretches": parts,
        "endpoints": {
            name: {"request_classes": ["page"]} | draw(figures())
            for name in draw(st.sampled_from([(), ("a", "b"), ("a", "b", "c")]))
        },
    }
    optional = {"steady": parts[0], "recorded": recorded}
    return found | {name: value for name, value in optional.items() if draw(st.booleans())}


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # examples this large shrink for minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@given(tests=st.lists(load_tests(), min_size=1, max_size=3), tool=st.sampled_from(["locust", "k6"]))
def test_any_dataset_can_be_audited(tests: list[dict[str, Any]], tool: str) -> None:
    """Zeros, giants and gaps in the figures end in findings whose numbers are finite."""
    content = {
        "source": "any",
        "tool": tool,
        "configured": {"pool_size": 10, "timeout_s": 5},
        "load_tests": {f"users-{number}": test for number, test in enumerate(tests)},
    }
    datasets = [Dataset.model_validate(content | {"name": name}) for name in ("here", "there")]
    found = audited(datasets)
    for finding in found:
        assert all(math.isfinite(value) for value in finding.numbers.values()), finding
        assert not {"nan", "inf"} & set(finding.what.replace("(", " ").split()), finding.what
    made = report.Audit.of(datasets, found, unchecked(datasets))
    assert report.as_csv(made).count("severity") == 1
    assert report.as_json(made)["load_tests"] == 2 * len(tests)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("duration_s = 100", "duration_s = 1e300", "duration_s"),
        ("p50_ms = 50", "p50_ms = 50, max_ms = 1e300", "max_ms"),
        ("p50_ms = 50", "p50_ms = 50, rps = 1e300", "rps"),
        ("think_s = 1", "think_s = 1e300", "nobody thinks for 30 years"),
        ("think_s = 1", "think_s = 1e-300", "write 0 for no waiting"),
        ("think_s = 1", "requests_per_wait = 1e-300", "requests_per_wait"),
        (
            "think_s = 1",
            "stretches = [{ from_s = 0, until_s = 9, users = 1e-300 }]",
            "no mean number of users",
        ),
    ],
)
def test_what_nobody_measured_is_refused(old: str, new: str, named: str, tmp_path: Path) -> None:
    """A figure whose square is no number ends at the border, with its key."""
    text = """
name = "any"
source = "made up"
tool = "exact"
[load_tests.a]
source = "made up"
users = 10
duration_s = 100
think_s = 1
total = { requests = 900, p50_ms = 50 }
"""
    path = tmp_path / "any.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=named):
        load_dataset(path)
