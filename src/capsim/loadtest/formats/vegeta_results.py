"""Vegeta's results, encoded as lines of JSON or as CSV (`vegeta encode`).

Their fields: vegeta's lib/results.go (CSV: time in ns, status, latency in ns, bytes out, bytes in,
error, body, attack, number, method, URL, headers). A result's time is that of its start. As in
vegeta's reports, an answer of 200 to 399 is a success.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.formats.columns import read_columns
from capsim.loadtest.formats.columns_coded import Coded, joined, status_code
from capsim.loadtest.formats.columns_growing import Floats, Texts, json_table, real, seconds, word
from capsim.loadtest.formats.columns_sieve import Sieve
from capsim.loadtest.reading import escaped, head, lines
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.samples import FloatArray, as_samples, sound
from capsim.loadtest.samples_summary import Read, recording_of

_NS = 1e-9
_CSV = (
    "timestamp",
    "code",
    "latency",
    "bytes_out",
    "bytes_in",
    "error",
    "body",
    "attack",
    "seq",
    "method",
    "url",
    "headers",
)
_WITHOUT_HEADERS = len(_CSV) - 1  # before vegeta 12.9
_GOOD = range(200, 400)
_RATE_ASKED = "Vegeta sends at a rate, not by a number of users: give --rate."


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is a list of vegeta's results, by its first line."""
    first = head.lstrip("\ufeff\r\n").partition("\n")[0]
    if first.startswith("{"):
        return '"latency":' in first and '"timestamp":' in first and '"attack":' in first
    cells = first.split(",")
    numbers = [cell.strip('"') for cell in cells[:5]]
    return (
        len(cells) >= _WITHOUT_HEADERS
        and all(cell.isascii() and cell.isdigit() for cell in numbers)
        and len(numbers[0]) in {18, 19}  # nanoseconds since 1970
    )


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one file, or of several that vegeta wrote at the same time.

    Raises:
        InputError: a file is damaged beyond single rows, or has no result.
    """
    found = recording_of(paths, _read, pattern, "vegeta")
    return replace(found, asks=found.asks | {"rate": _RATE_ASKED})


def _read(path: Path) -> Read:
    return _read_json(path) if head(path).lstrip().startswith("{") else _read_csv(path)


def _read_json(path: Path) -> Read:
    start_s, latency_s, status, endpoint = Floats(), Floats(), Texts(), Texts()
    rows = damaged = 0
    with closing(lines(path)) as source:
        for line in _not_blank(source):
            rows += 1
            found = json_table(line)
            if found is None:
                damaged += 1
                continue
            start_s.add(seconds(found.get("timestamp")))
            latency_s.add(real(found.get("latency")) * _NS)
            status.add(word(found.get("code")))
            endpoint.add(f"{word(found.get('method'))} {word(found.get('url'))}")
    return _made(
        start_s.all(), latency_s.all(), status.all(), endpoint.all(), rows=rows, damaged=damaged
    )


def _not_blank(source: Iterator[str]) -> Iterator[str]:
    return (line for line in source if not line.isspace())


def _read_csv(path: Path) -> Read:
    count = len(Sieve(path).header)  # of the first row
    if count not in {len(_CSV), _WITHOUT_HEADERS}:
        raise InputError(
            f"{escaped(path)}: has {count} columns; vegeta encode writes {len(_CSV)} or "
            f"{_WITHOUT_HEADERS}"
        )
    columns = read_columns(
        path,
        header=_CSV[:count],
        numbers=["latency"],
        times=["timestamp"],
        texts=["code", "method", "url"],
    )
    method, url = columns.texts["method"], columns.texts["url"]
    codes, names = joined(method, url)
    return _made(
        columns.numbers["timestamp"] * _NS,
        columns.numbers["latency"] * _NS,
        columns.texts["code"],
        Coded(codes=codes, names=names),
        rows=columns.rows,
        damaged=columns.skipped,
    )


def _made(
    start_s: FloatArray,
    latency_s: FloatArray,
    status: Coded,
    endpoint: Coded,
    *,
    rows: int,
    damaged: int,
) -> Read:
    keep = sound(start_s, latency_s)
    good = np.array([status_code(name) in _GOOD for name in status.names], bool)
    return Read(
        samples=as_samples(
            start_s[keep],
            latency_s[keep],
            endpoint=endpoint.only(keep).codes,
            endpoints=endpoint.names,
            status=status.only(keep).codes,
            statuses=status.names,
            failed=~np.asarray(status.select(good))[keep],
        ),
        rows=rows,
        skipped=damaged + int((~keep).sum()),
    )
