"""Locust's `_failures.csv`: how often each error occurred, by HTTP status where it names one."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from capsim.loadtest.reading import escaped, number, read_table

# `HTTPError('429 Client Error: ...')`, and what people write into `response.failure(...)`.
_STATUS = re.compile(r"(?<![\d.:/-])([45]\d\d)(?![\d.:]*\d|[\d/%-]|\s*(ms|s|bytes|requests)\b)")
_IDS = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4,}|https?://\S+", re.IGNORECASE)
_LONGEST = 80  # characters of an error that are kept
_MOST = 20  # different errors that are listed


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Failed requests by HTTP status, or by the error's words where it names no status."""

    by_status: Mapping[str, int]
    skipped_rows: int


def read_failures(path: Path) -> Failures:
    """Read the file.

    Raises:
        InputError: it cannot be read.
    """
    table = read_table(path)
    names = [name.lower() for name in table.header]
    counts: Counter[str] = Counter()
    skipped = table.skipped
    for row in table.rows:
        cells = dict(zip(names, row, strict=True))
        occurrences = number(cells.get("occurrences", ""), escaped(path.name), "Occurrences")
        if occurrences is None or occurrences < 1 or occurrences % 1:
            skipped += 1
        else:
            counts[status_of(cells.get("error", ""))] += int(occurrences)
    return Failures(by_status=fewer(counts), skipped_rows=skipped)


def status_of(error: str) -> str:
    """Return the one HTTP status that an error names, or its words without what is unique."""
    found = {match[1] for match in _STATUS.finditer(error)}
    if len(found) == 1:
        return found.pop()
    words = " ".join(_IDS.sub("...", escaped(error)).split())
    return words[:_LONGEST] or "no reason given"


def fewer(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the most frequent errors, and the others as one."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = dict(ordered[:_MOST])
    rest = sum(count for _, count in ordered[_MOST:])
    return kept | {"other errors": kept.get("other errors", 0) + rest} if rest else kept
