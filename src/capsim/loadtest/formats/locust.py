"""Locust's CSV files: `_stats`, `_stats_history`, `_failures` and `_exceptions` of one prefix.

Their columns: locust/stats.py, `StatsCSV` and `StatsCSVFileWriter`, Locust 1.0 to 2.47.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from capsim.errors import InputError
from capsim.loadtest.endpoints import with_slugs
from capsim.loadtest.figures import Figures
from capsim.loadtest.formats.locust_failures import Failures, read_failures
from capsim.loadtest.formats.locust_history import HistoryFile, read_history
from capsim.loadtest.formats.locust_stats import StatsFile, read_stats
from capsim.loadtest.merging import Named, merged
from capsim.loadtest.reading import delimiter_of, escaped, head, source_file
from capsim.loadtest.recorded import Recorded
from capsim.loadtest.recording import Pattern, Recording

# Of one run, in the order in which a name is tried: one is the end of another.
SUFFIXES = (
    "_stats_history.csv",
    "_failures.csv",
    "_exceptions.csv",
    "_distribution.csv",
    "_stats.csv",
    "_requests.csv",
)
_COLUMNS = {
    "history": {"timestamp", "user count", "name"},
    "failures": {"method", "name", "error", "occurrences"},
    "exceptions": {"count", "message", "traceback", "nodes"},
    "distribution": {"name", "# requests", "50%", "66%"},
}
_STATS = ({"request count", "name"}, {"# requests", "# failures", "name"})
_READ = frozenset({"stats", "history", "failures"})
_LONGER = 1.02  # than the time to the last request: a test that went on without answers
_ROWS_S = 2.0  # a history has a row a second, before the first request and after the last
_SHORTER = 0.9  # of the requests in the statistics: the history is another test's, or cut


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is one of Locust's CSV files, by its first line."""
    return kind(head) is not None


def kind(head: str) -> str | None:
    """Name which of Locust's files it is: stats, history, failures, exceptions, distribution."""
    line = head.lstrip("\r\n").partition("\n")[0].strip()
    columns = {cell.strip(' "').lower() for cell in line.split(delimiter_of(line))}
    for found, wanted in _COLUMNS.items():
        if wanted <= columns and not (found == "distribution" and "# failures" in columns):
            return found
    is_stats = "timestamp" not in columns and any(wanted <= columns for wanted in _STATS)
    return "stats" if is_stats else None


def prefix(path: Path) -> str:
    """Return what the names of one run's files have in common, with the folder."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return str(path.with_name(path.name.removesuffix(suffix)))
    return str(path)


def siblings(path: Path) -> list[Path]:
    """Return the files of the same run that lie beside one of them, itself included."""
    begin = prefix(path)
    found = [Path(begin + suffix) for suffix in SUFFIXES if Path(begin + suffix).is_file()]
    return found if path in found else [path, *found]


@dataclass(frozen=True, kw_only=True)
class _Files:
    stats: StatsFile | None = None
    history: HistoryFile | None = None
    failures: Failures | None = None


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one run's files, any of `_stats`, `_stats_history`, `_failures`.

    Raises:
        InputError: neither statistics nor a history among them, two of a kind, or a broken file.
    """
    by_kind: dict[str, Path] = {}
    for path in paths:
        found = kind(head(path)) or escaped(path.name)
        if found in by_kind:
            raise InputError(
                f"{escaped(path)}: is the same kind of file as {escaped(by_kind[found].name)}, "
                "of one load test; name them in two commands"
            )
        by_kind[found] = path
    files = _Files(
        stats=read_stats(by_kind["stats"]) if "stats" in by_kind else None,
        history=read_history(by_kind["history"]) if "history" in by_kind else None,
        failures=read_failures(by_kind["failures"]) if "failures" in by_kind else None,
    )
    if files.stats is None and files.history is None:
        raise InputError(
            f"{escaped(paths[0])}: has no figures of requests; name the _stats.csv or "
            "_stats_history.csv of the same run, too"
        )
    return _recording(files, paths, pattern, ignored=sorted(set(by_kind) - _READ))


def _recording(
    files: _Files, paths: Sequence[Path], pattern: Pattern, ignored: list[str]
) -> Recording:
    rows, total = _figures(files)
    if not rows and total is None:
        named = next((path for path in paths if kind(head(path)) == "stats"), paths[0])
        raise InputError(f"{escaped(named)}: has no requests; was the load test stopped at once?")
    pattern = with_slugs(pattern, {row.name: row.figures.requests or 0 for row in rows})
    source = escaped(paths[0].name)
    duration_s = _duration_s(files, total)
    return Recording(
        tool="locust",
        sources=tuple(source_file(path) for path in paths),
        rows=merged(rows, pattern, source, "locust"),
        total=_whole_test(total, duration_s),
        failures_by_status=files.failures.by_status if files.failures else {},
        history=files.history.history if files.history else None,
        duration_s=duration_s,
        recorded=_recorded(files),
        notes=(*_notes(files, total), *(f"The {name} file is not read." for name in ignored)),
    )


def _figures(files: _Files) -> tuple[tuple[Named, ...], Figures | None]:
    """Return the statistics, or what the last rows of the history say where there are none."""
    rows: tuple[Named, ...] = ()
    total = None
    if files.stats is not None:
        rows, total = files.stats.rows, files.stats.total
    if files.history is not None and not rows and total is None:
        rows, total = files.history.rows, files.history.total
    return rows, total


def _duration_s(files: _Files, total: Figures | None) -> float | None:
    """Return how long the test was.

    Locust's rps is of the time from the start to the last request, so requests / rps is that time.
    Where nothing is answered any more the test goes on, and the history with it.
    """
    history = files.history.history if files.history is not None else None
    ended_s = float(history.time_s[-1]) if history is not None else 0.0
    if total is None or total.requests is None or total.rps is None:
        return ended_s or None
    answered_s = float(f"{total.requests / total.rps:.6g}")
    return ended_s if _went_on(answered_s, ended_s) else answered_s


def _went_on(answered_s: float, ended_s: float) -> bool:
    return ended_s > answered_s * _LONGER + _ROWS_S


def _whole_test(total: Figures | None, duration_s: float | None) -> Figures | None:
    """Return the total without its throughput, where that is of less than the whole test."""
    if total is None or total.requests is None or total.rps is None or duration_s is None:
        return total
    if _went_on(total.requests / total.rps, duration_s):
        return total.model_copy(update={"rps": None})
    return total


def _recorded(files: _Files) -> Recorded:
    read_files = [file.recorded for file in (files.stats, files.history) if file is not None]
    rows = sum(found.rows for found in read_files)
    skipped = sum(found.skipped_rows for found in read_files)
    fields = [found.largest_field_chars or 0 for found in read_files]
    if files.failures is not None:
        skipped += files.failures.skipped_rows
    base = files.history.recorded if files.history is not None else Recorded(rows=0)
    return base.model_copy(
        update={"rows": rows, "skipped_rows": skipped, "largest_field_chars": max(fields)}
    )


def _notes(files: _Files, total: Figures | None) -> list[str]:
    notes = [note for file in (files.stats, files.history) if file for note in file.notes]
    if files.history is None:
        notes.append(
            "No history: it is not known when all users were there, nor whether the test was "
            "steady. Locust writes it with --csv."
        )
    elif files.history.history is None:
        notes.append("The history has too few rows: nothing is known of the test over time.")
    elif files.stats is not None and total is not None and files.history.total is not None:
        seen, all_of_them = files.history.total.requests or 0, total.requests or 0
        if not all_of_them * _SHORTER <= seen <= all_of_them:
            notes.append(
                f"The history ends at {seen} requests, the statistics have {all_of_them}: is it "
                "of another run, or cut?"
            )
    notes += _silence(total, _duration_s(files, total))
    if files.failures is not None and files.failures.skipped_rows:
        notes.append(
            f"{files.failures.skipped_rows} rows of the failures file are damaged and left out."
        )
    failed = total.failures if total is not None else None
    if files.failures is not None and failed is not None:
        listed = sum(files.failures.by_status.values())
        if listed != failed:
            notes.append(f"The failures file lists {listed} failures, the statistics {failed}.")
    return notes


def _silence(total: Figures | None, duration_s: float | None) -> list[str]:
    """Return a note where the test went on after its last answer."""
    if _whole_test(total, duration_s) is total or total is None or duration_s is None:
        return []
    silent_s = duration_s - (total.requests or 0) / (total.rps or 1)
    return [
        (
            f"The last answer came {silent_s:.0f} s before the end: the throughput is of the whole "
            "test, not Locust's."
        )
    ]
