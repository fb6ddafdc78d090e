"""A simulated run as Locust's files: columns, rules of rounding and windows, what is counted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import small_load_tests as small
from capsim.errors import InputError
from capsim.loadtest.locust_export import locust_files, write_locust_files
from capsim.loadtest.locust_rules import (
    LEVELS,
    Logged,
    current_percentiles_ms,
    current_rates,
    rounded_ms,
    totals,
)
from capsim.metrics.run import Run

PERCENTILES = ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"]
DEVELOPMENT = {"kind": "development"}


def logged(end_s: Any, response_ms: Any, *, failed: Any = False, name: str = "") -> Logged:
    """Return a row of statistics; the total where it has no name."""
    ends = np.asarray(end_s, dtype=float)
    return Logged(
        method="SIM" if name else "",
        name=name or "Aggregated",
        end_s=ends,
        response_ms=np.broadcast_to(np.asarray(response_ms, dtype=float), ends.shape),
        failed=np.broadcast_to(np.asarray(failed), ends.shape),
    )


def some_requests() -> Run:
    """Return a run of 8.5 s: three good answers, two 403, one still in flight at the end."""
    requests = {
        "page": {"delay_s": 0.25},
        "denied": {"delay_s": 0.0125, "rejected": 1.0},
        "export": {"delay_s": 60.0},
    }
    scenario = small.at(page=[1.0, 2.5, 7.5], denied=[0.5, 1.0], export=[3.0])
    return small.run(DEVELOPMENT, requests, {"duration_s": 8.5, **scenario})


def tables(run: Run, folder: Path, **options: bool) -> list[pd.DataFrame]:
    """Write a run's files and read them as a tool would: stats, history and failures."""
    paths = write_locust_files(run, folder / "run", **options)
    return [pd.read_csv(path, keep_default_na=False) for path in paths]


def test_columns_are_locusts(tmp_path: Path) -> None:
    """Every file has the columns of Locust 2 up to 2.43, in their order."""
    stats, history, failures = tables(some_requests(), tmp_path)
    times = ["Median Response Time", "Average Response Time", "Min Response Time"]
    times += ["Max Response Time", "Average Content Size"]
    counts = ["Request Count", "Failure Count"]
    assert [*stats] == ["Type", "Name", *counts, *times, "Requests/s", "Failures/s", *PERCENTILES]
    begin = ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"]
    assert [*history] == [*begin, *PERCENTILES, *(f"Total {name}" for name in (*counts, *times))]
    assert [*failures] == ["Method", "Name", "Error", "Occurrences"]


def test_statistics_are_those_of_the_run(tmp_path: Path) -> None:
    """Rows in order of name, the total last; what is in flight at the end is not counted."""
    stats, _, failures = tables(some_requests(), tmp_path)
    assert stats["Name"].tolist() == ["denied", "page", "Aggregated"]
    assert stats["Type"].tolist() == ["SIM", "SIM", ""]
    assert stats["Request Count"].tolist() == [2, 3, 5]
    assert stats["Failure Count"].tolist() == [2, 0, 2]
    mean = (2 * 12.5 + 3 * 250) / 5
    assert stats["Average Response Time"].tolist() == pytest.approx([12.5, 250, mean])
    assert stats["Min Response Time"].tolist() == pytest.approx([12.5, 250, 12.5])
    assert stats["Max Response Time"].tolist() == pytest.approx([12.5, 250, 250])
    assert stats["Requests/s"].tolist() == pytest.approx([2 / 7.75, 3 / 7.75, 5 / 7.75])
    assert failures.to_numpy().tolist() == [["SIM", "denied", "HTTPError('403 Client Error')", 2]]


def test_totals_are_those_of_the_summary(tmp_path: Path) -> None:
    """Counts, mean and slowest of closed users equal those that every report shows."""
    users = small.users(5, 0.1, 10.0)
    run = small.run(
        DEVELOPMENT, {"work": {"app_cpu_s": {"law": "exponential", "mean": 0.04}}}, users
    )
    total = tables(run, tmp_path)[0].iloc[-1]
    summary = run.summary()
    assert total["Request Count"] == summary.requests > 100
    assert total["Average Response Time"] == pytest.approx(1000 * summary.mean_s)
    assert total["Max Response Time"] == pytest.approx(1000 * summary.max_s)
    assert total["95%"] == pytest.approx(1000 * summary.percentiles["p95_s"], rel=0.05)


def test_history_has_a_row_a_second(tmp_path: Path) -> None:
    """From the start, when nothing is known, to the second of the end, which has everything."""
    _, history, _ = tables(some_requests(), tmp_path)
    assert history["Timestamp"].tolist() == list(range(10))
    assert history["Total Request Count"].tolist() == [0, 1, 3, 4, 4, 4, 4, 4, 5, 5]
    assert set(history.loc[0, PERCENTILES]) == {"N/A"}
    assert history.loc[9, "Total Median Response Time"] == 250
    assert set(history["Name"]) == {"Aggregated"}


def test_history_counts_users(tmp_path: Path) -> None:
    """Users who have come are counted, none at the very start, as Locust sees it."""
    scenario = {**small.users(6, 1.0, 5.0), "spawn_rate": 2}
    run = small.run(DEVELOPMENT, {"work": {"delay_s": 0.1}}, scenario)
    _, history, _ = tables(run, tmp_path)
    assert history["User Count"].tolist() == [0, 2, 4, 6, 6, 6]


def test_full_history_has_every_class_from_its_first_answer_on(tmp_path: Path) -> None:
    """Request classes have rows beside the total, like with --csv-full-history."""
    _, history, _ = tables(some_requests(), tmp_path, full_history=True)
    assert history.groupby("Name").size().to_dict() == {"Aggregated": 10, "denied": 9, "page": 8}


@pytest.mark.parametrize(
    ("taken", "kept"),
    [
        *((0.4, 0), (0.5, 0), (1.5, 2), (99.4, 99), (99.6, 100), (104.9, 100), (147, 150)),
        *((994.9, 990), (3432, 3400), (9951, 10_000), (58_760, 59_000)),
    ],
)
def test_two_digits_of_a_response_time(taken: float, kept: int) -> None:
    """Response times are rounded as Locust rounds them; its own examples are among these."""
    assert rounded_ms(np.array([taken])).tolist() == [kept]


def test_percentiles_and_median_by_locusts_rule() -> None:
    """The share asked for lies below a percentile; of two middle values the lower is the median."""
    ten = totals(logged(np.arange(10.0), np.arange(1.0, 11.0)), np.array([4.0, 9.0]))
    assert ten.median_ms.tolist() == [3, 5]
    expected = [[3, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5], [6, 7, 8, 9, 10, 10, 10, 10, 10, 10, 10]]
    assert ten.percentiles_ms.tolist() == expected


def test_median_stays_between_fastest_and_slowest() -> None:
    """One request of 6.75 ms has that median, though it counts as one of 7 ms."""
    one = totals(logged([0.5], 6.75), np.array([1.0]))
    assert one.median_ms.tolist() == [6.75]
    assert one.percentiles_ms.tolist() == [[7] * len(LEVELS)]


def test_current_rates_leave_out_the_last_seconds() -> None:
    """Ten whole seconds that end two before the last request; fewer at first, then none at all."""
    steady = logged(np.arange(0.25, 30, 0.5), 5.0, failed=np.tile([True, False], 30))
    late = logged([5.5, 5.6], 5.0, name="late")
    times = np.array([0.0, 2.0, 4.0, 20.0])
    requests, failures = current_rates(steady, steady, times)
    assert requests.tolist() == [0, 0, 2, 2]
    assert failures.tolist() == [0, 0, 1, 1]
    assert current_rates(late, steady, np.array([8.0, 9.0, 20.0]))[0].tolist() == [
        0.0,  # the window ends with second 4
        pytest.approx(2 / 6),
        0.0,
    ]


def test_current_percentiles_forget() -> None:
    """Slow requests count for about ten seconds; before two are over, nothing is known."""
    times = np.arange(0.5, 40)
    slow = np.where((times > 10) & (times < 12), 900.0, 5.0)
    median = current_percentiles_ms(logged(times, slow), np.arange(41.0))
    assert median[:2, 0].tolist() == [0, 0]
    assert (median[[2, 11, 21, 40], -1] == [5, 900, 5, 5]).all()
    slowest = np.flatnonzero(median[:, -1] == 900)
    assert (slowest[0], slowest[-1]) == (11, 20)


def test_nothing_answered(tmp_path: Path) -> None:
    """Without an answer there are no percentiles, and the total is all zero."""
    run = small.run(DEVELOPMENT, {"work": {"delay_s": 60.0}}, small.users(2, 1.0, 3.0))
    stats, history, failures = tables(run, tmp_path)
    assert stats["Name"].tolist() == ["Aggregated"]
    assert set(stats.loc[0, PERCENTILES]) == {"N/A"}
    assert set(stats.loc[0, ["Request Count", "Requests/s", "Max Response Time"]]) == {0}
    assert len(history) == 4
    assert failures.empty


def test_late_answers_fail_in_words(tmp_path: Path) -> None:
    """An answer that comes too late for the client is a failure, and no HTTP status."""
    scenario = {**small.users(1, 0.1, 2.0), "client": {"slower_than_s": 0.05}}
    run = small.run(DEVELOPMENT, {"work": {"delay_s": 0.1}}, scenario)
    _, _, failures = tables(run, tmp_path)
    assert failures["Error"].tolist() == ["slower_than_limit"]


def test_a_class_called_like_the_total_is_refused() -> None:
    """Two rows `Aggregated` would be told apart by no tool."""
    scenario = {"duration_s": 2.0, **small.at(Aggregated=[0.5])}
    run = small.run(DEVELOPMENT, {"Aggregated": {"delay_s": 0.1}}, scenario)
    with pytest.raises(InputError, match=r"requests\.Aggregated: .* rename the class"):
        locust_files(run)


@pytest.mark.parametrize("prefix", ["", "out/", ".", "nowhere/run"])
def test_places_that_cannot_be_written(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prefix that is a folder, or in none, is refused, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        write_locust_files(some_requests(), prefix)
    assert not list(tmp_path.iterdir())
