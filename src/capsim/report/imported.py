"""What was read from the files of load tests, for people, at 80 columns."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType

from capsim.loadtest.assembling import Imported
from capsim.loadtest.figures import Figures
from capsim.loadtest.guarded import escaped, shortened
from capsim.loadtest.observations import LoadTest
from capsim.loadtest.steady import Shape
from capsim.report import layout, numbers

WIDTH = 80
_COLUMNS = ("", "requests", "failed", "requests/s", "mean", "p50", "p95", "slowest")
_ROW_COLUMNS = ("endpoint", "names", "requests", "failed", "mean", "p50", "p95")
_MOST_ROWS = 15
_MOST_STATUSES = 6
_LONGEST = 100  # characters of a name; the dataset has more of it
_LONGEST_LINE = 600  # of a note or a finding, whatever names stand in it


def renderable(
    imported: Sequence[Imported],
    ignored: Sequence[str] = (),
    findings: Sequence[str] | None = None,
) -> Group:
    """Return every load test: its load, its figures, its endpoints, and what to know of them.

    Args:
        imported: the load tests.
        ignored: files that are none.
        findings: what an audit says of them, a line each; none: they were not audited.
    """
    parts: list[RenderableType] = []
    for number, found in enumerate(imported):
        parts += [layout.sentence("")] if number else []
        parts.append(_one(found))
    if ignored:
        listed = ", ".join(escaped(name) for name in ignored[:_MOST_ROWS])
        more = f" and {len(ignored) - _MOST_ROWS} more" if len(ignored) > _MOST_ROWS else ""
        parts.append(layout.section("Not read", layout.sentence(f"{listed}{more}")))
    if findings is not None:
        lines = findings or ["Nothing found."]
        parts.append(layout.section("Audit", layout.bullets(map(_bullet, lines))))
    return Group(*parts)


def _one(found: Imported) -> Group:
    recording = found.recording
    files = ", ".join(source.name for source in recording.sources)
    parts: list[RenderableType] = [
        layout.title(found.name, f"{recording.tool}: {files}", load_in_words(found)),
        layout.table(_COLUMNS, _figures(found.test)),
    ]
    rows = sorted(recording.rows, key=lambda row: -(row.figures.requests or 0))
    if rows:
        table = [
            (
                shortened(escaped(row.endpoint), _LONGEST),
                f"{row.number_of_names:,}",
                *_counts(row.figures),
                *_times(row.figures),
            )
            for row in rows[:_MOST_ROWS]
        ]
        parts.append(layout.section("Endpoints", layout.table(_ROW_COLUMNS, table)))
        if len(rows) > _MOST_ROWS:
            parts.append(layout.sentence(f"and {len(rows) - _MOST_ROWS} more", layout.QUIET))
    notes = [*_patterns(found), *_statuses(recording.failures_by_status), *found.notes]
    if found.test.held_out:
        notes.append("Held out: nothing will be calibrated on it.")
    if notes:
        parts.append(layout.section("Notes", layout.bullets(map(_bullet, notes))))
    return Group(*parts)


def _bullet(text: str) -> str:
    return shortened(escaped(text), _LONGEST_LINE)


def load_in_words(found: Imported) -> str:
    """Return users or rate, duration, ramp and steady part as one line."""
    test = found.test
    load = f"{test.users} users" if test.users else f"{numbers.number(test.rate or 0)} requests/s"
    words = [f"{load}, {test.duration_s:g} s"]
    words += _steady(test, found.shape)
    return "; ".join(words)


def _steady(test: LoadTest, shape: Shape | None) -> Iterator[str]:
    if shape is None:
        yield "no history"
    elif test.steady is not None:
        yield f"steady from {test.steady.from_s:g} s to {test.steady.until_s:g} s"
    elif len(shape.levels) > 1:
        yield f"{len(shape.levels)} levels of users, no steady part"
    else:
        yield "no steady part"


def _figures(test: LoadTest) -> Iterator[tuple[str, ...]]:
    yield _line("whole test", test.total, test.rps)
    if test.steady is not None:
        yield _line("steady part", test.steady, test.steady.rps)
    else:
        for part in test.stretches:
            users = "" if part.users is None else f", {part.users:.0f} users"
            yield _line(f"{part.from_s:g}..{part.until_s:g} s{users}", part, part.rps)


def _line(name: str, figures: Figures, rps: float | None) -> tuple[str, ...]:
    rate = numbers.UNDEFINED if rps is None else numbers.number(rps)
    return (name, *_counts(figures), rate, *_times(figures), _time(figures.max_ms))


def _counts(figures: Figures) -> tuple[str, str]:
    ratio = figures.failure_ratio
    requests = numbers.UNDEFINED if figures.requests is None else f"{figures.requests:,}"
    return requests, numbers.UNDEFINED if ratio is None else numbers.share(ratio)


def _times(figures: Figures) -> tuple[str, str, str]:
    return _time(figures.mean_ms), _time(figures.p50_ms), _time(figures.p95_ms)


def _time(value_ms: float | None) -> str:
    return numbers.UNDEFINED if value_ms is None else numbers.seconds(value_ms / 1000)


def _patterns(found: Imported) -> Iterator[str]:
    for row in found.recording.rows:
        if row.number_of_names > 1:
            lost = "" if row.figures.p50_ms is not None else "; percentiles cannot be added up"
            names = f"{row.number_of_names:,} names, e.g. {shortened(row.names[0], _LONGEST)}"
            yield f"{shortened(row.endpoint, _LONGEST)} stands for {names}{lost}."


def _statuses(failures: Mapping[str, int]) -> Iterator[str]:
    if failures:
        ordered = sorted(failures.items(), key=lambda item: -item[1])
        shown = [
            f"{number:,} x {shortened(status, _LONGEST)}"
            for status, number in ordered[:_MOST_STATUSES]
        ]
        more = sum(number for _, number in ordered[_MOST_STATUSES:])
        yield f"Failures: {', '.join(shown)}{f', {more:,} others' if more else ''}."
