"""k6's stream of points as lines of JSON (`--out json`): a line per value of a metric.

Its lines: k6's output/json. A request's time is that of its end; its value is in milliseconds.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.formats.columns_coded import status_code
from capsim.loadtest.formats.columns_growing import (
    Floats,
    Texts,
    below,
    json_table,
    real,
    seconds,
    word,
)
from capsim.loadtest.formats.columns_times import step_of
from capsim.loadtest.formats.k6_csv import CONNECTING, DURATION, FAILED, GOOD, USERS, users_at
from capsim.loadtest.reading import escaped, lines
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.samples import BoolArray, as_samples, sound
from capsim.loadtest.samples_summary import Read, recording_of

_MS = 1e-3
_WANTED = (f'"{DURATION}"', f'"{FAILED}"', f'"{USERS}"')


def recognises(head: str, name: str) -> bool:  # noqa: ARG001 (the contract of a format)
    """Say whether a file is k6's stream, by its first line."""
    first = head.lstrip("\ufeff\r\n").partition("\n")[0]
    is_line = '"Metric"' in first or '"Point"' in first
    return first.startswith("{") and is_line and '"metric":' in first and '"type":' in first


def read(paths: Sequence[Path], pattern: Pattern) -> Recording:
    """Return the load test of one file, or of several that k6 wrote at the same time.

    Raises:
        InputError: a file is damaged beyond single lines, or has no HTTP request.
    """
    return recording_of(paths, _read, pattern, "k6")


class _Points:
    """What is kept of the lines; columns grow with them."""

    def __init__(self) -> None:
        self.rows = 0
        self.damaged = 0
        self.end_s, self.value_ms = Floats(), Floats()
        self.endpoint, self.status, self.expected = Texts(), Texts(), Texts()
        self.flags = Floats()
        self.users_s, self.users = Floats(), Floats()

    def add(self, line: str) -> None:
        self.rows += 1
        if not any(name in line for name in _WANTED) and line.endswith("}\n"):
            return
        found = json_table(line)
        if found is None:
            self.damaged += 1
        elif found.get("type") == "Point":
            self._add_point(found.get("metric"), below(found, "data"))

    def _add_point(self, metric: object, data: dict[str, Any]) -> None:
        value = real(data.get("value"))
        if metric == DURATION:
            tags = below(data, "tags")
            self.end_s.add(seconds(data.get("time")))
            self.value_ms.add(value)
            target = word(tags.get("name")) or word(tags.get("url"))
            self.endpoint.add(f"{word(tags.get('method'))} {target}")
            self.status.add(word(tags.get("status")))
            self.expected.add(word(tags.get("expected_response")))
        elif metric == FAILED:
            self.flags.add(value)
        elif metric == USERS:
            self.users_s.add(seconds(data.get("time")))
            self.users.add(value)

    def failed(self) -> tuple[BoolArray | None, list[str]]:
        """Return which requests failed, from the best of what the lines tell of it."""
        expected, status = self.expected.all(), self.status.all()
        if not expected.where("").any():
            return ~expected.where("true"), []
        flags = self.flags.all()
        if len(flags) == len(expected.codes):
            # k6 writes both metrics of a request together, so that they are in the same order.
            return flags > 0, []
        if not status.where("").all():
            good = np.array([status_code(name) in GOOD for name in status.names], bool)
            return ~np.asarray(status.select(good)), [
                "expected_response is missing: what is not answered 2xx or 3xx counts as failed."
            ]
        return None, ["Neither expected_response nor status is there: failures are not known."]


def _read(path: Path) -> Read:
    points = _Points()
    with closing(lines(path)) as source:
        for line in source:
            if not line.isspace():
                points.add(line)
    end_s, response_s = points.end_s.all(), points.value_ms.all() * _MS
    if len(end_s) == 0:
        raise InputError(
            f"{escaped(path)}: has no points of {DURATION}, so no HTTP requests; name the file of "
            "a test that sends some"
        )
    keep = sound(end_s, response_s)
    failed, notes = points.failed()
    endpoint, status = points.endpoint.all(), points.status.all()
    samples = as_samples(
        (end_s - response_s)[keep],
        response_s[keep],
        endpoint=endpoint.only(keep).codes,
        endpoints=endpoint.names,
        status=status.only(keep).codes,
        statuses=status.names,
        failed=failed[keep] if failed is not None else None,
        users=users_at(end_s[keep], points.users_s.all(), points.users.all()),
        time_step_s=step_of(end_s[keep]),
    )
    return Read(
        samples=samples,
        rows=points.rows,
        skipped=points.damaged + int((~keep).sum()),
        notes=(CONNECTING, *notes),
        has_failures=failed is not None,
    )
