"""Any CSV with a row per request: its columns are known by their names, or given.

`timestamp, response_time_ms, endpoint, status` is an example. A response time needs its unit in
the name of its column; times may also be dates, or numbers since 1970, whose size tells the unit.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.formats.columns import Columns, read_columns, shown
from capsim.loadtest.formats.columns_coded import Coded, joined, status_code
from capsim.loadtest.formats.columns_names import Named, recognised, with_given
from capsim.loadtest.formats.columns_sieve import Sieve
from capsim.loadtest.formats.columns_times import step_of, unit_since_1970
from capsim.loadtest.reading import delimiter_of, escaped
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.samples import BoolArray, FloatArray, IndexArray, as_samples, sound
from capsim.loadtest.samples_summary import Read, recording_of

_FAILED_FROM = 400  # HTTP status
_YES = ("true", "1", "yes", "y", "ok", "pass", "passed", "success", "1.0")
_NO = ("false", "0", "no", "n", "", "none", "null", "nan", "ok", "-", "0.0")


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file has a header with a time and a response time; units may be missing."""
    first = head.lstrip("\ufeff\r\n").partition("\n")[0]
    header = [cell.strip().strip('"') for cell in first.split(delimiter_of(first))]
    found = recognised(header)
    times = {"start", "end"} & set(found)
    return bool(times) and ("response_time" in found or times == {"start", "end"})


def read(
    paths: Sequence[Path], pattern: Pattern, columns: Mapping[str, str] | None = None
) -> Recording:
    """Return the load test of one table, or of several that were written at the same time.

    Args:
        paths: the files.
        pattern: what groups names to endpoints.
        columns: names of columns by what they hold (`start`, `end`, `response_time`, with a unit
            such as `response_time_ms`; `endpoint`, `method`, `status`, `success`, `failed`,
            `users`); they come before what is recognised.

    Raises:
        InputError: a file is damaged beyond single rows, or a column or its unit is not known.
    """
    return recording_of(paths, partial(_read, given=columns or {}), pattern, "requests")


def _read(path: Path, given: Mapping[str, str]) -> Read:
    header = Sieve(path).header
    named = with_given(recognised(header), given, header, path)
    _check(named, header, path)
    texts = ("endpoint", "method", "status", "success", "failed")
    columns = read_columns(
        path,
        numbers=[named[key].column for key in ("response_time", "users") if key in named],
        times=[named[key].column for key in ("start", "end") if key in named],
        texts=[named[key].column for key in texts if key in named],
    )
    start_s, response_s, step_s = _times(columns, named, path)
    keep = sound(start_s, response_s)
    failed, notes = _failed(columns, named)
    codes, names = _endpoints(columns, named)
    status = _text(columns, named, "status")
    samples = as_samples(
        start_s[keep],
        response_s[keep],
        endpoint=codes[keep] if codes is not None else None,
        endpoints=names,
        status=status.only(keep).codes if status else None,
        statuses=status.names if status else (),
        failed=failed[keep] if failed is not None else None,
        users=columns.numbers[named["users"].column][keep] if "users" in named else None,
        time_step_s=step_s,
    )
    return Read(
        samples=samples,
        rows=columns.rows,
        skipped=columns.skipped + int((~keep).sum()),
        largest_field_chars=columns.largest_field_chars,
        notes=tuple(notes),
        has_failures=failed is not None,
    )


def _check(named: Mapping[str, Named], header: Sequence[str], path: Path) -> None:
    there = shown(header)
    if "start" not in named and "end" not in named:
        raise InputError(
            f"{escaped(path)}: has no column that says when a request was sent; name it with "
            f"--columns start=COLUMN (there are {there})"
        )
    response = named.get("response_time")
    if response is None and not {"start", "end"} <= set(named):
        raise InputError(
            f"{escaped(path)}: has no column of response times; name it with --columns "
            f"response_time_ms=COLUMN (there are {there})"
        )
    if response is not None and response.unit_s is None:
        name = shown([response.column])
        raise InputError.at(
            escaped(path),
            "column",
            "does not say its unit",
            value=response.column,
            remedy=f"call it {name}_ms, {name}_s or {name}_us",
        )


def _times(
    columns: Columns, named: Mapping[str, Named], path: Path
) -> tuple[FloatArray, FloatArray, float]:
    """Return starts and response times in seconds, and the resolution of the starts."""
    clocks = {key: _clock(columns, named[key], path) for key in ("start", "end") if key in named}
    if "response_time" in named:
        response = named["response_time"]
        response_s = columns.numbers[response.column] * (response.unit_s or np.nan)
    else:
        response_s = clocks["end"] - clocks["start"]
    step_s = step_of(next(iter(clocks.values())))
    start_s = clocks["start"] if "start" in clocks else clocks["end"] - response_s
    return start_s, response_s, step_s


def _clock(columns: Columns, named: Named, path: Path) -> FloatArray:
    """Return times in seconds.

    Raises:
        InputError: neither the name nor the size of the times tells their unit.
    """
    times = columns.numbers[named.column]
    if named.column in columns.is_date or not np.isfinite(times).any():
        return times
    unit_s = named.unit_s or unit_since_1970(times)
    if unit_s is None:
        name = shown([named.column])
        raise InputError.at(
            escaped(path),
            "column",
            "has times that are not since 1970, and does not say its unit",
            value=named.column,
            remedy=f"call it {name}_s or {name}_ms",
        )
    return times * unit_s


def _text(columns: Columns, named: Mapping[str, Named], key: str) -> Coded | None:
    return columns.texts[named[key].column] if key in named else None


def _endpoints(
    columns: Columns, named: Mapping[str, Named]
) -> tuple[IndexArray | None, tuple[str, ...]]:
    target, method = _text(columns, named, "endpoint"), _text(columns, named, "method")
    if target is None:
        return None, ()
    return joined(method, target) if method is not None else (target.codes, target.names)


def _failed(columns: Columns, named: Mapping[str, Named]) -> tuple[BoolArray | None, list[str]]:
    """Return which requests failed: as the table says, or by their status."""
    success, failed = _text(columns, named, "success"), _text(columns, named, "failed")
    if success is not None:
        return ~success.where(*_YES), []
    if failed is not None:
        return ~failed.where(*_NO), []
    status = _text(columns, named, "status")
    if status is not None:
        good = np.array([0 < status_code(name) < _FAILED_FROM for name in status.names], bool)
        return ~np.asarray(status.select(good)), [
            "No column says which requests failed: those without a status below 400 are counted."
        ]
    return None, ["Neither success, failed nor status is there: failures are not known."]
