"""Summaries of k6, wrk, hey and vegeta: what they tell, and no more."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capsim.errors import InputError
from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.formats import hey, k6_summary, vegeta, wrk
from capsim.loadtest.formats.detect import format_of
from capsim.loadtest.formats.report_text import milliseconds
from capsim.loadtest.recording import Recording

TREND = {"avg": 14.5, "min": 2.5, "med": 11.0, "max": 320.0, "p(90)": 30.0, "p(95)": 44.0}
WRK = """$ wrk -t2 -c100 -d30s --latency http://127.0.0.1:8000/orders/17
Running 30s test @ http://127.0.0.1:8000/orders/17
  2 threads and 100 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    20.50ms   12.00ms   1.02s    93.69%
    Req/Sec     2.45k    80.00     2.60k    86.54%
  Latency Distribution
     50%  950.00us
     75%   21.00ms
     90%   35.00ms
     99%  120.00ms
  120000 requests in 30.02s, 17.76MB read
{errors}Requests/sec:   4000.00
Transfer/sec:    606.33KB
"""
HEY = """
Summary:
  Total:\t20.0000 secs
  Slowest:\t0.1857 secs
  Fastest:\t0.0031 secs
  Average:\t0.0311 secs
  Requests/sec:\t500.0000

Response time histogram:
  0.003 [1]\t|
  0.186 [9999]\t|■■■

Latency distribution:
  10% in 0.0088 secs
  50% in 0.0260 secs
  95%% in 0.0760 secs
  99% in 0.1077 secs

Details (average, fastest, slowest):
  DNS+dialup:\t0.0000 secs, 0.0031 secs, 0.1857 secs

Status code distribution:
  [200]\t9900 responses
  [404]\t60 responses
  [503]\t40 responses
"""
VEGETA = """Requests      [total, rate, throughput]         1200, 120.10, 65.87
Duration      [total, attack, wait]             10.095s, 9.992s, 102.9ms
Latencies     [min, mean, 50, 90, 95, 99, max]  90.4ms, 113.1ms, 108.2ms, 140.1ms, 247.7ms, 264.8ms, 1m0.5s
Bytes In      [total, mean]                     3714690, 3095.57
Success       [ratio]                           55.42%
Status Codes  [code:count]                      0:35  200:665  500:500
Error Set:
500 Internal Server Error
"""  # noqa: E501 (as vegeta prints it)

Read = Callable[[str], Recording]


@pytest.fixture(name="read")
def _read(tmp_path: Path) -> Read:
    """Return a function that writes a report and reads it by the format that recognises it."""

    def read(text: str) -> Recording:
        path = tmp_path / "report.out"
        path.write_text(text, encoding="utf-8")
        form = format_of(path)
        assert form is not None
        return form.reader.read([path], Patterns())

    return read


def legacy(failed: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a summary as --summary-export writes it."""
    return {
        "root_group": {"name": "", "checks": {"ok": {"passes": 990, "fails": 10}}},
        "metrics": {
            "http_req_duration": TREND,
            "http_req_duration{expected_response:true}": TREND | {"avg": 9.0},
            "http_reqs": {"count": 1000, "rate": 33.25},
            "http_req_failed": failed or {"passes": 40, "fails": 960, "value": 0.04},
            "checks": {"passes": 990, "fails": 10, "value": 0.99},
            "vus": {"value": 1, "min": 1, "max": 10},
            "vus_max": {"value": 10, "min": 10, "max": 10},
        },
    }


def with_values() -> dict[str, Any]:
    """Return the same as handleSummary gets it."""
    metrics = dict(legacy()["metrics"])
    metrics["http_req_failed"] = {"passes": 40, "fails": 960, "rate": 0.04}
    made = {name: {"type": "?", "values": values} for name, values in metrics.items()}
    return {"metrics": made, "state": {"testRunDurationMs": 30075.2}, "options": {}}


def machine_readable() -> dict[str, Any]:
    """Return the same in the form of k6 1.5."""
    metrics = dict(legacy()["metrics"])
    metrics["http_req_failed"] = {"matches": 40, "total": 1000, "rate": 0.04}
    metrics["http_reqs"] = {"count": 1000}
    listed = [{"name": n, "type": "?", "values": v} for n, v in metrics.items()]
    return {
        "version": "1.0.0",
        "config": {"duration": 30.0752},
        "metadata": {"k6_version": "1.5.0"},
        "results": {"metrics": listed},
    }


@pytest.mark.parametrize("form", [legacy, with_values, machine_readable])
def test_all_forms_of_k6_say_the_same(form: Callable[[], dict[str, Any]], read: Read) -> None:
    """`passes` of http_req_failed are failed requests, in each form; checks are none."""
    found = read(json.dumps(form(), indent=1))
    assert found.total is not None
    assert (found.total.requests, found.total.failures) == (1000, 40)
    assert (found.total.mean_ms, found.total.p50_ms, found.total.p95_ms) == (14.5, 11, 44)
    assert found.duration_s == pytest.approx(30.0752)
    assert (found.users, found.rows) == (10, ())
    assert any("Between 1 and 10 virtual users" in note for note in found.notes)
    assert found.asks == {"users": "10, the most that ran, is taken for the number of users."}


def test_a_share_of_failures_that_contradicts_its_count_is_refused(read: Read) -> None:
    """A summary in which passes and fails were exchanged is not believed."""
    with pytest.raises(InputError, match="http_req_failed"):
        read(json.dumps(legacy({"passes": 960, "fails": 40, "value": 0.04})))


def test_tagged_metrics_of_k6_are_endpoints(read: Read) -> None:
    """Thresholds on a name or URL make k6 keep its figures; its counts need a tag of their own."""
    summary = legacy()
    summary["metrics"]["http_req_duration{name:GET /orders/17/}"] = TREND
    summary["metrics"]["http_reqs{name:GET /orders/17/}"] = {"count": 600, "rate": 20}
    summary["metrics"]["http_req_duration{status:200}"] = TREND
    summary["metrics"]["http_req_duration{name:GET /never}"] = TREND
    summary["metrics"]["http_reqs{name:GET /never}"] = {"count": 0, "rate": 0}
    found = read(json.dumps(summary))
    assert "Tagged metrics with no requests that are left out: 1." in found.notes
    (row,) = found.rows
    assert (row.endpoint, row.figures.requests, row.figures.failures) == (
        "GET /orders/{id}/",
        600,
        None,
    )


def test_a_test_of_k6_with_dropped_iterations_had_a_rate(read: Read) -> None:
    """Virtual users of a test with an arrival rate are no load that the test asked for."""
    summary = legacy()
    summary["metrics"]["dropped_iterations"] = {"count": 10, "rate": 0.3}
    found = read(json.dumps(summary))
    assert found.users is None
    assert "--rate" in found.asks["rate"]


def test_wrk_tells_units_connections_and_failures(read: Read) -> None:
    """Times are in the unit that stands behind them; connections are the users."""
    found = read(WRK.format(errors="  Non-2xx or 3xx responses: 60\n"))
    assert found.total is not None
    assert (found.total.requests, found.total.failures, found.users) == (120_000, 60, 100)
    assert (found.total.mean_ms, found.total.max_ms) == (20.5, 1020)
    assert (found.total.p50_ms, found.total.p90_ms, found.total.p99_ms) == (0.95, 35, 120)
    assert found.duration_s == 30
    assert found.rows[0].endpoint == "http://127.0.0.1:8000/orders/{id}"
    assert read(WRK.format(errors="")).failures_by_status == {}


def test_timeouts_of_wrk_take_what_they_could_move(read: Read) -> None:
    """Requests beyond the timeout are missing among the latencies: no mean, no far percentile."""
    errors = "  Socket errors: connect 0, read 3, write 0, timeout 1000\n"
    found = read(WRK.format(errors=errors))
    assert found.total is not None
    assert (found.total.mean_ms, found.total.max_ms, found.total.p99_ms) == (None, None, None)
    assert (found.total.p50_ms, found.total.p90_ms) == (0.95, 35)
    assert any("timeout 1000" in note for note in found.notes)


def test_wrk2_has_a_rate_that_it_does_not_print(read: Read) -> None:
    """wrk2 is an open test: its connections are no users."""
    text = WRK.format(errors="").replace("  Thread Stats", "  Thread calibration: mean lat.: 1ms\n")
    text = text.replace("Latency Distribution", "Latency Distribution (HdrHistogram - Recorded)")
    found = read(text.replace("50%  950.00us", "50.000%  950.00us"))
    assert found.users is None
    assert found.total is not None
    assert found.total.p50_ms == 0.95


def test_questions_are_apart_from_notes(read: Read) -> None:
    """What a report asks for stands by its option, so that it can be left out when it is given."""
    assert set(read(HEY).asks) == {"users"}
    assert set(read(WRK.format(errors="")).asks) == {"users", "think"}
    assert not any("give --" in note for note in read(HEY).notes)


def test_hey_tells_failures_by_status(read: Read) -> None:
    """A status from 400 on is a failure; percentiles are in milliseconds."""
    found = read(HEY)
    assert found.total is not None
    assert (found.total.requests, found.total.failures) == (10_000, 100)
    assert found.failures_by_status == {"404": 60, "503": 40}
    assert (found.total.mean_ms, found.total.p50_ms, found.total.p95_ms) == (31.1, 26, 76)
    assert (found.duration_s, found.users) == (20, None)


def test_requests_of_hey_without_an_answer_are_failures(read: Read) -> None:
    """Errors count as requests that failed, and their times are not known."""
    text = HEY + '\nError distribution:\n  [900]\tGet "http://x/": dial tcp: connection refused\n'
    found = read(text)
    assert found.total is not None
    assert (found.total.requests, found.total.failures) == (10_900, 1000)
    assert (found.total.mean_ms, found.total.p50_ms, found.total.p95_ms) == (None, None, None)


def test_vegeta_is_an_open_test(read: Read) -> None:
    """It has a rate and no users; statuses outside of 200 to 399 are failures."""
    found = read(VEGETA)
    assert found.total is not None
    assert (found.total.requests, found.total.failures) == (1200, 535)
    assert found.failures_by_status == {"no answer": 35, "500": 500}
    assert (found.total.p99_ms, found.total.max_ms) == (264.8, 60_500)
    assert (found.rate, found.users, found.duration_s) == (120.1, None, 9.992)


def test_both_forms_of_vegeta_say_the_same(read: Read) -> None:
    """The JSON is in nanoseconds."""
    times = {"mean": 113.1, "50th": 108.2, "90th": 140.1, "95th": 247.7, "99th": 264.8}
    times |= {"min": 90.4, "max": 60_500.0}
    tree = {
        "latencies": {name: value * 1e6 for name, value in times.items()},
        "duration": 9_992_000_000,
        "requests": 1200,
        "rate": 120.1,
        "status_codes": {"0": 35, "200": 665, "500": 500},
        "errors": [],
    }
    assert read(json.dumps(tree)).total == read(VEGETA).total


@pytest.mark.parametrize(
    ("written", "ms"), [("12.5ms", 12.5), ("1m2.5s", 62_500), ("250us", 0.25), ("3µs", 0.003)]
)
def test_times_are_read_with_their_unit(written: str, ms: float) -> None:
    """A time may have several parts, as Go prints it."""
    assert milliseconds(written, "x", "y") == pytest.approx(ms)


@pytest.mark.parametrize(
    "text",
    [
        WRK.format(errors="")[:200],
        WRK.format(errors="") * 2,
        WRK.format(errors="").replace("20.50ms", "fast"),
        HEY[:120],
        HEY * 2,
        VEGETA.replace("1200,", "many,"),
        VEGETA * 2,
        VEGETA[:300],
        json.dumps(legacy())[:-3],
        json.dumps(legacy()).replace('"count": 1000', '"count": "many"'),
        json.dumps({"root_group": {}, "metrics": {}}),
        json.dumps({"root_group": {}, "metrics": []}),
        '{"latencies": {"50th": 1}, "requests": NaN}',
        '[{"num_requests": 1e400, "num_failures": 0}]',
        '{"stats": {"num_requests": 1, "num_failures": 0}}',
        '[{"num_requests": 5, "num_failures": 9, "name": "/"}]',
        '[{"num_requests": 5, "num_failures": 0, "response_times": {"x": 1}}]',
    ],
)
def test_broken_reports_end_as_one_line(text: str, read: Read) -> None:
    """A cut, doubled or garbled report is refused with its name, whatever is wrong in it."""
    with pytest.raises(InputError, match=r"report\.out"):
        read(text)


@pytest.mark.parametrize("reader", [k6_summary, wrk, hey, vegeta])
def test_no_format_takes_anything(reader: Any) -> None:
    """A format does not recognise what is not its own."""
    for head in ("", "{}", "[]", "Type,Name\r\n", "# Notes\n\nSummary: fine", "<html>"):
        assert not reader.recognises(head, "results.txt")
