"""Locust's `_stats_history.csv`: a row a second of all requests so far, and of the last seconds.

Without --csv-full-history its percentiles are those of all requests so far; with it, of the last
ten seconds (locust/stats.py, `_stats_history_data_rows`). `Total ...` columns are always so far.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from capsim.errors import InputError
from capsim.loadtest.consistent import consistent
from capsim.loadtest.figures import SHARES, Figures
from capsim.loadtest.formats.locust_stats import PERCENT, is_total
from capsim.loadtest.merging import Named, times_of_few
from capsim.loadtest.reading import Table, escaped, number, read_table
from capsim.loadtest.recorded import Recorded
from capsim.loadtest.recording import FloatArray, History
from capsim.loadtest.rounding import rounding_step_s

IntArray = npt.NDArray[np.intp]

_COLUMNS = {
    "timestamp": "time_s",
    "user count": "users",
    "total request count": "requests",
    "total failure count": "failures",
    "total median response time": "median",
    "total average response time": "mean_ms",
    "total min response time": "min_ms",
    "total max response time": "max_ms",
    "name": "name",
    "type": "type",
    "100%": "p100_ms",
}
_USUAL_GAP_S = 3.0  # a row a second, whose time is cut to whole seconds; a busy Locust is late
_NEEDED = ("timestamp", "user count", "name", "total request count")
_NUMBERS = ("time_s", "users", "requests", "failures", "median", "mean_ms", "max_ms", "p100_ms")


@dataclass(frozen=True, kw_only=True, eq=False)
class HistoryFile:
    """What the file holds.

    Attributes:
        history: The test over time; none: too few rows.
        rows: The last figures per name; only with --csv-full-history.
        total: The last figures of all requests.
        recorded: What was seen of the rows.
        notes: Sentences for people.
    """

    history: History | None
    rows: tuple[Named, ...]
    total: Figures | None
    recorded: Recorded
    notes: tuple[str, ...]


def read_history(path: Path) -> HistoryFile:
    """Read the file.

    Raises:
        InputError: it cannot be read, lacks a column, or its figures contradict each other.
    """
    table = read_table(path)
    lower = [name.lower() for name in table.header]
    for needed in _NEEDED:
        if needed not in lower:
            raise InputError(
                f"{escaped(path.name)}: column {needed.title()!r} is missing; this is no history "
                "of Locust 1.0 or newer"
            )
    names = [_COLUMNS.get(name) or PERCENT.get(name) or name for name in lower]
    of_all: list[dict[str, str]] = []
    last_of: dict[str, dict[str, str]] = {}
    for cells in table.rows:
        values = dict(zip(names, cells, strict=True))
        if is_total(values):
            of_all.append(values)
        else:
            last_of[f"{values.get('type', '')} {values['name']}".strip()] = values
    return _file(table, of_all, last_of, escaped(path.name))


def _file(
    table: Table, of_all: list[dict[str, str]], last_of: Mapping[str, dict[str, str]], source: str
) -> HistoryFile:
    read = {name: _column(of_all, name, source) for name in (*_NUMBERS, *SHARES)}
    cleaned = clean(read["time_s"], read["requests"])
    active = cleaned.kept[_active(read["users"][cleaned.kept], read["requests"][cleaned.kept])]
    kept = {name: column[active] for name, column in read.items()}
    rows = []
    for name, values in last_of.items():
        figures = _cumulated(values, source, name)
        if figures is not None:
            rows.append(Named(name=name, figures=figures, times_ms=times_of_few(figures)))
    last = of_all[cleaned.kept[-1]] if len(cleaned.kept) else None
    skipped = cleaned.damaged + table.skipped
    return HistoryFile(
        history=_history(kept, full=bool(last_of)) if len(active) > 1 else None,
        rows=tuple(rows),
        total=_cumulated(last, source, "Aggregated") if last else None,
        recorded=Recorded(
            rows=len(table.rows) + table.skipped,
            skipped_rows=skipped,
            duplicate_rows=cleaned.duplicates,
            rows_out_of_order=cleaned.out_of_order,
            largest_backward_step_s=cleaned.backward_s,
            longest_gap_s=cleaned.gap_s,
            largest_field_chars=table.largest_field_chars,
        ),
        notes=tuple(_notes(cleaned, skipped)),
    )


def _column(rows: Sequence[Mapping[str, str]], name: str, source: str) -> FloatArray:
    key = f"column {name}"
    values = [number(row.get(name, ""), source, key) for row in rows]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cleaned:
    """Which rows of a history can be used, in ascending time, and what was seen of the others."""

    kept: IntArray  # indices of rows
    damaged: int
    duplicates: int
    out_of_order: int
    backward_s: float
    gap_s: float | None  # none: a row came about every second
    reset_s: float | None  # the statistics began anew so long after the first row; none: never


def clean(time_s: FloatArray, requests: FloatArray) -> Cleaned:
    """Sort the rows, drop repeated ones, and leave what lies before a reset of the statistics."""
    valid = np.flatnonzero(np.isfinite(time_s) & np.isfinite(requests))
    steps = np.diff(time_s[valid])
    order = valid[np.argsort(time_s[valid], kind="stable")]
    times, counts = time_s[order], requests[order]
    same_time = np.diff(times) == 0
    repeated = same_time & (np.diff(counts) == 0)
    # Of several rows in a second the last one says most.
    last_of_second = np.append(~same_time, True) if len(order) else np.array([], dtype=bool)
    kept = order[last_of_second]
    gap_s = float(np.diff(times).max()) if len(times) > 1 else 0.0
    falls = np.flatnonzero(np.diff(requests[kept]) < 0)
    begin = int(falls[-1]) + 1 if len(falls) else 0
    return Cleaned(
        kept=kept[begin:],
        damaged=len(time_s) - len(valid),
        duplicates=int(repeated.sum()),
        out_of_order=int((steps < 0).sum()),
        backward_s=float(max(0.0, -steps.min())) if len(steps) else 0.0,
        gap_s=gap_s if gap_s > _USUAL_GAP_S else None,
        reset_s=float(time_s[kept[begin]] - times[0]) if begin else None,
    )


def _active(users: FloatArray, requests: FloatArray) -> slice:
    """Return the rows from the first user to the last: the web page's Locust idles around them."""
    busy = (np.nan_to_num(users) > 0) | (np.diff(requests, prepend=0.0) > 0)
    rows = np.flatnonzero(busy)
    if not len(rows):
        return slice(0, 0)
    return slice(max(int(rows[0]) - 1, 0), int(rows[-1]) + 1)


def _history(columns: Mapping[str, FloatArray], *, full: bool) -> History:
    count = len(columns["time_s"])
    unknown = np.full(count, np.nan)
    so_far = {} if full else _so_far(columns)
    median = columns["median"]
    if np.isfinite(median).any():
        so_far.setdefault("p50", _known(median) / 1000)
    return History(
        time_s=columns["time_s"] - columns["time_s"][0],
        users=columns["users"],
        requests=columns["requests"],
        failures=columns["failures"],
        mean_s=columns["mean_ms"] / 1000,
        p50_s=_known(columns["p50_ms"]) / 1000 if full else unknown,
        p95_s=_known(columns["p95_ms"]) / 1000 if full else unknown,
        so_far_s=so_far,
    )


def _so_far(columns: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the percentiles if they are of all requests so far, which their last one shows."""
    tops, slowest = columns["p100_ms"], columns["max_ms"]
    known = np.isfinite(tops) & np.isfinite(slowest) & (slowest > 0)
    if not known.any():
        return {}
    steps = np.array([rounding_step_s("locust", top / 1000) * 1000 for top in tops[known]])
    if (np.abs(tops[known] - slowest[known]) > steps).any():
        return {}
    return {
        name.removesuffix("_ms"): _known(columns[name]) / 1000
        for name in SHARES
        if np.isfinite(columns[name]).any()
    }


def _known(column: FloatArray) -> FloatArray:
    """Return a column without the zeros that Locust writes where it knows nothing."""
    return np.where(column > 0, column, np.nan)


def _cumulated(values: Mapping[str, str], source: str, key: str) -> Figures | None:
    read = {
        name: number(values.get(name, ""), source, key)
        for name in ("requests", "failures", "mean_ms", "min_ms", "max_ms")
    }
    read["p50_ms"] = number(values.get("median", ""), source, key)
    return consistent(read, source, key, "locust")


def _notes(cleaned: Cleaned, skipped: int) -> Iterator[str]:
    if skipped:
        yield f"{skipped} rows of the history are damaged and left out."
    if cleaned.duplicates:
        yield f"{cleaned.duplicates} rows of the history stand twice."
    if cleaned.out_of_order:
        yield f"{cleaned.out_of_order} rows of the history were out of order; sorted by time."
    if cleaned.reset_s is not None:
        yield (
            f"The statistics were reset {cleaned.reset_s:g} s after the first row of the history; "
            "what lies before is left out, and times count from there."
        )
