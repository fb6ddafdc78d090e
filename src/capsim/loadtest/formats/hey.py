"""What hey prints: a summary, percentiles, and answers by status.

Form and meaning: hey's requester/print.go and requester/report.go. Times are of answered requests;
those that failed without an answer stand under `Error distribution`.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from capsim.errors import InputError
from capsim.loadtest.consistent import consistent
from capsim.loadtest.figures import SHARES
from capsim.loadtest.formats.locust_failures import fewer, status_of
from capsim.loadtest.formats.report_text import of_answered
from capsim.loadtest.reading import escaped, read_text, source_file
from capsim.loadtest.recorded import Recorded
from capsim.loadtest.recording import Pattern, Recording

_SUMMARY = re.compile(r"^\s*(Total|Slowest|Fastest|Average):\s+(\d+\.\d+) secs?", re.MULTILINE)
_RATE = re.compile(r"^\s*Requests/sec:\s+(\d+(?:\.\d+)?)", re.MULTILINE)
_PERCENTILE = re.compile(r"^\s*(\d+(?:\.\d+)?)%{1,2} in (\d+\.\d+) secs?", re.MULTILINE)
_STATUS = re.compile(r"^\s*\[(\d{3})\]\s+(\d{1,15}) responses", re.MULTILINE)
_ERRORS = re.compile(r"Error distribution:\s*\n((?:\s*\[\d+\].*\n?)+)")
_ERROR = re.compile(r"\[(\d{1,15})\]\s+(.*)")
_NAMES = {"Slowest": "max_ms", "Fastest": "min_ms", "Average": "mean_ms"}
_PERCENT = {f"{share * 100:g}": name for name, share in SHARES.items()}
_FAILED_FROM = 400  # HTTP status
_WORKERS = (
    "hey does not print how many workers it had: give --users, the -c that it was called with "
    "(50 by default)."
)


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a text has hey's summary."""
    return bool(
        "Summary:" in head and _RATE.search(head) and re.search(r"Slowest:\s+[\d.]+ secs", head)
    )


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:  # noqa: ARG001 (hey names no URL)
    """Return the load test of one report.

    Raises:
        InputError: it is no report of hey's, holds several, or is cut.
    """
    path = paths[0]
    source = escaped(path.name)
    text = read_text(path)
    if len(_RATE.findall(text)) > 1:
        raise InputError(f"{source}: holds several reports of hey; save each in a file of its own")
    statuses = {status: int(number) for status, number in _STATUS.findall(text)}
    block = _ERRORS.search(text)
    errors: dict[str, int] = {}
    for number, words in _ERROR.findall(block[1]) if block else []:
        key = status_of(words)
        errors[key] = errors.get(key, 0) + int(number)
    answered, unanswered = sum(statuses.values()), sum(errors.values())
    summary = {name: float(value) for name, value in _SUMMARY.findall(text)}
    if not answered + unanswered or "Total" not in summary:
        raise InputError(f"{source}: has no status code distribution; is the report cut?")
    failures = {s: n for s, n in statuses.items() if int(s) >= _FAILED_FROM} | errors
    rate = _RATE.search(text)
    values = of_answered(_times(text, summary), answered, unanswered)
    total = consistent(
        {
            **values,
            "requests": answered + unanswered,
            "failures": sum(failures.values()),
            "rps": float(rate[1]) if rate else None,
        },
        source,
        "total",
        "hey",
    )
    return Recording(
        tool="hey",
        sources=(source_file(path),),
        total=total,
        failures_by_status=fewer({name: number for name, number in failures.items() if number}),
        duration_s=summary["Total"] or None,
        recorded=Recorded(rows=1),
        notes=tuple(_notes(unanswered)),
        asks={"users": _WORKERS},
    )


def _times(text: str, summary: dict[str, float]) -> dict[str, float | None]:
    values: dict[str, float | None] = {
        ours: summary[theirs] * 1000 for theirs, ours in _NAMES.items() if theirs in summary
    }
    for percent, value in _PERCENTILE.findall(text):
        name = _PERCENT.get(percent)
        if name is not None and float(value) > 0:  # 0: too few requests for it
            values[name] = float(value) * 1000
    return values


def _notes(unanswered: int) -> Iterator[str]:
    if unanswered:
        yield (
            f"{unanswered} requests had no answer. hey leaves them out of its times: the mean, the "
            "maximum and the percentiles that they could move are left out."
        )
    yield "hey keeps no history: it is not known whether the test was steady."
