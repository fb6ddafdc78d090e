"""Locust's JSON: `--json` and `--json-file` with histograms, and the web page's /stats/requests.

Forms: locust/stats.py, `StatsEntry.serialize`; locust/web.py, `request_stats`.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capsim.errors import InputError
from capsim.loadtest.consistent import consistent
from capsim.loadtest.endpoints import with_slugs
from capsim.loadtest.figures import Figures
from capsim.loadtest.formats.json_values import Tree, count, load_json, real, table, text
from capsim.loadtest.formats.locust_failures import fewer, status_of
from capsim.loadtest.merging import Named, merged, percentiles, together
from capsim.loadtest.reading import escaped, source_file
from capsim.loadtest.recorded import Recorded
from capsim.loadtest.recording import Pattern, Recording

_USERS = (
    "The web page shows how many users run at the moment of the copy; that is not kept: give "
    "--users."
)
_MOST_SHOWN = 500  # rows of the web page; it leaves out what is more


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is Locust's JSON, by keys that no other tool has."""
    has_rows = '"num_requests"' in head and '"num_failures"' in head
    begin = head.lstrip()[:1]
    return has_rows and begin in {"[", "{"}


@dataclass(frozen=True, kw_only=True)
class _Page:
    """The rows of either form, and what stands around them."""

    rows: tuple[Mapping[str, Any], ...]
    around: Mapping[str, Any]


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one file.

    Raises:
        InputError: it is no JSON of Locust's, or contradicts itself.
    """
    path = paths[0]
    source = escaped(path.name)
    page = _page(load_json(path), source)
    entries = [row for row in page.rows if not _is_total(row)]
    rows = [named for row in entries if (named := _named(row, source)) is not None]
    totals = [row for row in page.rows if _is_total(row)]
    total = _named(totals[-1], source) if totals else None
    if not rows and total is None:
        raise InputError(f"{source}: has no requests; was the load test stopped at once?")
    pattern = with_slugs(pattern, {row.name: row.figures.requests or 0 for row in rows})
    duration_s = _duration_s(entries)
    return Recording(
        tool="locust",
        sources=(source_file(path),),
        rows=merged(rows, pattern, source, "locust"),
        total=total.figures if total else together(rows, source, "total", "locust"),
        failures_by_status=_failures(page.around),
        duration_s=duration_s,
        recorded=Recorded(rows=len(page.rows)),
        notes=tuple(_notes(page, unused=len(entries) - len(rows))),
        asks=dict(_asks(page, duration_s)),
    )


def _page(tree: Tree, source: str) -> _Page:
    around = tree if isinstance(tree, dict) else {}
    rows = tree if isinstance(tree, list) else around.get("stats", around.get("entries"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(
            f"{source}: has no list of statistics; name what locust --json or --json-file wrote"
        )
    return _Page(rows=tuple(rows), around=around)


def _is_total(row: Mapping[str, Any]) -> bool:
    return row.get("name") in {"Aggregated", "Total"} and row.get("method") in {"", None}


def _named(row: Mapping[str, Any], source: str) -> Named | None:
    name = f"{text(row.get('method'))} {html.unescape(text(row.get('name')))}".strip()
    requests = count(row, "num_requests", source)
    timed = (requests or 0) - (count(row, "num_none_requests", source) or 0)
    times = _histogram(row, source)
    values: dict[str, float | None] = {
        "requests": requests,
        "failures": count(row, "num_failures", source),
        "mean_ms": real(row, "avg_response_time", source),
        "min_ms": real(row, "min_response_time", source),
        "max_ms": real(row, "max_response_time", source),
    }
    sum_ms = real(row, "total_response_time", source)
    if sum_ms is not None and timed > 0:
        values["mean_ms"] = sum_ms / timed
    if times:
        values |= percentiles(times, "locust")
    else:
        values["p50_ms"] = real(row, "median_response_time", source)
        values["p90_ms"] = real(row, "ninetieth_response_time", source)
        values["p99_ms"] = real(row, "ninety_ninth_response_time", source)
    figures: Figures | None = consistent(values, source, name, "locust")
    return Named(name=name, figures=figures, times_ms=times or None) if figures else None


def _histogram(row: Mapping[str, Any], source: str) -> dict[float, int]:
    given = table(row, "response_times", source)
    found: dict[float, int] = {}
    for key in given:
        try:
            time_ms = float(key)
        except ValueError:
            raise InputError.at(source, "response_times", "is no time", value=key) from None
        if not 0 <= time_ms < float("inf"):
            raise InputError.at(source, "response_times", "is no time", value=key)
        found[time_ms] = found.get(time_ms, 0) + (count(given, key, source) or 0)
    return {time_ms: number for time_ms, number in found.items() if number}


def _duration_s(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the time from the first start to the last request, as Locust has it for its rps."""
    starts = [row["start_time"] for row in rows if _is_time(row.get("start_time"))]
    ends = [
        row["last_request_timestamp"] for row in rows if _is_time(row.get("last_request_timestamp"))
    ]
    if not starts or not ends or max(ends) <= min(starts):
        return None
    return float(f"{max(ends) - min(starts):.6g}")


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and 0 < value < 1e12  # noqa: PLR2004 (seconds since 1970)


def _failures(around: Mapping[str, Any]) -> dict[str, int]:
    errors = around.get("errors")
    found: dict[str, int] = {}
    for error in errors if isinstance(errors, list) else []:
        if not isinstance(error, dict):
            continue
        number = error.get("occurrences")
        if isinstance(number, int) and number > 0:
            status = status_of(html.unescape(text(error.get("error"))))
            found[status] = found.get(status, 0) + number
    return fewer(found)


def _asks(page: _Page, duration_s: float | None) -> Iterator[tuple[str, str]]:
    if "user_count" in page.around:
        yield "users", _USERS
    if duration_s is None:
        yield "duration", "The duration is not in the file; give --duration."


def _notes(page: _Page, unused: int) -> Iterator[str]:
    if unused:
        yield f"Rows with no requests that are left out: {unused}."
    if len(page.rows) > _MOST_SHOWN and page.around:
        yield "The web page leaves out rows beyond 500; download its CSV files."
    yield (
        "Locust's JSON has no history of users: it is not known when all of them were there, nor "
        "whether the test was steady. Locust writes a history with --csv."
    )
