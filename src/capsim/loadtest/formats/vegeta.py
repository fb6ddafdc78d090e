"""What `vegeta report` writes, as text or as JSON.

Form and meaning: vegeta's lib/reporters.go and lib/metrics.go. A success is a status from 200 to
399; status 0 means that there was no answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capsim.errors import InputError
from capsim.loadtest.consistent import consistent
from capsim.loadtest.formats.json_values import count, load_json, real, table
from capsim.loadtest.formats.report_text import milliseconds
from capsim.loadtest.reading import escaped, head, read_text, source_file
from capsim.loadtest.recorded import Recorded
from capsim.loadtest.recording import Pattern, Recording

_LINE = re.compile(
    r"^\s*(Requests|Duration|Latencies|Status Codes)\s+\[([^\]]*)\]\s+(.*)$", re.MULTILINE
)
_CODE = re.compile(r"(\d{1,3}):(\d{1,15})")
_LABELS = {
    "min": "min_ms",
    "mean": "mean_ms",
    "50": "p50_ms",
    "90": "p90_ms",
    "95": "p95_ms",
    "99": "p99_ms",
    "max": "max_ms",
}
_NANOSECONDS = 1e6  # in a millisecond
_SUCCESS = range(200, 400)


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a text is vegeta's report, as text or JSON."""
    if head.lstrip().startswith("{"):
        return '"latencies"' in head and '"50th"' in head
    return bool(
        re.search(r"^\s*Requests\s+\[total, rate", head, re.MULTILINE) and "Latencies" in head
    )


@dataclass(frozen=True, kw_only=True)
class _Report:
    requests: int
    rate: float | None
    attack_s: float | None
    times: Mapping[str, float | None]
    statuses: Mapping[str, int]


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:  # noqa: ARG001 (it names no URL)
    """Return the load test of one report.

    Raises:
        InputError: it is no report of vegeta's, holds several, or is cut.
    """
    path = paths[0]
    source = escaped(path.name)
    is_json = head(path).lstrip().startswith("{")
    report = _of_json(path, source) if is_json else _of_text(read_text(path), source)
    failures = {
        "no answer" if status == "0" else status: number
        for status, number in report.statuses.items()
        if number and int(status) not in _SUCCESS
    }
    total = consistent(
        {**report.times, "requests": report.requests, "failures": sum(failures.values())},
        source,
        "total",
        "vegeta",
    )
    if total is None:
        raise InputError(f"{source}: has no requests; was the attack stopped at once?")
    return Recording(
        tool="vegeta",
        sources=(source_file(path),),
        total=total,
        failures_by_status=failures,
        duration_s=float(f"{report.attack_s:.6g}") if report.attack_s else None,
        rate=float(f"{report.rate:.6g}") if report.rate else None,
        recorded=Recorded(rows=1),
        notes=(
            "vegeta's percentiles are estimates of its own.",
            "vegeta keeps no history: it is not known whether the test was steady.",
        ),
    )


def _of_json(path: Path, source: str) -> _Report:
    tree = load_json(path)
    if not isinstance(tree, dict):
        raise InputError(f"{source}: is a list; name what vegeta report -type=json wrote")
    latencies = table(tree, "latencies", source)
    times = {
        name: real(latencies, f"{label}th" if label.isdigit() else label, source)
        for label, name in _LABELS.items()
    }
    statuses = table(tree, "status_codes", source)
    requests = count(tree, "requests", source)
    nanoseconds = real(tree, "duration", source)
    if requests is None:
        raise InputError(f"{source}: has no requests; name what vegeta report -type=json wrote")
    return _Report(
        requests=requests,
        rate=real(tree, "rate", source),
        attack_s=nanoseconds / 1e9 if nanoseconds else None,
        times={k: v / _NANOSECONDS if v is not None else None for k, v in times.items()},
        statuses=_codes(statuses, source),
    )


def _codes(statuses: Mapping[str, Any], source: str) -> dict[str, int]:
    for status in statuses:
        if not re.fullmatch(r"[0-9]{1,3}", status):
            raise InputError.at(source, "status_codes", "is no HTTP status", value=status)
    return {status: count(statuses, status, source) or 0 for status in statuses}


def _of_text(text: str, source: str) -> _Report:
    lines: dict[str, dict[str, str]] = {}
    codes = ""
    for name, labels, values in _LINE.findall(text):
        if name in lines:
            raise InputError(f"{source}: holds several reports; save each in a file of its own")
        lines[name] = dict(zip(_split(labels), _split(values), strict=False))
        codes = values if name == "Status Codes" else codes
    if not {"Requests", "Duration", "Latencies", "Status Codes"} <= set(lines):
        raise InputError(f"{source}: lacks lines of vegeta's report; is it cut?")
    requests, rate = lines["Requests"].get("total", ""), lines["Requests"].get("rate", "")
    if not re.fullmatch(r"\d{1,15}", requests):
        raise InputError.at(source, "Requests", "is no number of requests", value=requests)
    attack = lines["Duration"].get("attack")
    return _Report(
        requests=int(requests),
        rate=float(rate) if re.fullmatch(r"\d{1,12}(\.\d+)?", rate) else None,
        attack_s=milliseconds(attack, source, "Duration") / 1000 if attack else None,
        times={
            name: milliseconds(lines["Latencies"][label], source, f"Latencies {label}")
            for label, name in _LABELS.items()
            if label in lines["Latencies"]
        },
        statuses={status: int(number) for status, number in _CODE.findall(codes)},
    )


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]
