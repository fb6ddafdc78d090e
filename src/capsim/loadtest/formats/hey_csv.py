"""hey's requests as CSV (`hey -o csv`): a row per answered request, in seconds.

Its columns: hey's requester/print.go. Failed connections are not among the rows, and hey keeps
at most a million requests.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.formats.columns import read_columns
from capsim.loadtest.formats.columns_coded import status_code
from capsim.loadtest.formats.columns_sieve import Sieve
from capsim.loadtest.reading import escaped
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.samples import as_samples, sound
from capsim.loadtest.samples_summary import Read, recording_of

_STEP_S = 1e-4  # hey prints four digits
_MOST = 1_000_000
_FAILED_FROM = 400  # hey follows redirects, and reports any status as an answer


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is hey's CSV, by its first columns."""
    return head.lstrip("\ufeff\r\n").startswith("response-time,DNS+dialup")


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one file, or of several that hey wrote at the same time.

    Raises:
        InputError: a file is damaged beyond single rows, or of a version without `offset`.
    """
    return recording_of(paths, _read, pattern, "hey")


def _read(path: Path) -> Read:
    if "offset" not in Sieve(path).header:
        raise InputError(
            f"{escaped(path)}: has no column offset, so it is not known when the requests were "
            "sent; use hey 0.1.2 or newer, or its own summary"
        )
    columns = read_columns(path, numbers=["response-time", "offset"], texts=["status-code"])
    start_s, response_s = columns.numbers["offset"], columns.numbers["response-time"]
    status = columns.texts["status-code"]
    keep = sound(start_s, response_s)
    good = np.array([0 < status_code(name) < _FAILED_FROM for name in status.names], bool)
    notes = ["hey leaves failed connections out of its rows; its summary counts them."]
    if len(columns) >= _MOST:
        notes.append("hey keeps a million requests at most: there may have been more.")
    return Read(
        samples=as_samples(
            start_s[keep],
            response_s[keep],
            endpoint=None,
            endpoints=(),
            status=status.only(keep).codes,
            statuses=status.names,
            failed=~np.asarray(status.select(good))[keep],
            time_step_s=_STEP_S,
        ),
        rows=columns.rows,
        skipped=columns.skipped + int((~keep).sum()),
        largest_field_chars=columns.largest_field_chars,
        notes=tuple(notes),
    )
