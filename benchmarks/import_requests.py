"""How long it takes to import load tests with ten million rows, and how much memory.

Files are made with random requests (seeded) of a table with a row per request, JMeter's CSV and
k6's CSV. Each is read to a recording in a process of its own, and beside it by `pandas.read_csv`
as a whole, which is what a script would do first: it has the rows in memory, and no figure yet.
Time is the wall clock's and the process's own; memory is the largest the process ever had.

    python benchmarks/import_requests.py [--rows 10000000] [--folder /tmp]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_AT_ONCE = 100_000
_NAMES = [f"/api/v1/orders/{number}/" for number in range(2000)]
_JTL = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,"
    "failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n"
)
_K6 = (
    "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,"
    "proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata\n"
)
# The rows that k6 writes of one request, as far as its time goes.
_K6_METRICS = ("http_reqs", "http_req_duration", "http_req_waiting", "http_req_failed")
_GAP_MS = 0.3  # between two requests


def main() -> None:
    """Make the files, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        _measure(given.measure[0], Path(given.measure[1]))
        return
    print(f"{'file':12}{'MB':>7}  {'read by':10}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for kind, rows in (("plain_csv", _plain), ("jtl_csv", _jtl), ("k6_csv", _k6)):
            path = Path(folder) / f"{kind}.csv"
            with path.open("w", encoding="ascii") as file:
                file.writelines(rows(given.rows))
            for what in (kind, "pandas"):
                command = [sys.executable, __file__, "--measure", what, str(path)]
                found = subprocess.run(command, check=True, capture_output=True, text=True)
                name = "pandas" if what == "pandas" else "capsim"
                size = path.stat().st_size >> 20
                print(f"{kind:12}{size:7}  {name:10}{found.stdout.rstrip()}", flush=True)
            path.unlink()


def _measure(what: str, path: Path) -> None:
    """Read a file; print wall time, CPU time and peak memory of this process."""
    began = time.perf_counter()
    if what == "pandas":
        import pandas as pd

        pd.read_csv(path, low_memory=False)
    else:
        from importlib import import_module

        from capsim.loadtest.endpoints import Patterns

        import_module(f"capsim.loadtest.formats.{what}").read([path], Patterns())
    wall_s = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s, peak_mb = used.ru_utime + used.ru_stime, used.ru_maxrss >> 10  # KiB on Linux
    print(f"{wall_s:8.1f}{cpu_s:8.1f}{peak_mb:9}")


def _requests(rows: int) -> Iterator[tuple[float, float, str, int]]:
    """Yield start (ms since 1970), response time (ms), name and status of random requests."""
    random = np.random.default_rng(1)
    for first in range(0, rows, _AT_ONCE):
        count = min(_AT_ONCE, rows - first)
        starts = 1.7e12 + (first + np.arange(count)) * _GAP_MS
        times = random.lognormal(3.0, 0.7, count)
        names = random.integers(len(_NAMES), size=count)
        statuses = np.where(random.random(count) < 0.01, 500, 200)
        columns = (starts.tolist(), times.tolist(), names.tolist(), statuses.tolist())
        for start, response, name, status in zip(*columns, strict=True):
            yield start, response, _NAMES[name], status


def _plain(rows: int) -> Iterator[str]:
    yield "timestamp,response_time_ms,endpoint,status\n"
    for start, response, name, status in _requests(rows):
        yield f"{start / 1000:.6f},{response:.3f},{name},{status}\n"


def _jtl(rows: int) -> Iterator[str]:
    yield _JTL
    for number, (start, response, name, status) in enumerate(_requests(rows)):
        elapsed, ok = int(response), "true" if status == 200 else "false"
        yield (
            f"{int(start)},{elapsed},GET {name},{status},OK,Users 1-{number % 50},text,{ok},,1234,"
            f"321,50,50,http://shop.example{name},{elapsed},0,1\n"
        )


def _k6(rows: int) -> Iterator[str]:
    yield _K6
    for start, response, name, status in _requests(rows // len(_K6_METRICS)):
        url, ok = f"http://shop.example{name}", "true" if status == 200 else "false"
        tags = f",,,,{ok},,GET,{url},HTTP/1.1,default,,{status},,,{url},,\n"
        for metric in _K6_METRICS:
            yield f"{metric},{int(start / 1000)},{response:.6f}{tags}"


if __name__ == "__main__":
    main()
