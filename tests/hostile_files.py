"""Small result files of every format, and ways to damage them: what any importer has to survive."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from capsim.cli.output import plain_text
from capsim.loadtest.assembling import Told, assemble, dataset_of
from capsim.loadtest.audit import audited
from capsim.loadtest.dataset_toml import dataset_text
from capsim.loadtest.endpoints import Patterns
from capsim.loadtest.importing import find_runs, read_runs
from capsim.report.imported import WIDTH, renderable

REQUESTS = 40
_JTL = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,"
    "failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect"
)
_K6 = (
    "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,"
    "name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata"
)
_MS = 1_700_000_000_000


def _elapsed(i: int) -> int:
    return 5 + (i * 37) % 90


def jtl_csv() -> str:
    """JMeter's CSV, with a transaction and a message of two lines."""
    rows = [_JTL]
    for i in range(REQUESTS):
        failure = '"expected 200,\ngot 500"' if i == 7 else ""
        status = "500" if i == 7 else "200"
        rows.append(
            f"{_MS + 100 * i},{_elapsed(i)},GET /a/{i},{status},OK,T 1-{i % 4},text,"
            f"{'false' if i == 7 else 'true'},{failure},12,3,4,4,http://h/a/{i},4,0,1"
        )
    message = '"Number of samples in transaction : 2, number of failing samples : 0"'
    rows.append(f"{_MS},90,TX,200,{message},T 1-1,,true,,12,3,4,4,null,4,0,1")
    return "\n".join(rows) + "\n"


def jtl_xml() -> str:
    """JMeter's XML, with parts of samples and a transaction around some."""
    samples = [
        f'<httpSample t="{_elapsed(i)}" lt="4" ts="{_MS + 100 * i}" s="true" lb="GET /a/{i}" '
        f'rc="200" rm="OK" tn="T 1-{i % 4}" ng="4" na="4">'
        f'<httpSample t="3" ts="{_MS}" s="true" lb="redirect" rc="302" rm="Found"/></httpSample>'
        for i in range(REQUESTS)
    ]
    message = "Number of samples in transaction : 20, number of failing samples : 0"
    around = f'<sample t="99" ts="{_MS}" s="true" lb="TX" rc="200" rm="{message}" tn="T 1-1">'
    half = REQUESTS // 2
    body = [around, *samples[:half], "</sample>", *samples[half:]]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n'
        + "\n".join(body)
        + "\n</testResults>\n"
    )


def k6_csv() -> str:
    """What k6 writes: CSV."""
    rows = [_K6]
    for i in range(REQUESTS):
        tags = f",,,,true,,GET,http://h/a/{i},HTTP/1.1,default,,200,,,http://h/a/{i},,"
        at = 1_700_000_000 + i // 10
        rows += [f"http_reqs,{at},1.000000{tags}", f"http_req_duration,{at},{_elapsed(i)}.5{tags}"]
        rows += [f"http_req_failed,{at},0.000000{tags}", f"vus,{at},4.000000" + "," * 16]
    return "\n".join(rows) + "\n"


def k6_stream() -> str:
    """What k6 writes: lines of JSON."""
    rows: list[dict[str, object]] = [
        {"type": "Metric", "data": {"name": "http_req_duration"}, "metric": "http_req_duration"}
    ]
    for i in range(REQUESTS):
        tags = {"expected_response": "true", "method": "GET", "name": f"/a/{i}", "status": "200"}
        at = f"2024-03-05T10:11:{i // 10:02d}.{i % 10}00000123+01:00"
        values = (("http_req_duration", _elapsed(i) + 0.5), ("http_req_failed", 0), ("vus", 4))
        rows += [
            {"metric": name, "type": "Point", "data": {"time": at, "value": value, "tags": tags}}
            for name, value in values
        ]
    return _json_lines(rows)


def _json_lines(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def vegeta_json() -> str:
    """Vegeta's results as JSON."""
    return _json_lines(
        [
            {
                "attack": "",
                "seq": i,
                "code": 200,
                "timestamp": f"2024-03-05T10:11:{i // 10:02d}.{i % 10}00000123Z",
                "latency": _elapsed(i) * 1_000_000,
                "bytes_out": 0,
                "bytes_in": 2,
                "error": "",
                "body": "aGk=",
                "method": "GET",
                "url": f"http://h/a/{i}",
                "headers": {"A": ["b"]},
            }
            for i in range(REQUESTS)
        ]
    )


def vegeta_csv() -> str:
    """Vegeta's results as CSV."""
    return "".join(
        f"{(_MS + 100 * i) * 1_000_000},200,{_elapsed(i)}000000,0,2,,aGk=,,{i},GET,http://h/a,QQ==\n"
        for i in range(REQUESTS)
    )


def hey_csv() -> str:
    """Requests of hey."""
    header = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,"
    rows = [
        f"{_elapsed(i) / 1000:.4f},0.0,0.0,0.0,0.0,0.0,200,{i / 10:.4f}" for i in range(REQUESTS)
    ]
    return header + "offset\n" + "\n".join(rows) + "\n"


def plain_csv() -> str:
    """A table with a row per request."""
    rows = [
        f"{(_MS + 100 * i) / 1000:.3f},{_elapsed(i)}.25,/a/{i},GET,200,4" for i in range(REQUESTS)
    ]
    return "\n".join(["timestamp,response_time_ms,url,method,status,users", *rows]) + "\n"


def plain_dates() -> str:
    """A table with dates, semicolons and quotes."""
    rows = [
        f'"2024-03-05 10:11:{i // 10:02d}.{i % 10}00";{_elapsed(i)};"/a/{i}";true'
        for i in range(REQUESTS)
    ]
    return "\r\n".join(["Start Time;Latency (ms);Path;Success", *rows]) + "\r\n"


_SHARES = "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%"


def locust_stats() -> str:
    """Locust's statistics."""
    header = (
        "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,"
        f"Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,{_SHARES}"
    )
    tail = "5,6.5,3.2,40.1,100.0,{rate},0.0,5,6,7,8,12,16,25,34,38,40,40"
    rows = [f"GET,/a/{i}/,10,0," + tail.format(rate=1.0) for i in range(6)]
    return "\n".join([header, *rows, ",Aggregated,60,0," + tail.format(rate=6.0)]) + "\n"


def locust_history() -> str:
    """Locust's history."""
    header = (
        f"Timestamp,User Count,Type,Name,Requests/s,Failures/s,{_SHARES},Total Request Count,"
        "Total Failure Count,Total Median Response Time,Total Average Response Time,"
        "Total Min Response Time,Total Max Response Time,Total Average Content Size"
    )
    rows = [
        f"{1_700_000_000 + i},{min(4, i)},,Aggregated,6.0,0.0,5,6,7,8,12,16,25,34,38,40,40,"
        f"{6 * i},0,5,6.5,3.2,40.1,100.0"
        for i in range(20)
    ]
    return "\n".join([header, *rows]) + "\n"


def locust_failures() -> str:
    """Locust's failures."""
    return "Method,Name,Error,Occurrences\nGET,/a/1/,\"HTTPError('500 Server Error')\",3\n"


def locust_json() -> str:
    """Locust's JSON."""
    row = {
        "name": "/a/",
        "method": "GET",
        "last_request_timestamp": 1_700_000_010.5,
        "start_time": 1_700_000_000.0,
        "num_requests": 40,
        "num_none_requests": 0,
        "num_failures": 1,
        "total_response_time": 400.5,
        "max_response_time": 40.0,
        "min_response_time": 3.0,
        "total_content_length": 400,
        "response_times": {"5": 20, "12": 15, "40": 5},
        "num_reqs_per_sec": {"1700000000": 20, "1700000001": 20},
        "num_fail_per_sec": {"1700000001": 1},
    }
    return json.dumps([row, row | {"name": "/b/"}], indent=4)


def k6_summary() -> str:
    """What k6 writes: summary, as handleSummary gets it."""
    times = {"avg": 12.5, "min": 3.1, "med": 9.0, "max": 99.9, "p(90)": 30.0, "p(95)": 45.0}
    return json.dumps(
        {
            "root_group": {"name": "", "checks": []},
            "state": {"testRunDurationMs": 10_000.5},
            "metrics": {
                "http_reqs": {"type": "counter", "values": {"count": 400, "rate": 40.0}},
                "http_req_duration": {"type": "trend", "contains": "time", "values": times},
                "http_req_failed": {
                    "type": "rate",
                    "values": {"rate": 0.0, "passes": 0, "fails": 400},
                },
                "vus": {"type": "gauge", "values": {"value": 4, "min": 4, "max": 4}},
            },
        }
    )


def wrk() -> str:
    """A report of wrk."""
    return (
        "Running 10s test @ http://127.0.0.1:8000/\n  2 threads and 10 connections\n"
        "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
        "    Latency     6.35ms    2.10ms  40.01ms   90.00%\n"
        "    Req/Sec   700.10     50.00     0.90k    70.00%\n"
        "  Latency Distribution\n     50%    6.00ms\n     75%    7.00ms\n     90%    9.00ms\n"
        "     99%   20.00ms\n  14000 requests in 10.01s, 2.00MB read\nRequests/sec:   1398.60\n"
        "Transfer/sec:    204.80KB\n"
    )


def hey() -> str:
    """A report of hey."""
    return (
        "\nSummary:\n  Total:\t2.0000 secs\n  Slowest:\t0.0900 secs\n  Fastest:\t0.0010 secs\n"
        "  Average:\t0.0100 secs\n  Requests/sec:\t100.0000\n\nLatency distribution:\n"
        "  50% in 0.0090 secs\n  90% in 0.0200 secs\n  95% in 0.0300 secs\n  99% in 0.0800 secs\n\n"
        "Status code distribution:\n  [200]\t199 responses\n  [500]\t1 responses\n"
    )


def vegeta_text() -> str:
    """Vegeta's report."""
    return (
        "Requests      [total, rate, throughput]         100, 10.10, 10.09\n"
        "Duration      [total, attack, wait]             9.91s, 9.9s, 9.5ms\n"
        "Latencies     [min, mean, 50, 90, 95, 99, max]  1ms, 5ms, 4ms, 8ms, 9ms, 12ms, 20ms\n"
        "Bytes In      [total, mean]                     1000, 10.00\n"
        "Bytes Out     [total, mean]                     0, 0.00\n"
        "Success       [ratio]                           100.00%\n"
        "Status Codes  [code:count]                      200:100\nError Set:\n"
    )


def vegeta_report() -> str:
    """Vegeta's report as JSON."""
    names = {"total": 5e8, "mean": 5e6, "50th": 4e6, "90th": 8e6, "95th": 9e6, "99th": 12e6}
    return json.dumps(
        {
            "latencies": names | {"max": 20e6, "min": 1e6},
            "bytes_in": {"total": 1000, "mean": 10},
            "earliest": "2024-03-05T10:11:00Z",
            "latest": "2024-03-05T10:11:09.9Z",
            "end": "2024-03-05T10:11:09.91Z",
            "duration": 9_900_000_000,
            "wait": 9_500_000,
            "requests": 100,
            "rate": 10.1,
            "throughput": 10.09,
            "success": 1,
            "status_codes": {"200": 100},
            "errors": [],
        }
    )


# Of every format: the name of the file, and a sound one.
FORMS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "jtl_csv": ("run.jtl", jtl_csv),
    "jtl_xml": ("run.xml", jtl_xml),
    "k6_csv": ("run.csv", k6_csv),
    "k6_stream": ("run.json", k6_stream),
    "vegeta_json": ("run.json", vegeta_json),
    "vegeta_csv": ("run.csv", vegeta_csv),
    "hey_csv": ("run.csv", hey_csv),
    "plain_csv": ("run.csv", plain_csv),
    "plain_dates": ("run.csv", plain_dates),
    "locust_stats": ("run_stats.csv", locust_stats),
    "locust_history": ("run_stats_history.csv", locust_history),
    "locust_failures": ("run_failures.csv", locust_failures),
    "locust_json": ("run.json", locust_json),
    "k6_summary": ("run.json", k6_summary),
    "wrk": ("run.txt", wrk),
    "hey": ("run.txt", hey),
    "vegeta_text": ("run.txt", vegeta_text),
    "vegeta_report": ("run.json", vegeta_report),
}

# What stands in place of a number or a word.
_NASTY = [
    *("", "-1", "nan", "NaN", "inf", "-Infinity", "1e308", "1e999", "-0", "9" * 40, "9" * 5000),
    *("1,234", "1.234,56", "12,5", "1_000", "0x10", "1e-320", "18446744073709551616", "0.0"),
    *("null", "true", "{}", "[]", '"', '""', "'", ",", ";", "\\", "\n", "\r", "\x00", "\ufeff"),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2024-02-30", "1970/01/01 00:00:00"),
    *("\x1b[31m", "\u202e", "\ud7ff", "\U0001f600", "\u0661\u0662", "=cmd|' /C calc'!A0", "%s"),
    *("a" * 100_000, "[" * 3000, "{" * 3000, "<a>" * 3000, "&lol;", "<!DOCTYPE a>", "]]>", "<"),
]


def damaged(form: str, random: np.random.Generator) -> bytes:
    """Return a file of a format with some random damage."""
    content = sound(form)
    for _ in range(int(random.integers(1, 4))):
        ways = _BYTES if random.random() < 0.2 else _TEXTS
        content = ways[int(random.integers(len(ways)))](content, random)
    return content


def _cut(content: bytes, random: np.random.Generator) -> bytes:
    return content[: int(random.integers(len(content) + 1))]


def _flipped(content: bytes, random: np.random.Generator) -> bytes:
    data = np.frombuffer(content, np.uint8).copy()
    if len(data):
        places = random.integers(len(data), size=int(random.integers(1, 6)))
        data[places] = random.integers(256, size=len(places))
    return data.tobytes()


def _inserted(content: bytes, random: np.random.Generator) -> bytes:
    place = int(random.integers(len(content) + 1))
    return content[:place] + random.bytes(int(random.integers(1, 40))) + content[place:]


def _encoded(content: bytes, random: np.random.Generator) -> bytes:
    text = content.decode("utf-8", "replace")
    made = [
        text.encode("utf-16"),
        text.encode("utf-16-le"),
        text.encode("latin-1", "replace") + b"\xe9\n",
        text.encode("utf-8-sig"),
        gzip.compress(content, mtime=0),
        gzip.compress(content, mtime=0)[:-9],
        content + bytes(100),
        b"PK\x03\x04" + content,
        random.bytes(200),
    ]
    return made[int(random.integers(len(made)))]


def _nasty(content: bytes, random: np.random.Generator) -> bytes:
    """Put something nasty in place of a field or value."""
    text = content.decode("utf-8", "replace")
    ends = [i for i, char in enumerate(text) if char in ',;:"\n<> =']
    if len(ends) < 2:
        return content
    first = int(random.integers(len(ends) - 1))
    nasty = _NASTY[int(random.integers(len(_NASTY)))]
    everywhere = random.random() < 0.1 and ends[first + 1] - ends[first] > 2
    token = text[ends[first] + 1 : ends[first + 1]]
    if everywhere and len(nasty) < 100:
        return text.replace(token, nasty).encode("utf-8", "replace")
    made = text[: ends[first] + 1] + nasty + text[ends[first + 1] :]
    return made.encode("utf-8", "replace")


def _lines_changed(content: bytes, random: np.random.Generator) -> bytes:
    """Move, double or drop lines, the header not spared."""
    lines = content.split(b"\n")
    place = int(random.integers(len(lines)))
    match int(random.integers(7)):
        case 0:
            random.shuffle(lines)
        case 1:
            lines.insert(place, lines[0])
        case 2:
            del lines[place]
        case 3:
            lines += lines
        case 4:
            lines.insert(place, lines[int(random.integers(len(lines)))][:30])
        case 5:
            lines = lines[:1]
        case _:
            del lines[0]
    return b"\n".join(lines)


def _columns_changed(content: bytes, random: np.random.Generator) -> bytes:
    """Exchange two columns, or drop one, in all rows."""
    rows = [line.split(b",") for line in content.split(b"\n")]
    width = max(map(len, rows))
    one, other = (int(place) for place in random.integers(width, size=2))
    drops = random.random() < 0.3
    for row in rows:
        if len(row) > max(one, other):
            if drops:
                del row[one]
            else:
                row[one], row[other] = row[other], row[one]
    return b"\n".join(b",".join(row) for row in rows)


def _written_otherwise(content: bytes, random: np.random.Generator) -> bytes:
    exchanges = [(b",", b";"), (b",", b"\t"), (b".", b","), (b"\n", b"\r\n"), (b"\n", b"\r")]
    exchanges += [
        (b"200", b"0"),
        (b"17", b"-17"),
        (b"http", b"\xc3\xa9"),
        (b'"', b""),
        (b"00", b"9e9"),
    ]
    old, new = exchanges[int(random.integers(len(exchanges)))]
    return content.replace(old, new)


def _joined(content: bytes, random: np.random.Generator) -> bytes:
    others = list(FORMS)
    return content + sound(others[int(random.integers(len(others)))])


_BYTES = (_cut, _flipped, _inserted, _encoded)
_TEXTS = (
    _cut,
    _nasty,
    _nasty,
    _nasty,
    _lines_changed,
    _columns_changed,
    _written_otherwise,
    _joined,
)


def written(folder: Path, form: str, content: bytes) -> Path:
    """Write a file of a format, and what lies beside it where it says nothing alone."""
    path = folder / FORMS[form][0]
    path.write_bytes(content)
    if form == "locust_failures":
        path.with_name("run_stats.csv").write_text(locust_stats(), encoding="utf-8")
    return path


def sound(form: str) -> bytes:
    """Return the undamaged file of a format."""
    return FORMS[form][1]().encode()


def imported(path: Path) -> str:
    """Take a file all the way: to a recording, a dataset, its text and its audit.

    Raises:
        CapsimError: the file cannot be used.
    """
    runs = read_runs(find_runs([path]), Patterns())
    for found in runs.values():
        if found.history is not None:
            assert (np.diff(found.history.time_s) > 0).all()
            assert (np.diff(found.history.requests) >= 0).all()
    told = {name: Told(users=4) for name in runs}
    tests = assemble(runs, told)
    dataset = dataset_of(tests, "hostile")
    audited([dataset])
    text = dataset_text(dataset)
    shown = plain_text(renderable(tests, ()), WIDTH)
    assert all(line.isprintable() for line in (text + shown).split("\n"))
    return text
