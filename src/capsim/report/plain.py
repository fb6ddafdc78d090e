"""Results as plain data: dictionaries that JSON can hold, and CSV text."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from capsim.metrics.intervals import Interval

# Of a metric beside today's: what `Paired.figures` yields.
PAIRED_COLUMNS = ("metric", "median", "lo", "hi", "difference", "difference_lo", "difference_hi")


def plain(value: object) -> Any:
    """Return a value as JSON can hold it; what is undefined or infinite becomes null."""
    if isinstance(value, Interval):
        return interval(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def interval(value: Interval) -> dict[str, float | None]:
    """Return a predicted value as it stands in JSON."""
    return {"median": plain(value.median), "lo": plain(value.lo), "hi": plain(value.hi)}


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return CSV with a header; an undefined or missing value is an empty cell."""
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if _is_missing(cell) else cell for cell in row])
    return content.getvalue()


def _is_missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
