"""From single requests to the figures of a load test.

A percentile is the value at the nearest rank, as in `metrics.percentiles`: the smallest response
time that at least that share of the requests did not exceed. One that has fewer requests above
it than that module trusts is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.consistent import consistent, rounded
from capsim.loadtest.endpoints import with_slugs
from capsim.loadtest.figures import SHARES, Figures
from capsim.loadtest.in_flight import (
    duplicates,
    longest_gap_s,
    mean_in_flight,
    order_of_rows,
    peak_in_flight,
    span_s,
)
from capsim.loadtest.reading import escaped, source_file
from capsim.loadtest.recorded import Recorded, SourceFile
from capsim.loadtest.recording import LONGEST_NAME, Pattern, Recording, Row
from capsim.loadtest.rounding import Tool
from capsim.loadtest.samples import FloatArray, Samples, put_together
from capsim.loadtest.samples_summary_history import history_of, users_at_the_top
from capsim.metrics.percentiles import is_thin, percentile

_EXAMPLES = 3  # names that are kept of a pattern
_MOST_ROWS = 1000  # endpoints; a test with more has names that no pattern fits
_MOST_STATUSES = 50
_OTHER = "other"
_NO_STATUS = "no status"
_NO_TOP = "The number of users had no flat top; give --users."


@dataclass(frozen=True, kw_only=True, eq=False)
class Read:
    """What a format found in one file.

    Attributes:
        samples: The sound requests.
        rows: Data rows in the file, damaged ones included.
        skipped: Damaged rows.
        largest_field_chars: The longest field; none: not looked at.
        has_failures: Whether it tells which requests failed.
        notes: Sentences for people.
    """

    samples: Samples
    rows: int
    skipped: int
    largest_field_chars: int | None = None
    has_failures: bool = True
    notes: tuple[str, ...] = ()


def recording_of(
    paths: Sequence[Path], read: Callable[[Path], Read], pattern: Pattern, tool: Tool
) -> Recording:
    """Return the load test that one or more files of a format hold together; see `recording`.

    Args:
        paths: at least one.
        read: reads one of them.
        pattern: what groups names to endpoints.
        tool: what wrote the files.

    Raises:
        InputError: a file cannot be read, or there is no sound request.
    """
    files = [read(path) for path in paths]
    return recording(files, pattern, tool=tool, sources=[source_file(path) for path in paths])


def recording(
    files: Sequence[Read], pattern: Pattern, *, tool: Tool, sources: Sequence[SourceFile]
) -> Recording:
    """Return the load test that one or more files hold together.

    Args:
        files: at least one.
        pattern: what groups names to endpoints.
        tool: what wrote the files.
        sources: the files.

    Raises:
        InputError: there is no sound request.
    """
    parts = tuple(found.samples for found in files)
    everything = put_together(parts)
    source = ", ".join(found.name for found in sources)
    if len(everything) == 0:
        rows = sum(found.rows for found in files)
        raise InputError(
            f"{source}: has no request that can be read ({rows} rows, all damaged or of other "
            "kinds); is it a whole file of results?"
        )
    has_failures = all(found.has_failures for found in files)
    history = history_of(everything, parts)
    users = users_at_the_top(history, parts)
    rows_of, row_notes = _rows(everything, pattern, source, tool, has_failures=has_failures)
    notes = [note for found in files for note in found.notes]
    reported = any(part.users is not None for part in parts)
    return Recording(
        tool=tool,
        sources=tuple(sources),
        rows=rows_of,
        total=_total(everything, source, tool, has_failures=has_failures),
        failures_by_status=_failures_by_status(everything) if has_failures else {},
        history=history,
        duration_s=round(span_s(everything), 6) or None,
        users=users,
        recorded=_recorded(files, everything),
        notes=(*dict.fromkeys(notes), *row_notes, *_notes(files, everything)),
        asks={"users": _NO_TOP} if reported and users is None else {},
    )


def _total(samples: Samples, source: str, tool: Tool, *, has_failures: bool) -> Figures | None:
    sorted_s = np.sort(samples.response_time_s)
    failures = int(samples.failed.sum()) if has_failures else None
    return _figures(sorted_s, failures, source, "total", tool)


def _figures(
    sorted_s: FloatArray, failures: int | None, source: str, key: str, tool: Tool
) -> Figures | None:
    """Return the figures of response times in ascending order, in seconds."""
    count = len(sorted_s)
    values: dict[str, float | None] = {
        "requests": count,
        "failures": failures,
        "min_ms": float(sorted_s[0]) * 1000,
        # A mean of floats can lie outside of them by the last digit.
        "mean_ms": float(np.clip(sorted_s.mean(), sorted_s[0], sorted_s[-1])) * 1000,
        "max_ms": float(sorted_s[-1]) * 1000,
    }
    for name, level in SHARES.items():
        if not is_thin(count, level):
            values[name] = percentile(sorted_s, level) * 1000
    return consistent(values, source, key, tool)


def _rows(
    samples: Samples, pattern: Pattern, source: str, tool: Tool, *, has_failures: bool
) -> tuple[tuple[Row, ...], list[str]]:
    """Return the figures per pattern, those with the most requests first."""
    counts = np.bincount(samples.endpoint, minlength=len(samples.endpoints))
    used = {name: int(n) for name, n in zip(samples.endpoints, counts, strict=True) if n}
    if set(used) == {""}:
        return (), []
    grouped = with_slugs(pattern, used)
    members: dict[str, list[str]] = {}
    for name in used:
        # By what is shown: two rows of one label would hide one another in the dataset.
        members.setdefault(escaped(grouped(name))[:LONGEST_NAME], []).append(name)
    place = {name: group for group, names in enumerate(members.values()) for name in names}
    table = np.array([place.get(name, -1) for name in samples.endpoints], np.int32)
    groups = table[samples.endpoint]
    sizes = np.bincount(groups, minlength=len(members))
    largest = np.argsort(-sizes, kind="stable")[:_MOST_ROWS]
    by_group = np.argsort(groups, kind="stable")
    ends = np.cumsum(sizes)
    names = list(members)
    rows = []
    for group in largest.tolist():
        chosen = by_group[ends[group] - sizes[group] : ends[group]]
        failures = int(samples.failed[chosen].sum()) if has_failures else None
        label = names[group] or "(no name)"
        figures = _figures(np.sort(samples.response_time_s[chosen]), failures, source, label, tool)
        if figures is not None:
            known = members[names[group]]
            rows.append(
                Row(
                    endpoint=label,
                    figures=figures,
                    names=tuple(escaped(name)[:LONGEST_NAME] for name in known[:_EXAMPLES]),
                    number_of_names=len(known),
                )
            )
    rest = len(members) - len(largest)
    note = f"{rest} endpoints with the fewest requests are in the total alone; give patterns."
    return tuple(rows), [note] if rest else []


def _failures_by_status(samples: Samples) -> Mapping[str, int]:
    counts = np.bincount(samples.status[samples.failed], minlength=len(samples.statuses))
    found: dict[str, int] = {}
    for index in np.argsort(-counts, kind="stable").tolist():
        if counts[index] == 0:
            break
        name = escaped(samples.statuses[index])[:LONGEST_NAME] or _NO_STATUS
        if len(found) >= _MOST_STATUSES:
            name = _OTHER
        found[name] = found.get(name, 0) + int(counts[index])
    return found


def _recorded(files: Sequence[Read], everything: Samples) -> Recorded:
    orders = [order_of_rows(found.samples) for found in files]
    fields = [f.largest_field_chars for f in files if f.largest_field_chars is not None]
    mean = mean_in_flight(everything)
    return Recorded(
        rows=sum(found.rows for found in files),
        skipped_rows=sum(found.skipped for found in files),
        duplicate_rows=duplicates(everything if len(files) > 1 else files[0].samples),
        rows_out_of_order=sum(order.out_of_order for order in orders),
        largest_backward_step_s=round(max(order.largest_step_s for order in orders), 6),
        longest_gap_s=round(longest_gap_s(everything), 6),
        peak_in_flight=peak_in_flight(everything),
        mean_in_flight=rounded(mean) if mean is not None else None,
        largest_field_chars=max(fields) if fields else None,
    )


def _notes(files: Sequence[Read], everything: Samples) -> list[str]:
    notes = []
    skipped = sum(found.skipped for found in files)
    if skipped:
        notes.append(f"Damaged rows that were left out: {skipped} (cut, or a time is no number).")
    if everything.time_step_s >= 1:
        notes.append(
            "Times are in whole seconds: the peak of requests in flight is not known, and the "
            "duration is known to a second."
        )
    return notes
