"""`capsim simulate --summary-only`: the same report without the requests, and what is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from capsim.metrics.times import HISTOGRAM_ERROR

Run = Callable[..., Any]
TINY = ("simulate", "--model", "tiny.toml")


def test_the_same_report_but_for_percentiles(run: Run) -> None:
    """Every figure is the same; percentiles are within what the output says."""
    whole = json.loads(run(*TINY, "--format", "json").out)
    found = json.loads(run(*TINY, "--summary-only", "--format", "json").out)
    assert found.pop("percentile_error") == HISTOGRAM_ERROR
    exact, rough = whole.pop("metrics"), found.pop("metrics")
    assert found == whole
    assert rough == pytest.approx(exact, rel=HISTOGRAM_ERROR)
    assert {n: v for n, v in rough.items() if n[0] != "p"} == pytest.approx(
        {n: v for n, v in exact.items() if n[0] != "p"}, rel=1e-12
    )


def test_the_error_is_said(run: Run) -> None:
    """No percentile of a histogram is shown without how exact it is, in any format."""
    assert "within 0.1 %" in run(*TINY, "--summary-only").out
    assert "within 0.1 %" not in run(*TINY).out
    table = run(*TINY, "--summary-only", "--format", "csv").out
    assert table.startswith("metric,value\nrps,")
    assert "percentile_error,0.001" in table


@pytest.mark.parametrize("option", [("--timeline",), ("--export", "run")])
def test_what_needs_the_requests_is_refused(option: tuple[str, ...], run: Run) -> None:
    """By its name, before any work."""
    result = run(*TINY, "--summary-only", *option)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert f"{option[0]}: needs the requests, which --summary-only does not keep" in result.err


def test_several_runs_are_refused(run: Run) -> None:
    """Means over runs keep no requests anyway."""
    result = run(*TINY, "--summary-only", "--replications", "2")
    assert (result.code, result.out) == (2, "")
    assert "--summary-only: is about one run" in result.err
