"""From requests to figures: values worked out by hand for a few requests."""

import dataclasses

import numpy as np
import pytest

from capsim.errors import InputError
from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.in_flight import duplicates, longest_gap_s, order_of_rows, peak_in_flight
from capsim.loadtest.recorded import SourceFile
from capsim.loadtest.recording import Recording
from capsim.loadtest.samples import Samples, as_samples, put_together, sound
from capsim.loadtest.samples_summary import Read, recording

SOURCE = SourceFile(name="a.csv", sha256="0" * 64, size_bytes=1)


def requests(
    start_s: list[float], response_s: list[float], users: list[float] | None = None, **more: float
) -> Samples:
    """Requests of two endpoints in turn; those of /b/ fail."""
    turn = np.arange(len(start_s), dtype=np.int32) % 2
    made = as_samples(
        np.array(start_s, float),
        np.array(response_s, float),
        endpoint=turn,
        endpoints=("/a/1/", "/b/"),
        status=turn,
        statuses=("200", "500"),
        failed=turn == 1,
        users=None if users is None else np.array(users, float),
    )
    return dataclasses.replace(made, **more)


def summary(*parts: Samples, skipped: int = 0) -> Recording:
    """The recording of files with these requests."""
    files = [Read(samples=part, rows=len(part) + skipped, skipped=skipped) for part in parts]
    return recording(files, Patterns(), tool="requests", sources=[SOURCE] * len(parts))


def test_figures_of_known_requests() -> None:
    """Counts, mean, extremes and duration are those of the requests; percentiles need more."""
    found = summary(requests([10.0, 10.5, 11.0, 13.0], [0.1, 0.2, 0.3, 0.4]), skipped=2)
    total = found.total
    assert total is not None
    assert (total.requests, total.failures) == (4, 2)
    assert (total.min_ms, total.mean_ms, total.max_ms) == (100.0, 250.0, 400.0)
    assert total.p50_ms is None
    assert found.duration_s == pytest.approx(3.4)
    assert dict(found.failures_by_status) == {"500": 2}
    assert {row.endpoint: row.figures.requests for row in found.rows} == {"/a/{id}/": 2, "/b/": 2}
    assert (found.recorded.rows, found.recorded.skipped_rows) == (6, 2)


def test_percentiles_are_at_the_nearest_rank() -> None:
    """Of 1 to 1000 ms, the p-th percentile is the p-th of the values; 99.9 % has too few above."""
    found = summary(requests([0.01 * i for i in range(1000)], [0.001 * i for i in range(1, 1001)]))
    assert found.total is not None
    assert (found.total.p50_ms, found.total.p95_ms, found.total.p99_ms) == (500.0, 950.0, 990.0)
    assert found.total.p999_ms is None


def test_history_counts_requests_when_they_end() -> None:
    """A request belongs to the second of its end; the last one ends with the test."""
    history = summary(requests([0.0, 0.5, 1.0, 1.5], [0.9, 1.0, 1.9, 1.2])).history
    assert history is not None
    assert history.time_s.tolist() == [1.0, 2.0, 2.9]
    assert history.requests.tolist() == [1.0, 2.0, 4.0]
    assert history.failures.tolist() == [0.0, 1.0, 2.0]
    assert history.mean_s.tolist() == pytest.approx([0.9, 0.95, 1.25])
    assert np.isnan(history.users).all()
    assert np.isnan(history.p50_s).all()


def test_users_are_those_of_the_flat_top() -> None:
    """The ramp does not count; a top that is reached for a moment is none."""
    starts = [0.5 * i for i in range(40)]
    ramp = [min(10.0, 1 + i) for i in range(40)]
    assert summary(requests(starts, [0.1] * 40, ramp)).users == 10
    assert summary(requests(starts, [0.1] * 40, [float(i) for i in range(40)])).users is None


def test_users_of_files_of_one_test_add_up() -> None:
    """Two machines with ten users each were twenty."""
    parts = [requests([0.5 * i for i in range(40)], [0.1] * 40, [10.0] * 40) for _ in range(2)]
    assert summary(*parts).users == 20
    assert len(put_together(tuple(parts))) == 80


def test_requests_in_flight() -> None:
    """Peak and mean follow from starts and ends; one that ends as another starts is gone."""
    samples = requests([0.0, 1.0, 1.5, 3.0], [1.0, 2.0, 0.5, 1.0])
    assert peak_in_flight(samples) == 2
    assert summary(samples).recorded.mean_in_flight == pytest.approx(4.5 / 4)


def test_a_coarse_clock_tells_no_peak() -> None:
    """Whole seconds would put all requests of a second into flight at once, and make gaps."""
    samples = requests([float(i // 50) for i in range(500)], [0.01] * 500, time_step_s=1.0)
    recorded = summary(samples).recorded
    assert recorded.peak_in_flight is None
    assert recorded.duplicate_rows is None
    assert recorded.longest_gap_s == 0.0


def test_rows_are_in_the_order_that_the_tool_kept() -> None:
    """Rows written at the end of requests are in order, though their starts are not."""
    by_end = requests([0.0, 2.0, 1.0], [1.0, 0.5, 3.0])
    assert order_of_rows(by_end).out_of_order == 0
    jumped = requests([5.0, 6.0, 2.0, 3.0], [0.1] * 4)
    assert order_of_rows(jumped).out_of_order == 1
    assert order_of_rows(jumped).largest_step_s == pytest.approx(4.0)


def test_gaps_have_neither_start_nor_end() -> None:
    """A long request is a gap if nothing else happens while it lasts."""
    assert longest_gap_s(requests([0.0, 1.0, 9.0], [0.5, 7.0, 0.1])) == pytest.approx(7.0)


def test_duplicates_are_counted() -> None:
    """A row that stands twice counts once, and rows that differ in one column do not."""
    assert duplicates(requests([0.0, 5.0, 0.0, 5.0, 0.0], [0.123456] * 5)) == 3


def test_times_that_cannot_be_are_damage() -> None:
    """Negative, missing and absurd times are no requests."""
    starts = np.array([0.0, 0.0, np.nan, 1e13, 0.0])
    assert sound(starts, np.array([1.0, -1.0, 1.0, 1.0, 1e10])).tolist() == [True] + [False] * 4


def test_no_request_is_refused() -> None:
    """A file whose rows are all damaged gives no figures."""
    with pytest.raises(InputError, match="no request that can be read"):
        summary(requests([], []), skipped=3)


def test_a_row_from_another_century_does_not_fill_the_memory() -> None:
    """A history has a bounded number of points, however long a test is said to be."""
    history = summary(requests([0.0, 2.5e11], [1.0, 1.0])).history
    assert history is not None
    assert len(history.time_s) <= 100_001
