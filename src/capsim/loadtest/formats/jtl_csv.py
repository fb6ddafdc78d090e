"""JMeter's results as CSV (JTL): any of its columns in any order, with or without a header.

Its columns: "CSV Log format" in JMeter's user manual (Listeners), JMeter 2.4 to 5.6. A row's time
is that of the start of the sample, as jmeter.properties has it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.formats.columns import Columns, read_columns
from capsim.loadtest.formats.columns_coded import Coded, status_code
from capsim.loadtest.formats.columns_sieve import Sieve
from capsim.loadtest.reading import escaped
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.samples import BoolArray, as_samples, sound
from capsim.loadtest.samples_summary import Read, recording_of

# The order of jmeter.properties, for files without a header (print_field_names=false).
_DEFAULT = [
    "timeStamp",
    "elapsed",
    "label",
    "responseCode",
    "responseMessage",
    "threadName",
    "dataType",
    "success",
    "failureMessage",
    "bytes",
    "sentBytes",
    "grpThreads",
    "allThreads",
    "URL",
    "Latency",
    "IdleTime",
    "Connect",
]
_WITHOUT_HEADER = {  # JMeter 2 had fewer columns
    17: _DEFAULT,
    16: [name for name in _DEFAULT if name != "URL"],
    15: [name for name in _DEFAULT if name not in {"URL", "sentBytes"}],
    14: [name for name in _DEFAULT if name not in {"URL", "sentBytes", "failureMessage"}],
}
_TEXTS = ("label", "responseCode", "responseMessage", "success", "threadName")
TRANSACTION = re.compile(r"Number of samples in transaction : (\d+)")
_FIRST_ROW = re.compile(r"\d{12,14}[,;\t]\d+[,;\t]")
_DATE = re.compile(r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d[.,]?\d*[,;\t]\d+[,;\t]")
_GOOD = range(200, 400)
_MS = 1e-3


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is a JTL: its header, or a row in JMeter's default order."""
    first = head.lstrip("\ufeff\r\n").partition("\n")[0]
    columns = {column.strip().strip('"') for column in re.split(r"[,;\t]", first)}
    if {"timeStamp", "elapsed"} <= columns:
        return True
    return _is_row(first) and len(re.split(r"[,;\t]", first)) >= min(_WITHOUT_HEADER)


def _is_row(line: str) -> bool:
    return bool(_FIRST_ROW.match(line) or _DATE.match(line))


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one JTL, or of several that were written at the same time.

    Raises:
        InputError: a file is damaged beyond single rows, or has no sample.
    """
    return recording_of(paths, _read, pattern, "jmeter")


def _read(path: Path) -> Read:
    sieve = Sieve(path)
    header = _header(path, sieve.header)
    names = sieve.header if header is None else header
    texts = [name for name in _TEXTS if name in names]
    users = [name for name in ("allThreads",) if name in names]
    columns = read_columns(
        path, numbers=["elapsed", *users], times=["timeStamp"], texts=texts, header=header
    )
    start_s, step_s = _starts(columns)
    response_s = columns.numbers["elapsed"] * _MS
    messages = columns.texts.get("responseMessage")
    sums, notes = transactions(messages, len(columns))
    is_sound = sound(start_s, response_s)
    failed, failure_note = _failed(columns)
    keep = is_sound & ~sums
    label = columns.texts.get("label")
    status = columns.texts.get("responseCode")
    worker = columns.texts.get("threadName")
    samples = as_samples(
        start_s[keep],
        response_s[keep],
        endpoint=label.only(keep).codes if label else None,
        endpoints=label.names if label else (),
        status=status.only(keep).codes if status else None,
        statuses=status.names if status else (),
        failed=failed[keep] if failed is not None else None,
        users=columns.numbers["allThreads"][keep] if users else None,
        worker=worker.only(keep).codes if worker and len(worker.names) > 1 else None,
        time_step_s=step_s,
    )
    return Read(
        samples=samples,
        rows=columns.rows,
        skipped=columns.skipped + int((~is_sound).sum()),
        largest_field_chars=columns.largest_field_chars,
        notes=(*notes, *failure_note),
        has_failures=failed is not None,
    )


def _header(path: Path, first_row: Sequence[str]) -> list[str] | None:
    """Return the names of the columns where the file has none; none: it has."""
    if "timeStamp" in first_row:
        return None
    header = _WITHOUT_HEADER.get(len(first_row))
    if header is None:
        raise InputError(
            f"{escaped(path)}: has no header, and {len(first_row)} columns are not JMeter's "
            "default; set jmeter.save.saveservice.print_field_names=true, or add the header"
        )
    return header


def _starts(columns: Columns) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], float]:
    times = columns.numbers["timeStamp"]
    if "timeStamp" not in columns.is_date:
        return times * _MS, _MS
    known = times[np.isfinite(times)]
    whole = bool(np.all(known == np.rint(known)))
    return times, 1.0 if whole else _MS


def transactions(messages: Coded | None, rows: int) -> tuple[BoolArray, list[str]]:
    """Return which rows sum up others of a transaction controller, and what to say of them.

    They are not requests, unless the file has nothing else.

    Args:
        messages: the response message of every row, which tells it; none: unknown.
        rows: how many rows there are.
    """
    found = np.zeros(rows, bool)
    if messages is None:
        return found, []
    sizes = np.array([_size(name) for name in messages.names], np.int64)
    of_row = messages.select(sizes)
    found = of_row > 0 if len(of_row) else found
    count = int(found.sum())
    if count == 0:
        return found, []
    if found.all():
        return np.zeros(rows, bool), [
            "All rows are transactions of JMeter: what is called a request here is one of them."
        ]
    notes = [f"{count} rows that sum up a transaction were left out: its requests are counted."]
    if int(of_row.sum()) > rows - count:
        notes.append(
            "Some transactions have requests that the file does not list (Generate parent sample)."
        )
    return found, notes


def _size(message: str) -> int:
    match = TRANSACTION.match(message)
    return int(match[1][:9]) if match else 0


def _failed(columns: Columns) -> tuple[BoolArray | None, list[str]]:
    success, status = columns.texts.get("success"), columns.texts.get("responseCode")
    if success is not None:
        return ~success.where("true"), []
    if status is not None:
        good = np.array([status_code(name) in _GOOD for name in status.names], bool)
        return ~np.asarray(status.select(good)), [
            "The column success is missing: what is not answered 2xx or 3xx counts as failed."
        ]
    return None, ["Neither success nor responseCode is there: failures are not known."]
