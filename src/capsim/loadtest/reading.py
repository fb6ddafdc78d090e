"""Guarded reading of result files as text, lines or rows; see `guarded` for what is refused."""

import csv
import hashlib
import io
import math
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from capsim.errors import InputError
from capsim.loadtest.guarded import BLOCK, LONGEST_LINE, blocks, escaped, open_regular, stream
from capsim.loadtest.recorded import SourceFile

__all__ = [
    "Table",
    "csv_rows",
    "delimiter_of",
    "escaped",
    "has_open_end",
    "head",
    "is_locale_number",
    "lines",
    "number",
    "read_table",
    "read_text",
    "source_file",
    "stream",
]

DELIMITERS = ",;\t"
_LARGEST_TEXT = 256 << 20  # bytes of a file that is read as a whole
_BYTES_PER_FIELD = 56  # what Python needs for a short string
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
# 1.234,56 and 1,234 and 12,5 and 1 234,5: what spreadsheets make of numbers.
_LOCALE = re.compile(
    r"[+-]?\d[\d.,'\u00a0\u202f ]*,\d+|[+-]?\d{1,3}(['\u00a0\u202f ,]\d{3})+(\.\d+)?"
)


def head(path: Path, chars: int = 4096) -> str:
    """Return the first characters of a text file, to see what it is.

    Raises:
        InputError: as `guarded.blocks`.
    """
    with closing(blocks(path)) as source:
        # At most 4 bytes make a character.
        begin = b""
        for block in source:
            begin += block
            if len(begin) >= 4 * chars:
                break
    return begin[: 4 * chars].decode("utf-8", "ignore")[:chars]


def read_text(path: Path, limit_bytes: int = _LARGEST_TEXT) -> str:
    """Return a whole text file, with its line ends as they are.

    Raises:
        InputError: as `guarded.blocks`, or it has more than `limit_bytes`.
    """
    parts, size = [], 0
    with closing(blocks(path)) as source:
        for block in source:
            size += len(block)
            if size > limit_bytes:
                raise InputError(
                    f"{escaped(path)}: has more than {limit_bytes >> 20} MiB, too much for a file "
                    "of this kind; is it the right file?"
                )
            parts.append(block)
    text = b"".join(parts).decode("utf-8")
    if not text.strip():
        raise InputError(f"{escaped(path)}: is empty; name a file with results")
    return text


def lines(path: Path) -> Generator[str]:
    """Yield the lines of a text file, line ends included.

    Raises:
        InputError: as `guarded.blocks`.
    """
    with io.TextIOWrapper(stream(path), encoding="utf-8", newline="") as text:
        yield from text


def has_open_end(path: Path) -> bool:
    """Return whether a file ends without a line end, as truncated files do and some sound ones.

    Raises:
        InputError: as `guarded.blocks`.
    """
    last = b""
    for block in blocks(path):
        last = block[-1:] or last
    return last not in {b"\n", b"\r"}


def source_file(path: Path) -> SourceFile:
    """Return the name, the size and the SHA-256 of a file as it lies on the disk.

    Raises:
        InputError: the file cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with open_regular(path) as file:
        try:
            while block := file.read(BLOCK):
                digest.update(block)
                size += len(block)
        except OSError as error:
            raise InputError(f"{escaped(path)}: cannot be read ({error.strerror})") from None
    return SourceFile(name=escaped(path.name), sha256=digest.hexdigest(), size_bytes=size)


def delimiter_of(line: str) -> str:
    """Return which of comma, semicolon and tab separates the fields of a line, quotes aside."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count)


def csv_rows(path: Path, delimiter: str | None = None) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, its header included, blank lines left out.

    Args:
        path: the file.
        delimiter: none: what separates the fields of the first line.

    Raises:
        InputError: as `guarded.blocks`, or a quoted field has no end.
    """
    if delimiter is None:
        delimiter = delimiter_of(head(path).lstrip("\r\n").partition("\n")[0])
    # The reader's limit is the process's own; lines are bounded already.
    csv.field_size_limit(LONGEST_LINE)
    with closing(lines(path)) as source:
        rows = csv.reader(source, delimiter=delimiter)
        try:
            for row in rows:
                if any(cell.strip() for cell in row):
                    yield row
        except csv.Error as error:
            raise InputError(
                f"{escaped(path)}: line {rows.line_num}: {error}; is a quote missing?"
            ) from None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A small CSV file with a header.

    Attributes:
        header: The names of the columns, without spaces around them.
        rows: The rows that have as many fields as the header.
        skipped: Rows that do not, such as a truncated last one.
        repeated_headers: The header again among the rows, as in files put together.
        largest_field_chars: The longest field of all rows.
        open_end: The last line has no line end, so its last field may be cut.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    skipped: int
    repeated_headers: int
    largest_field_chars: int
    open_end: bool

    def dicts(self) -> Iterator[dict[str, str]]:
        """Yield every row by the names of the columns."""
        for row in self.rows:
            yield dict(zip(self.header, row, strict=True))


def read_table(path: Path, delimiter: str | None = None) -> Table:
    """Return a CSV file with a header as a whole.

    Raises:
        InputError: as `csv_rows`, or it has more than fits a file that is read as a whole, or two
            columns have one name.
    """
    if path.is_file() and path.stat().st_size > _LARGEST_TEXT:
        raise InputError(f"{escaped(path)}: has more than {_LARGEST_TEXT >> 20} MiB; split it")
    found = csv_rows(path, delimiter)
    header = tuple(cell.strip() for cell in next(found, []))
    if not header:
        raise InputError(f"{escaped(path)}: is empty; name a file with results")
    for name in header:
        if header.count(name) > 1:
            raise InputError.at(escaped(path), "column", "stands twice", value=name)
    rows, skipped, repeated, largest, size = [], 0, 0, 0, 0
    for row in found:
        width = max(map(len, row))
        largest = max(largest, width)
        size += sum(map(len, row)) + _BYTES_PER_FIELD * len(row)
        if size > _LARGEST_TEXT:  # packed files are larger than they look
            raise InputError(f"{escaped(path)}: has more than {_LARGEST_TEXT >> 20} MiB; split it")
        if tuple(cell.strip() for cell in row) == header:
            repeated += 1
        elif len(row) == len(header):
            rows.append(tuple(row))
        else:
            skipped += 1
    return Table(
        header=header,
        rows=tuple(rows),
        skipped=skipped,
        repeated_headers=repeated,
        largest_field_chars=largest,
        open_end=has_open_end(path),
    )


def number(text: str, source: object, key: str) -> float | None:
    """Return a number as tools write it; none: the field holds none (empty, `N/A`, `nan`, words).

    Raises:
        InputError: it is written as some countries do it (1.234,56 or 1,234): which of the signs
            is the decimal point cannot be known for sure.
    """
    bare = text.strip()
    if _PLAIN.fullmatch(bare):
        value = float(bare)
        return value if math.isfinite(value) else None
    if is_locale_number(bare):
        raise InputError.at(
            source,
            key,
            "has a comma or a thousands separator",
            value=bare,
            remedy="export it again with a decimal point and no separators",
        )
    return None


def is_locale_number(text: str) -> bool:
    """Return whether a text is a number with a decimal comma or thousands separators."""
    return len(text) <= 40 and _LOCALE.fullmatch(text) is not None  # noqa: PLR2004 (no number is longer)
