"""A simulated run as the CSV files that Locust writes of a load test.

`PREFIX_stats.csv`, `PREFIX_stats_history.csv` and `PREFIX_failures.csv` have the columns and follow
the rules of Locust 2.0 to 2.43. (2.44 adds `First Seen` and `Last Seen` to the failures; 2.47 takes
the upper of two middle values for the median.) Requests in flight at the end are not in them, as in
Locust's own.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from capsim.errors import InputError
from capsim.files import check_writable, write_all_whole
from capsim.loadtest.locust_rules import (
    LEVELS,
    FloatArray,
    Logged,
    Totals,
    current_percentiles_ms,
    current_rates,
    totals,
)
from capsim.metrics.run import Run
from capsim.metrics.summary import TOO_SLOW, failed
from capsim.plan.ops import Status, status_name

SUFFIXES = ("_stats.csv", "_stats_history.csv", "_failures.csv")
METHOD = "SIM"  # where Locust has GET or POST: a request class has neither
AGGREGATED = "Aggregated"
_LEVEL_NAMES = tuple(f"{100 * level:g}%" for level in LEVELS)
_COUNTS = ("Request Count", "Failure Count")
_TIMES = ("Median", "Average", "Min", "Max")
_STATS_COLUMNS = (
    *("Type", "Name", *_COUNTS),
    *(f"{name} Response Time" for name in _TIMES),
    *("Average Content Size", "Requests/s", "Failures/s"),
    *_LEVEL_NAMES,
)
_HISTORY_COLUMNS = (
    *("Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"),
    *_LEVEL_NAMES,
    *(f"Total {name}" for name in _COUNTS),
    *(f"Total {name} Response Time" for name in _TIMES),
    "Total Average Content Size",
)
_FAILURE_COLUMNS = ("Method", "Name", "Error", "Occurrences")
_UNKNOWN = "N/A"  # Locust's word for percentiles of no requests
_CLIENT, _SERVER = "Client Error", "Server Error"  # how HTTP calls statuses from 400 and from 500
_SERVER_FROM, _HTTP_FROM = 500, 400


def locust_files(run: Run, *, full_history: bool = False) -> dict[str, str]:
    """Return what Locust would have written of a run, by the end of each file's name.

    Args:
        run: a finished simulation.
        full_history: as with Locust's `--csv-full-history`: the history has a row per request
            class, too, and its percentiles are those of about the last ten seconds. Without it,
            they are those of the whole test so far, as Locust's are.

    Raises:
        InputError: a request class is called like Locust's total.
    """
    everything, parts = _logged(run)
    stats, history, failures = SUFFIXES
    end_s = run.trace.horizon_s
    rows = [*parts, everything]
    shown = rows if full_history else [everything]
    return {
        stats: _csv(_STATS_COLUMNS, _stats_rows(rows, everything, end_s)),
        history: _csv(_HISTORY_COLUMNS, _history_rows(run, shown, everything, full=full_history)),
        failures: _csv(_FAILURE_COLUMNS, _failure_rows(run)),
    }


def export_paths(prefix: Path | str) -> tuple[Path, ...]:
    """Return the files that an export under a prefix writes.

    Raises:
        InputError: they cannot be written.
    """
    text = str(prefix)
    if not text or text.endswith("/") or Path(text).is_dir():
        raise InputError(f"{text or 'a prefix'}: is no file name to begin with; write e.g. out/run")
    paths = tuple(Path(text + suffix) for suffix in SUFFIXES)
    for path in paths:
        check_writable(path)
    return paths


def write_locust_files(
    run: Run, prefix: Path | str, *, full_history: bool = False
) -> tuple[Path, ...]:
    """Write what Locust would have written of a run: all three files, or none.

    Args:
        run: a finished simulation.
        prefix: of the files' names, e.g. `out/run` for `out/run_stats.csv` and so on.
        full_history: see `locust_files`.

    Raises:
        InputError: they cannot be written, or a request class is called like Locust's total.
    """
    paths = export_paths(prefix)
    contents = locust_files(run, full_history=full_history)
    write_all_whole(dict(zip(paths, contents.values(), strict=True)))
    return paths


def _logged(run: Run) -> tuple[Logged, list[Logged]]:
    """Return all requests that were answered, and the same by request class in order of name."""
    trace = run.trace
    chosen = _answered(run)
    end_s, name = trace.end[chosen], trace.request_class[chosen]
    taken_ms = 1000 * (trace.end - trace.asked)[chosen]
    bad = failed(trace, run.slower_than_s)[chosen]

    def part(mine: npt.NDArray[np.bool_], method: str, called: str) -> Logged:
        return Logged(
            method=method,
            name=called,
            end_s=end_s[mine],
            response_ms=taken_ms[mine],
            failed=bad[mine],
        )

    known = sorted((trace.class_names[number], number) for number in np.unique(name).tolist())
    if any(called == AGGREGATED for called, _ in known):
        raise InputError(f"requests.{AGGREGATED}: is Locust's name for the total; rename the class")
    parts = [part(name == number, METHOD, called) for called, number in known]
    return part(np.ones(len(end_s), dtype=np.bool_), "", AGGREGATED), parts


def _answered(run: Run) -> npt.NDArray[np.bool_]:
    """Return which attempts were a client's last, and ended before the run did."""
    found: npt.NDArray[np.bool_] = (run.trace.end <= run.trace.horizon_s) & run.trace.final
    return found


def _stats_rows(rows: Sequence[Logged], everything: Logged, end_s: float) -> Iterator[list[object]]:
    # Locust's rates are over the time from the start of the test to its last request.
    lasted_s = float(everything.end_s[-1]) if len(everything.end_s) else 0.0
    for logged in rows:
        figures = totals(logged, np.array([end_s]))
        counts, times = _figures(figures, 0)
        rates = [count / lasted_s if lasted_s else 0.0 for count in counts]
        yield [
            *(logged.method, logged.name, *counts, *times),
            *(*rates, *_percentiles(figures, figures.percentiles_ms, 0)),
        ]


def _history_rows(
    run: Run, rows: Sequence[Logged], everything: Logged, *, full: bool
) -> Iterator[list[object]]:
    """Yield a row a second for each of `rows`, from the start to the end of the run."""
    # The last row is that of the second in which the test ends: it has all of it.
    times_s = np.arange(math.ceil(run.trace.horizon_s) + 1, dtype=np.float64)
    users = _users(run, times_s)
    columns = []
    for logged in rows:
        figures = totals(logged, np.minimum(times_s, run.trace.horizon_s))
        found = current_percentiles_ms(logged, times_s) if full else figures.percentiles_ms
        columns.append((logged, figures, current_rates(logged, everything, times_s), found))
    for number in range(len(times_s)):
        for logged, figures, rates, found in columns:
            counts, times = _figures(figures, number)
            if logged.method and not counts[0]:  # Locust knows of no such requests yet
                continue
            yield [
                *(number, int(users[number]), logged.method, logged.name),
                *(f"{rate[number]:.6f}" for rate in rates),
                *(*_percentiles(figures, found, number), *counts, *times),
            ]


def _users(run: Run, times_s: FloatArray) -> npt.NDArray[np.int64]:
    """Return how many closed users had come before each time, and had not gone."""
    found = np.zeros(len(times_s), dtype=np.int64)
    for source in run.plan.sources:
        if not source.open:
            found += np.searchsorted(np.sort(source.starts), times_s)
            found -= np.searchsorted(np.sort(source.stops), times_s)
    return found


def _failure_rows(run: Run) -> list[list[object]]:
    """Return how often each request class failed in each way, in order of both."""
    trace = run.trace
    chosen = _answered(run) & failed(trace, run.slower_than_s)
    pairs = np.stack([trace.request_class[chosen], trace.status[chosen]], axis=1)
    kinds, counts = np.unique(pairs, axis=0, return_counts=True)
    rows: list[list[object]] = [
        [METHOD, trace.class_names[number], _error(status), count]
        for (number, status), count in zip(kinds.tolist(), counts.tolist(), strict=True)
    ]
    return sorted(rows, key=lambda row: [str(cell) for cell in row])


def _error(status: int) -> str:
    """Return a failure as Locust writes one; what is no answer, in the words of capsim's tables."""
    if status == Status.OK:  # answered well, but later than the client counts as good
        return TOO_SLOW
    if status < _HTTP_FROM:
        return status_name(status)
    return f"HTTPError('{status} {_SERVER if status >= _SERVER_FROM else _CLIENT}')"


def _figures(figures: Totals, row: int) -> tuple[list[int], list[object]]:
    """Return both counts of a row, and its times with the size of an answer, which is not known."""
    counts = [int(figures.requests[row]), int(figures.failures[row])]
    if counts[0] == 0:
        return counts, [0, 0.0, 0, 0, 0]
    median = float(figures.median_ms[row])
    times = [float(each[row]) for each in (figures.mean_ms, figures.min_ms, figures.max_ms)]
    return counts, [int(median) if median.is_integer() else median, *times, 0.0]


def _percentiles(figures: Totals, found: npt.NDArray[np.int64], row: int) -> list[object]:
    if figures.requests[row] == 0:
        return [_UNKNOWN] * len(LEVELS)
    return list(found[row].tolist())


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return content.getvalue()
