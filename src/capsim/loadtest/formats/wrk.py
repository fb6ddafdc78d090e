"""What wrk and wrk2 print, with or without --latency.

Form and meaning: wrk.c, `print_stats`, `print_stats_latency`, `response_complete`. A request that
takes longer than wrk's timeout is counted as one and left out of the latencies.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from capsim.errors import InputError
from capsim.loadtest.consistent import consistent
from capsim.loadtest.figures import SHARES
from capsim.loadtest.formats.report_text import milliseconds, of_answered
from capsim.loadtest.reading import escaped, read_text, source_file
from capsim.loadtest.recorded import Recorded
from capsim.loadtest.recording import Pattern, Recording, Row

_RUNNING = re.compile(r"Running (\S+) test @ (\S+)")
_CONNECTIONS = re.compile(r"(\d{1,9}) threads? and (\d{1,9}) connections?")
_LATENCY = re.compile(r"^\s*Latency\s+(\S+)\s+(\S+)\s+(\S+)\s+\S+%", re.MULTILINE)
_REQUESTS = re.compile(r"(\d{1,15}) requests in (\S+),")
_RATE = re.compile(r"^Requests/sec:\s+(\d+(?:\.\d+)?)", re.MULTILINE)
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d{1,15})")
_ERRORS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_DISTRIBUTION = re.compile(r"Latency Distribution[^\n]*\n((?:\s+[\d.]+%\s+\S+[ \t]*\r?\n?)+)")
_PERCENTILE = re.compile(r"([\d.]+)%\s+(\S+)")
_RATE_ASKED = "wrk2 sends at a fixed rate, which it does not print: give --rate."
_USERS = "Connections are taken for users."
_THINK = (
    "wrk does not think between requests, unless its script has a delay: give --think 0, or the "
    "delay."
)
_NAMES = {round(share * 100, 3): name for name, share in SHARES.items()}


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a text has what wrk prints, perhaps after a shell's prompt."""
    return bool(_RUNNING.search(head) and _CONNECTIONS.search(head))


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one report.

    Raises:
        InputError: it is no report of wrk's, holds several, or is cut.
    """
    path = paths[0]
    source = escaped(path.name)
    text = read_text(path)
    if len(_RUNNING.findall(text)) > 1:
        raise InputError(f"{source}: holds several reports of wrk; save each in a file of its own")
    counted = _REQUESTS.search(text)
    running, connections = _RUNNING.search(text), _CONNECTIONS.search(text)
    if counted is None or running is None or connections is None:
        raise InputError(f"{source}: has no line '... requests in ...'; is the report cut?")
    requests = int(counted[1])
    errors = [int(number) for number in found.groups()] if (found := _ERRORS.search(text)) else []
    failed = int(found[1]) if (found := _FAILED.search(text)) else 0
    rate = float(found[1]) if (found := _RATE.search(text)) else None
    values = of_answered(_times(text, source), requests, errors[3] if errors else 0)
    total = consistent(
        {**values, "requests": requests, "failures": failed, "rps": rate}, source, "total", "wrk"
    )
    if total is None:
        raise InputError(f"{source}: has no answered requests; was the server there?")
    is_wrk2 = "Thread calibration" in text or "HdrHistogram" in text
    return Recording(
        tool="wrk",
        sources=(source_file(path),),
        rows=(Row(endpoint=pattern(running[2]), figures=total.model_copy(update={"rps": None})),),
        total=total,
        failures_by_status={"status 400 or above": failed} if failed else {},
        # Its own seconds have three digits; requests / rate has more.
        duration_s=(
            float(f"{requests / rate:.6g}")
            if rate
            else milliseconds(counted[2], source, "duration") / 1000
        ),
        users=None if is_wrk2 else int(connections[2]),
        recorded=Recorded(rows=1),
        notes=tuple(_notes(errors, is_wrk2=is_wrk2)),
        asks={"rate": _RATE_ASKED} if is_wrk2 else {"users": _USERS, "think": _THINK},
    )


def _times(text: str, source: str) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    latency = _LATENCY.search(text)
    if latency is not None:
        values["mean_ms"] = milliseconds(latency[1], source, "Latency Avg")
        values["max_ms"] = milliseconds(latency[3], source, "Latency Max")
    distribution = _DISTRIBUTION.search(text)
    for percent, written in _PERCENTILE.findall(distribution[1]) if distribution else []:
        name = _NAMES.get(round(float(percent), 3)) if percent.count(".") < 2 else None  # noqa: PLR2004 (1.2.3)
        if name is not None:
            values[name] = milliseconds(written, source, f"{percent}%")
    return values


def _notes(errors: Sequence[int], *, is_wrk2: bool) -> Iterator[str]:
    if errors and any(errors):
        connect, read, write, timeout = errors
        yield (
            f"Socket errors: connect {connect}, read {read}, write {write}, timeout {timeout}. "
            "They are not among the requests."
        )
        if timeout:
            yield (
                "wrk leaves requests beyond its timeout out of its latencies: the mean, the "
                "maximum and the percentiles that they could move are left out."
            )
    if is_wrk2:
        yield "wrk2's times count from when a request was due."
    yield "wrk keeps no history: it is not known whether the test was steady."
