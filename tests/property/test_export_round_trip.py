"""A run that is exported as Locust's files and imported again has the same statistics."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.figures import Figures
from capsim.loadtest.formats import locust
from capsim.loadtest.locust_export import METHOD, write_locust_files
from capsim.loadtest.recording import Recording
from capsim.loadtest.rounding import rounding_step_s
from capsim.metrics.run import Run, simulate

SHARES = {"p50_ms": 0.5, "p66_ms": 0.66, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}
SIX_DIGITS = 5.1e-6  # that the importer keeps
ROUND_TRIPS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=True,
    phases=[Phase.generate],
)


def there_and_back(run: Run, *, full_history: bool) -> Recording:
    """Export a run and import its files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_locust_files(run, Path(folder) / "run", full_history=full_history)
        return locust.read(paths, Patterns())


def agree(figures: Figures, run: Run, request_classes: set[str] | None) -> None:
    """Check figures against those of the run itself: what is not rounded is equal."""
    trace, summary = run.trace, run.summary(request_classes=request_classes)
    assert figures.requests == summary.requests
    assert figures.failures == round(summary.failure_ratio * summary.requests)
    if summary.max_s == 0:  # Locust writes the same zeros where it timed nothing
        return
    names = np.array(trace.class_names)[trace.request_class]
    mine = trace.final & (trace.end <= trace.horizon_s)
    if request_classes is not None:
        mine &= np.isin(names, list(request_classes))
    times_s = np.sort((trace.end - trace.asked)[mine])
    assert figures.mean_ms == pytest.approx(1000 * summary.mean_s, rel=SIX_DIGITS)
    lowest_ms, highest_ms = 1000 * times_s[0], 1000 * times_s[-1]
    if figures.min_ms is not None:
        assert figures.min_ms == pytest.approx(lowest_ms, rel=SIX_DIGITS, abs=1e-9)
    assert figures.max_ms == pytest.approx(highest_ms, rel=SIX_DIGITS)
    for name, share in SHARES.items():
        if round(len(times_s) * (1 - share), 9) < 1:  # the importer keeps none with nothing above
            continue
        exact_s = float(times_s[int(len(times_s) * share)])
        step_ms, value = 1000 * rounding_step_s("locust", exact_s), getattr(figures, name)
        if value is None:  # rounding put it beyond the slowest request
            assert highest_ms - 1000 * exact_s <= 0.5001 * step_ms
        else:
            assert value == pytest.approx(1000 * exact_s, abs=0.5001 * step_ms)


@ROUND_TRIPS
@given(data=st.data(), full=st.booleans())
def test_importing_an_export_gives_the_same_statistics(
    models: st.SearchStrategy[Any], data: st.DataObject, *, full: bool
) -> None:
    """Totals, classes, failures and the course of any run survive Locust's files."""
    run = simulate(data.draw(models), seed=data.draw(st.integers(0, 99)))
    summary = run.summary()
    assume(summary.requests > 0)
    found = there_and_back(run, full_history=full)
    assert found.tool == "locust"
    assert found.total is not None
    agree(found.total, run, None)
    assert {row.endpoint for row in found.rows} <= {f"{METHOD} a", f"{METHOD} b"}
    for row in found.rows:
        agree(row.figures, run, {row.endpoint.removeprefix(f"{METHOD} ")})
    assert sum(found.failures_by_status.values()) == found.total.failures
    _course_agrees(found, run)


def _course_agrees(found: Recording, run: Run) -> None:
    """Check the history: what had ended by each second, and how many users there were.

    The importer leaves out seconds without users or requests before and after the test.
    """
    history, trace = found.history, run.trace
    if history is None:  # all of it was in one second
        return
    ended = np.sort(trace.end[trace.final & (trace.end <= trace.horizon_s)])
    seconds = np.arange(np.ceil(trace.horizon_s) + 1)
    requests = np.searchsorted(ended, seconds, "right")
    users = np.zeros(len(seconds), dtype=int)
    for source in (source for source in run.plan.sources if not source.open):
        users += np.searchsorted(np.sort(source.starts), seconds)
        users -= np.searchsorted(np.sort(source.stops), seconds)
    begin, count = _place(history.requests, requests), len(history.time_s)
    assert history.time_s.tolist() == list(range(count))
    assert history.users.tolist() == users[begin : begin + count].tolist()
    assert found.total is not None
    assert not requests[:begin].any()
    assert history.requests[-1] == found.total.requests
    assert history.failures[-1] == found.total.failures


def _place(part: np.ndarray, whole: np.ndarray) -> int:
    """Return where one sequence stands in another."""
    places = range(len(whole) - len(part) + 1)
    return next(i for i in places if (whole[i : i + len(part)] == part).all())
