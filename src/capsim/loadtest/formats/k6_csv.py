"""k6's metrics as CSV (`--out csv`): a row per value of a metric.

Columns: `metric_name`, `timestamp`, `metric_value`, then the tags that k6 was told to write (k6's
output/csv). A request's time is that of its end; its value is in milliseconds.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.formats.columns import Columns, read_columns
from capsim.loadtest.formats.columns_coded import joined, status_code
from capsim.loadtest.formats.columns_sieve import Sieve
from capsim.loadtest.formats.columns_times import step_of, unit_since_1970
from capsim.loadtest.reading import escaped
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.samples import BoolArray, FloatArray, IndexArray, as_samples, sound
from capsim.loadtest.samples_summary import Read, recording_of

_MS = 1e-3
_TAGS = ("method", "name", "url", "status", "expected_response", "error")
GOOD = range(200, 400)  # HTTP status
DURATION, FAILED, USERS = "http_req_duration", "http_req_failed", "vus"
CONNECTING = (
    "k6's http_req_duration leaves out the time to connect and for TLS; a request starts here "
    "after that."
)


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is k6's CSV, by its first columns."""
    return head.lstrip("\ufeff\r\n").startswith("metric_name,timestamp,metric_value")


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one file, or of several that k6 wrote at the same time.

    Raises:
        InputError: a file is damaged beyond single rows, or has no HTTP request.
    """
    return recording_of(paths, _read, pattern, "k6")


def _read(path: Path) -> Read:
    header = Sieve(path).header
    tags = [name for name in _TAGS if name in header]
    columns = read_columns(
        path, numbers=["metric_value"], times=["timestamp"], texts=["metric_name", *tags]
    )
    metric = columns.texts["metric_name"]
    is_request, is_users = metric.where(DURATION), metric.where(USERS)
    if not is_request.any():
        raise InputError(
            f"{escaped(path)}: has no rows of {DURATION}, so no HTTP requests; name the file of a "
            "test that sends some"
        )
    time_s = _seconds(columns, path)
    value = columns.numbers["metric_value"]
    end_s, response_s = time_s[is_request], value[is_request] * _MS
    is_sound = sound(end_s, response_s)
    failed, notes = _failed(columns, is_request)
    names, endpoints = _names(columns, is_request)
    status = columns.texts.get("status")
    samples = as_samples(
        (end_s - response_s)[is_sound],
        response_s[is_sound],
        endpoint=names[is_sound] if names is not None else None,
        endpoints=endpoints,
        status=status.only(is_request).codes[is_sound] if status else None,
        statuses=status.names if status else (),
        failed=failed[is_sound] if failed is not None else None,
        users=users_at(end_s[is_sound], time_s[is_users], value[is_users]),
        time_step_s=step_of(end_s[is_sound]),
    )
    return Read(
        samples=samples,
        rows=columns.rows,
        skipped=columns.skipped + int((~is_sound).sum()),
        largest_field_chars=columns.largest_field_chars,
        notes=(CONNECTING, *notes),
        has_failures=failed is not None,
    )


def _seconds(columns: Columns, path: Path) -> FloatArray:
    """Return the times in seconds: K6_CSV_TIME_FORMAT is a unit since 1970, or RFC 3339."""
    times = columns.numbers["timestamp"]
    if "timestamp" in columns.is_date:
        return times
    unit = unit_since_1970(times)
    if unit is None:
        raise InputError.at(
            escaped(path),
            "timestamp",
            "is no time since 1970",
            remedy="K6_CSV_TIME_FORMAT should be unix, unix_milli or rfc3339",
        )
    return times * unit


def users_at(end_s: FloatArray, time_s: FloatArray, users: FloatArray) -> FloatArray | None:
    """Return the last number of virtual users that k6 reported before each request ended.

    Args:
        end_s: (requests,) seconds.
        time_s: (reports,) seconds on the same clock.
        users: (reports,) virtual users.

    Returns:
        (requests,) users, of the first report where none came before; none: no reports.
    """
    known = np.isfinite(time_s) & np.isfinite(users) & (users >= 0)
    if not known.any():
        return None
    order = np.argsort(time_s[known], kind="stable")
    times, values = time_s[known][order], users[known][order]
    place = np.searchsorted(times, end_s, side="right") - 1
    return np.asarray(values[np.maximum(place, 0)], np.float64)


def _failed(columns: Columns, is_request: BoolArray) -> tuple[BoolArray | None, list[str]]:
    expected, status = columns.texts.get("expected_response"), columns.texts.get("status")
    metric = columns.texts["metric_name"]
    if expected is not None and not expected.where("")[is_request].any():
        return ~expected.where("true")[is_request], []
    flags = columns.numbers["metric_value"][metric.where(FAILED)]
    if len(flags) == is_request.sum():
        # k6 writes both metrics of a request together, so that they are in the same order.
        return flags > 0, []
    if status is not None:
        good = np.array([status_code(name) in GOOD for name in status.names], bool)
        return ~np.asarray(status.select(good))[is_request], [
            "expected_response is missing: what is not answered 2xx or 3xx counts as failed."
        ]
    return None, ["Neither expected_response nor status is there: failures are not known."]


def _names(columns: Columns, is_request: BoolArray) -> tuple[IndexArray | None, tuple[str, ...]]:
    """Return the index and the names `METHOD name`, with the URL where there is no name."""
    name = columns.texts.get("name") or columns.texts.get("url")
    if name is None:
        return None, ()
    method = columns.texts.get("method")
    if method is None:
        return name.only(is_request).codes, name.names
    return joined(method.only(is_request), name.only(is_request))
