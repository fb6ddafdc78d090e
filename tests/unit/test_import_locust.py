"""Locust's files: what they tell, what they do not, and what people do to them."""

import json
from pathlib import Path

import numpy as np
import pytest

from capsim.errors import InputError
from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.formats import locust, locust_json
from capsim.loadtest.formats.locust_failures import status_of
from capsim.loadtest.recording import Recording

STATS = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,"
    "Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,"
    "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%"
)
HISTORY = (
    "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,"
    "99.99%,100%,Total Request Count,Total Failure Count,Total Median Response Time,"
    "Total Average Response Time,Total Min Response Time,Total Max Response Time,"
    "Total Average Content Size"
)
FAILURES = "Method,Name,Error,Occurrences"


def stats_row(kind: str, name: str, requests: int, failures: int = 0, mean: float = 20.0) -> str:
    """Return a row of the statistics, at 10 requests/s in total."""
    times = "18,20,22,24,30,41,60,80,150,160,170"
    counts = f"{requests},{failures},18,{mean},3.25,168.01,99,{requests / 60},0.0"
    return f"{kind},{name},{counts},{times}"


def history_row(second: int, users: int, requests: int, *, name: str = ",Aggregated") -> str:
    """Return a row of a history whose percentiles are of all requests so far."""
    times = "18,20,22,24,30,41,60,80,150,160,170"
    so_far = f"{requests},{requests // 10},18,{20 + second / 60},3.25,168.01,99"
    return f"{1700000000 + second},{users},{name},10.0,1.0,{times},{so_far}"


def write(folder: Path, **files: list[str]) -> Path:
    """Write the files of one run, by their endings, and return the statistics."""
    for ending, rows in files.items():
        text = "".join(f"{row}\r\n" for row in rows)
        (folder / f"run_{ending}.csv").write_text(text, encoding="utf-8")
    return folder / "run_stats.csv"


def read(path: Path) -> Recording:
    """Read all files of the run that one file is of."""
    return locust.read(locust.siblings(path), Patterns())


def test_the_total_is_never_added_to_the_rows(tmp_path: Path) -> None:
    """The row Aggregated is the total; adding it to the endpoints would count all twice."""
    path = write(
        tmp_path,
        stats=[
            STATS,
            stats_row("GET", "/a/", 400),
            stats_row("POST", "/a/", 200, 60),
            stats_row("", "Aggregated", 600, 60),
        ],
    )
    found = read(path)
    assert found.total is not None
    assert (found.total.requests, found.total.failures) == (600, 60)
    assert [row.endpoint for row in found.rows] == ["GET /a/", "POST /a/"]
    assert found.duration_s == pytest.approx(60)
    assert found.total.p999_ms is None  # of 600 requests, less than one lies above it
    assert found.total.p99_ms == 80
    assert any("No history" in note for note in found.notes)


def test_names_of_old_versions_are_known(tmp_path: Path) -> None:
    """Locust before 1.0 wrote `# requests` and a row `Total`."""
    header = '"Method","Name","# requests","# failures","Median response time",'
    header += '"Average response time","Min response time","Max response time","Requests/s"'
    rows = ['"GET","/",100,2,12,14.5,3,90,10.0', '"None","Total",100,2,12,14.5,3,90,10.0']
    found = read(write(tmp_path, stats=[header, *rows]))
    assert found.total is not None
    assert (found.total.requests, found.total.p50_ms, found.duration_s) == (100, 12, 10)
    assert len(found.rows) == 1


def test_files_of_a_prefix_go_together(tmp_path: Path) -> None:
    """Statistics, history and failures are one test, whichever of them is named."""
    write(
        tmp_path,
        stats=[STATS, stats_row("GET", "/a/", 600, 60), stats_row("", "Aggregated", 600, 60)],
        stats_history=[HISTORY, *(history_row(s, min(50, 10 * s), 10 * s) for s in range(61))],
        failures=[
            FAILURES,
            "GET,/a/,CatchResponseError('create failed: 403'),50",
            "GET,/a/,\"HTTPError('429 Client Error: Too Many Requests for url: /a/')\",8",
            "GET,/a/,ConnectionResetError(104),2",
        ],
        exceptions=["Count,Message,Traceback,Nodes"],
    )
    for ending in ("stats", "stats_history", "failures"):
        found = read(tmp_path / f"run_{ending}.csv")
        assert len(found.sources) == 4
        assert found.failures_by_status == {"403": 50, "429": 8, "ConnectionResetError(104)": 2}
        assert found.history is not None
        assert found.history.users[-1] == 50
        assert "The exceptions file is not read." in found.notes


def test_percentiles_so_far_and_of_the_last_seconds_are_told_apart(tmp_path: Path) -> None:
    """Only without --csv-full-history are the percentiles of a history those of the test so far."""
    rows = [history_row(s, 50, 10 * s) for s in range(61)]
    found = read(write(tmp_path, stats_history=[HISTORY, *rows]).with_name("run_stats_history.csv"))
    assert found.history is not None
    assert "p95" in found.history.so_far_s
    assert np.isnan(found.history.p95_s).all()
    both = [row for s in range(61) for row in (history_row(s, 50, 10 * s, name="GET,/a/"), rows[s])]
    write(tmp_path, stats_history=[HISTORY, *both])
    found = read(tmp_path / "run_stats_history.csv")
    assert found.history is not None
    assert set(found.history.so_far_s) == {"p50"}  # the column of medians is always so far
    assert found.history.p95_s[-1] == pytest.approx(0.041)
    assert [row.endpoint for row in found.rows] == ["GET /a/"]
    assert found.total is not None
    assert found.total.requests == 600


def test_a_window_that_is_not_so_far_is_recognised_by_its_maximum(tmp_path: Path) -> None:
    """Percentiles whose 100 % lies below the maximum so far are of something else."""
    rows = [history_row(s, 50, 10 * s).replace(",170,", ",90,") for s in range(61)]
    found = read(write(tmp_path, stats_history=[HISTORY, *rows]).with_name("run_stats_history.csv"))
    assert found.history is not None
    assert set(found.history.so_far_s) == {"p50"}


def test_a_reset_of_the_statistics_is_noticed(tmp_path: Path) -> None:
    """With --reset-stats the counts begin anew after the ramp; what lies before does not count."""
    rows = [history_row(s, 5 * s, 10 * s) for s in range(11)]
    rows += [history_row(s, 50, 10 * (s - 11)) for s in range(11, 71)]
    found = read(write(tmp_path, stats_history=[HISTORY, *rows]).with_name("run_stats_history.csv"))
    assert found.history is not None
    assert found.history.time_s[-1] == 59
    assert any("reset 11 s after" in note for note in found.notes)


def test_rows_that_were_moved_or_doubled_are_put_right(tmp_path: Path) -> None:
    """A shuffled history with repeated and damaged rows gives the same test, and says so."""
    rows = [history_row(s, 50, 10 * s) for s in range(61)]
    shuffled = [*rows[30:], *rows[:30], rows[5], "1700000061,50,,Aggr", HISTORY]
    found = read(
        write(tmp_path, stats_history=[HISTORY, *shuffled]).with_name("run_stats_history.csv")
    )
    assert found.history is not None
    assert list(found.history.requests) == [10 * s for s in range(61)]
    assert found.recorded.duplicate_rows == 1
    assert found.recorded.rows_out_of_order == 2
    assert found.recorded.skipped_rows == 1


def test_rounded_percentiles_stay_below_the_maximum(tmp_path: Path) -> None:
    """Locust rounds 168 ms up to 170, and 18.4 down to 18: what only rounding made is left out."""
    row = "GET,/,3000,0,18,20.0,18.4,168.01,9,50,0,18,20,22,24,30,41,60,80,170,170,170"
    found = read(write(tmp_path, stats=[STATS, row, row.replace("GET,/", ",Aggregated")]))
    assert found.total is not None
    assert (found.total.p99_ms, found.total.p999_ms, found.total.max_ms) == (80, None, 168.01)
    assert (found.total.min_ms, found.total.p50_ms) == (None, 18)


def test_a_test_that_ends_without_answers_is_as_long_as_its_history(tmp_path: Path) -> None:
    """Locust's rps is up to the last answer: over a hanging test it is too high."""
    rows = [history_row(s, 50, min(600, 10 * s)) for s in range(121)]
    path = write(
        tmp_path, stats=[STATS, stats_row("", "Aggregated", 600)], stats_history=[HISTORY, *rows]
    )
    found = read(path)
    assert found.duration_s == 120
    assert found.total is not None
    assert found.total.rps is None


def test_idle_rows_of_the_web_page_are_no_part_of_the_test(tmp_path: Path) -> None:
    """Before the start and after the stop Locust's web page writes rows without users."""
    rows = [history_row(s, 0, 0) for s in range(100)]
    rows += [history_row(100 + s, 50, 10 * s) for s in range(61)]
    rows += [history_row(161 + s, 0, 600) for s in range(500)]
    found = read(write(tmp_path, stats_history=[HISTORY, *rows]).with_name("run_stats_history.csv"))
    assert found.history is not None
    assert (found.history.time_s[0], found.history.time_s[-1]) == (0, 61)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("HTTPError('503 Server Error: Service Unavailable for url: /orders/404/')", "503"),
        ("CatchResponseError('Failed to reject: 429')", "429"),
        ("CatchResponseError('Got status 500')", "500"),
        ("took 450ms", "took 450ms"),
        ("Error('500 expected, 404 found')",) * 2,
        ("ConnectionRefusedError(111, 'Connection refused')",) * 2,
        ("", "no reason given"),
        ("object at 0x7f31 of order 8812345", "object at ... of order ..."),
    ],
)
def test_a_status_is_read_only_where_one_is_named(error: str, status: str) -> None:
    """The words of an error give one HTTP status, or stay words; times and ids are none."""
    assert status_of(error) == status


def entry(name: str, times: dict[str, int], failures: int = 0) -> dict[str, object]:
    """Return an entry of Locust's JSON."""
    number = sum(times.values())
    return {
        "name": name,
        "method": "GET",
        "last_request_timestamp": 1700000060.0,
        "start_time": 1700000000.0,
        "num_requests": number,
        "num_none_requests": 0,
        "num_failures": failures,
        "total_response_time": sum(float(t) * n for t, n in times.items()),
        "max_response_time": max(map(float, times)),
        "min_response_time": min(map(float, times)),
        "response_times": times,
    }


def test_histograms_of_the_json_give_exact_percentiles(tmp_path: Path) -> None:
    """Rows with histograms are put together into true percentiles, and the total is their sum."""
    path = tmp_path / "run.json"
    rows = [entry("/a/1/", {"5": 90, "140.0": 10}), entry("/a/2/", {"9": 100}, failures=7)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert locust_json.recognises(path.read_text(encoding="utf-8"), path.name)
    found = locust_json.read([path], Patterns())
    (row,) = found.rows
    assert (row.endpoint, row.number_of_names) == ("GET /a/{id}/", 2)
    assert (row.figures.p50_ms, row.figures.p95_ms, row.figures.p99_ms) == (9, 140, 140)
    assert found.total is not None
    assert (found.total.requests, found.total.failures) == (200, 7)
    assert (found.duration_s, found.users) == (60, None)


def test_the_web_page_has_its_own_total_and_errors(tmp_path: Path) -> None:
    """/stats/requests has the total as its last row, and escaped names."""
    row = {"method": "GET", "name": "/a?b&amp;c", "num_requests": 100, "num_failures": 4}
    row |= {"avg_response_time": 12.5, "min_response_time": 2, "max_response_time": 90}
    row |= {"median_response_time": 11, "ninetieth_response_time": 20}
    total = row | {"method": None, "name": "Aggregated"}
    error = {"method": "GET", "name": "/a", "occurrences": 4}
    error |= {"error": "HTTPError(&#x27;502 Server Error"}
    page = {"stats": [row, total], "errors": [error], "user_count": 0, "state": "stopped"}
    path = tmp_path / "requests.json"
    path.write_text(json.dumps(page), encoding="utf-8")
    found = locust_json.read([path], Patterns())
    assert found.total is not None
    assert (found.total.requests, found.total.p90_ms) == (100, 20)
    assert [r.endpoint for r in found.rows] == ["GET /a"]
    assert found.failures_by_status == {"502": 4}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([STATS], "no requests"),
        ([STATS, ",Aggregated,0,0,0,0,0,0,0,0,0" + ",N/A" * 11], "no requests"),
        ([STATS, stats_row("", "Aggregated", 600).replace(",18,20,", ",18,5,")], "cannot decrease"),
        ([STATS, stats_row("", "Aggregated", 600, 900)], "exceeds requests"),
        ([STATS, stats_row("", "Aggregated", 600, mean=900)], "lies above max_ms"),
        ([STATS, stats_row("", "Aggregated", -5)], "requests"),
        ([STATS.replace("Requests/s", "Name"), "x"], "twice"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, rows: list[str], words: str) -> None:
    """Impossible figures end as one line that names the file and the rule."""
    with pytest.raises(InputError, match=words) as refused:
        read(write(tmp_path, stats=rows))
    assert "run_stats.csv" in str(refused.value)


def test_rows_that_are_left_out_are_counted(tmp_path: Path) -> None:
    """Rows without requests, damaged rows of failures, and files that are not read are said."""
    path = write(
        tmp_path,
        stats=[STATS, stats_row("GET", "/a", 600), stats_row("GET", "/b", 0)],
        failures=[FAILURES, "GET,/a,HTTPError('503 Server Error'),many"],
        distribution=["Name,# requests,50%,66%", "/a,600,18,20"],
    )
    found = read(path)
    for words in (
        "Rows with no requests that are left out: 1.",
        "1 rows of the failures file are damaged and left out.",
        "The distribution file is not read.",
    ):
        assert words in found.notes


def test_exchanged_columns_are_no_silent_loss(tmp_path: Path) -> None:
    """Failures of no requests were rows that vanished; they are refused by name."""
    exchanged = STATS.replace("Request Count,Failure Count", "Failure Count,Request Count")
    path = write(tmp_path, stats=[exchanged, stats_row("GET", "/a", 600)])
    with pytest.raises(InputError, match="more failures than requests"):
        read(path)
