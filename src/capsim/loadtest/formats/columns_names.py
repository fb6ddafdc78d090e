"""What the columns of a table of requests hold, by their names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capsim.errors import InputError
from capsim.loadtest.reading import escaped

# The names that people use, the surer ones first.
_NAMES = {
    "start": (
        "start start_time start_timestamp started started_at sent sent_at request_start "
        "start_date timestamp time_stamp ts time datetime date_time date"
    ),
    "end": "end end_time end_timestamp ended ended_at finished finished_at completed_at stop",
    "response_time": (
        "response_time responsetime latency duration elapsed elapsed_time rt response "
        "request_duration request_time total_time time_taken took rtt"
    ),
    "endpoint": (
        "endpoint url path uri route request_url request_path name request_name label operation "
        "api target request transaction"
    ),
    "method": "method http_method verb request_method",
    "status": "status status_code statuscode http_status http_code response_code code",
    "success": "success successful succeeded ok is_success passed",
    "failed": "failed failure is_failed is_error is_failure failed_flag error",
    "users": "users user_count active_users vus virtual_users concurrency active_threads",
}
_SHOWN = 200  # characters of a header in a message
_TIMES = frozenset({"start", "end", "response_time"})
_UNITS_S = {
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "msecs": 1e-3,
    "millis": 1e-3,
    "millisecond": 1e-3,
    "milliseconds": 1e-3,
    "us": 1e-6,
    "usec": 1e-6,
    "usecs": 1e-6,
    "micros": 1e-6,
    "microseconds": 1e-6,
    "ns": 1e-9,
    "nsec": 1e-9,
    "nanos": 1e-9,
    "nanoseconds": 1e-9,
}
_WORDS = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Named:
    """A column of a file.

    Attributes:
        column: Its name in the file.
        unit_s: The unit of its numbers, in seconds; none: its name says none.
    """

    column: str
    unit_s: float | None = None


def recognised(header: Sequence[str]) -> dict[str, Named]:
    """Return what is known of a header: what a column holds, and which one it is."""
    plain = {column: _parts(column) for column in reversed(header)}
    found: dict[str, Named] = {}
    for key, names in _NAMES.items():
        for name in names.split():
            matches = [
                Named(column=column, unit_s=unit)
                for column, (words, unit) in plain.items()
                if words == name and (unit is None or key in _TIMES)
            ]
            if matches:
                found[key] = matches[-1]
                break
    return found


def _parts(column: str) -> tuple[str, float | None]:
    """Return a name in lower case without its unit, and the unit: `Latency (ms)`, `startMs`."""
    words = [word for word in _WORDS.split(_CAMEL.sub("_", column).lower()) if word]
    if len(words) > 1 and words[-1] in _UNITS_S:
        shorter = words[:-1]
        if shorter[-1] == "in":
            shorter = shorter[:-1]
        return "_".join(shorter), _UNITS_S[words[-1]]
    return "_".join(words), None


def with_given(
    found: Mapping[str, Named], given: Mapping[str, str], header: Sequence[str], path: Path
) -> dict[str, Named]:
    """Return the columns with those that the user named in place of what was recognised.

    Raises:
        InputError: a key is not known, or the file has no such column.
    """
    named = dict(found)
    for key, column in given.items():
        words, unit_s = _parts(key)
        if words not in _NAMES or (unit_s is not None and words not in _TIMES):
            known = ", ".join(_NAMES)
            raise InputError(
                f"--columns {escaped(key)}={escaped(column)}: is none of {known} (times with a "
                "unit: response_time_ms)"
            )
        if column not in header:
            raise InputError(
                f"{escaped(path)}: has no column {escaped(column)}; there are "
                f"{escaped(', '.join(header))[:_SHOWN]}"
            )
        named[words] = Named(column=column, unit_s=unit_s or _parts(column)[1])
    return named


def given_columns(text: str) -> dict[str, str]:
    """Return `start=ts,response_time_ms=lat` as a mapping.

    Raises:
        InputError: it is not written so.
    """
    found: dict[str, str] = {}
    for pair in text.split(","):
        key, equals, column = (part.strip() for part in pair.partition("="))
        if not (key and equals and column) or key in found:
            raise InputError(
                f"--columns {escaped(text)}: write what a column holds and its name, once each: "
                "start=ts,response_time_ms=lat"
            )
        found[key] = column
    return found
