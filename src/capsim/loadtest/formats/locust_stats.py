"""Locust's `_stats.csv`: one row per name of a request, and a last one of all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from capsim.loadtest.consistent import consistent, without_times
from capsim.loadtest.figures import SHARES, Figures
from capsim.loadtest.merging import Named, times_of_few
from capsim.loadtest.reading import Table, escaped, number, read_table
from capsim.loadtest.recorded import Recorded

# Locust before 1.0 called its columns and its last row otherwise.
_COLUMNS = {
    "request count": "requests",
    "# requests": "requests",
    "failure count": "failures",
    "# failures": "failures",
    "median response time": "median",
    "average response time": "mean_ms",
    "min response time": "min_ms",
    "max response time": "max_ms",
    "requests/s": "rps",
    "name": "name",
    "type": "type",
    "method": "type",
}
_TOTALS = {"Aggregated", "Total"}
PERCENT = {f"{share * 100:g}%": name for name, share in SHARES.items()}


@dataclass(frozen=True, kw_only=True)
class StatsFile:
    """What the file holds: figures per name, and Locust's own total."""

    rows: tuple[Named, ...]
    total: Figures | None
    recorded: Recorded
    notes: tuple[str, ...]


def read_stats(path: Path) -> StatsFile:
    """Read the file.

    Raises:
        InputError: it cannot be read, or its figures contradict each other.
    """
    table = read_table(path)
    names = columns(table)
    rows: list[Named] = []
    total, untimed, again, unused = None, 0, 0, 0
    for cells in table.rows:
        values = dict(zip(names, cells, strict=True))
        label = values.get("name", "")
        figures = _figures(values, escaped(path.name))
        if figures is None:
            unused += not is_total(values)
            continue
        if is_total(values):
            again += total is not None
            total = figures
            continue
        untimed += figures.mean_ms is None
        name = f"{values.get('type', '')} {label}".strip()
        rows.append(Named(name=name, figures=figures, times_ms=times_of_few(figures)))
    notes = tuple(_notes(table, total, untimed, again, unused))
    recorded = Recorded(
        rows=len(table.rows) + table.skipped,
        skipped_rows=table.skipped,
        largest_field_chars=table.largest_field_chars,
    )
    return StatsFile(rows=tuple(rows), total=total, recorded=recorded, notes=notes)


def columns(table: Table) -> list[str]:
    """Return the columns by the names of figures; those not known keep their own."""
    lower = [name.lower() for name in table.header]
    return [_COLUMNS.get(name) or PERCENT.get(name) or name for name in lower]


def is_total(values: Mapping[str, str]) -> bool:
    """Say whether a row is of all requests: it has no method."""
    return values.get("name") in _TOTALS and values.get("type", "") in {"", "None"}


def _figures(values: Mapping[str, str], source: str) -> Figures | None:
    key = values.get("name", "")
    read = {
        name: number(values[name], source, key)
        for name in ("requests", "failures", "rps", "mean_ms", "min_ms", "max_ms", *SHARES)
        if name in values
    }
    if "p50_ms" not in values and "median" in values:
        read["p50_ms"] = number(values["median"], source, key)
    figures = consistent(read, source, key, "locust")
    # Locust writes zeros where no request of a row had a response time at all.
    if figures is not None and figures.mean_ms == 0 and figures.max_ms == 0:
        return without_times(figures)
    return figures


def _notes(
    table: Table, total: Figures | None, untimed: int, again: int, unused: int
) -> Iterator[str]:
    if unused:
        yield f"Rows with no requests that are left out: {unused}."
    if total is None:
        yield "The row Aggregated is missing: the total is the sum of the rows. Is the file cut?"
    if again:
        yield f"The row Aggregated stands {again + 1} times; the last one is used."
    if untimed:
        yield f"{untimed} rows have no response time; only their requests count."
    if table.skipped:
        yield f"{table.skipped} rows with too few or too many fields are left out."
    if table.repeated_headers:
        yield "The header stands again among the rows: were several files put together?"
