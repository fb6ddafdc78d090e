"""Let the sound rows of a large CSV file pass, and count the others."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from capsim.errors import InputError
from capsim.loadtest.guarded import LONGEST_LINE, blocks, escaped
from capsim.loadtest.reading import delimiter_of

_LONG_LINE = 4096  # only in longer lines are fields measured
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_NEWLINE = ord("\n")


class Sieve:
    """An iterator over the sound data rows of a CSV file, as blocks of whole lines.

    A row is sound if it has as many fields as the header. Blank lines and the header's own
    repetitions (files put together) are left out too. What is counted is complete once the
    iteration has ended.

    Attributes:
        header: The names of the columns, without spaces around them.
        delimiter: What separates the fields.
        damaged: Rows with another number of fields, such as a truncated last one.
        repeated_headers: The header again among the rows.
        largest_field_chars: The longest field of the long lines; none: no line is long.
    """

    def __init__(self, path: Path, header: Sequence[str] | None = None) -> None:
        """Read the beginning.

        Args:
            path: the file.
            header: the names of the columns of a file without a header.

        Raises:
            InputError: as `guarded.blocks`, or there are no rows.
        """
        self._path = path
        self._source = _whole_lines(blocks(path))
        first = next(self._source, b"").lstrip(b"\r\n")
        line, _, rest = first.partition(b"\n")
        self.delimiter = delimiter_of(line.decode("utf-8"))
        self._header_line = line.rstrip(b"\r")
        self._first = rest
        if header is None:
            header = self._fields_of(line)
        else:
            self._header_line = b""
            self._first = first
        self.header = tuple(name.strip() for name in header)
        self.damaged = 0
        self.repeated_headers = 0
        self.largest_field_chars: int | None = None
        self._last_is_used = False

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks of sound rows."""
        pending, block = b"", self._first
        while True:
            following = next(self._source, None)
            if following is None and block and not block.endswith(b"\n"):
                block = self._without_cut_row(block)
            sound, pending = self._sound(pending + block, final=following is None)
            if sound:
                yield sound
            if following is None:
                return
            block = following

    def use_last_column(self) -> None:
        """Say that the last column matters, so that a file's open end makes its last row unsure."""
        self._last_is_used = True

    def _fields_of(self, line: bytes) -> list[str]:
        csv.field_size_limit(LONGEST_LINE)  # the process's own limit
        try:
            found = next(csv.reader([line.decode("utf-8")], delimiter=self.delimiter), [])
        except csv.Error as error:
            raise InputError(f"{escaped(self._path)}: first line: {error}; correct it") from None
        if not any(name.strip() for name in found):
            raise InputError(f"{escaped(self._path)}: is empty; name a file with results")
        return found

    def _without_cut_row(self, block: bytes) -> bytes:
        """Drop the last row if its last field may be cut and matters; close the line otherwise."""
        if not self._last_is_used:
            return block + b"\n"
        start = block.rfind(b"\n") + 1
        self.damaged += bool(block[start:].strip())
        return block[:start]

    def _sound(self, block: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """Return the sound rows, and the beginning of a quoted row that the next block ends."""
        if not block:
            return b"", b""
        if b"\r" in block:
            block = _LONE_RETURN.sub(b" ", block)
        if b'"' in block:
            return self._sound_quoted(block, final=final)
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == _NEWLINE) + 1
        separators = np.flatnonzero(data == ord(self.delimiter))
        fields = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
        lengths = np.diff(ends, prepend=0)
        unsure = fields != len(self.header)
        unsure |= lengths == len(self._header_line) + 1
        unsure |= lengths == len(self._header_line) + 2
        unsure |= lengths > _LONG_LINE
        if not unsure.any():
            return block, b""
        kept, done = [], 0
        for index in np.flatnonzero(unsure):
            begin, end = int(ends[index] - lengths[index]), int(ends[index])
            if not self._keeps(block[begin:end], int(fields[index])):
                kept.append(block[done:begin])
                done = end
        kept.append(block[done:])
        return b"".join(kept), b""

    def _sound_quoted(self, block: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """Do the same where quotes may hide delimiters and line ends."""
        raw = block.splitlines(keepends=True)
        csv.field_size_limit(LONGEST_LINE)  # the process's own limit
        reader = csv.reader((line.decode("utf-8") for line in raw), delimiter=self.delimiter)
        kept, done = [], 0
        try:
            for row in reader:
                taken = b"".join(raw[done : reader.line_num])
                if reader.line_num == len(raw) and _is_open(taken, self.delimiter):
                    break
                if self._keeps(taken, len(row)):
                    kept.append(taken)
                done = reader.line_num
        except csv.Error as error:
            raise InputError(
                f"{escaped(self._path)}: {error}; is a quote missing or too many?"
            ) from None
        rest = b"".join(raw[done:])
        if rest and (final or len(rest) > LONGEST_LINE):
            self._refuse_swallowed(raw[done:], rest)
            self.damaged += 1  # the last row, cut within a text
            rest = b""
        return b"".join(kept), rest

    def _refuse_swallowed(self, raw: Sequence[bytes], rest: bytes) -> None:
        """Refuse a quote that is never closed, unless the file is cut there.

        Raises:
            InputError: there are whole rows behind the quote.
        """
        separators = len(self.header) - 1
        whole = any(line.count(self.delimiter.encode()) == separators for line in raw[1:])
        if whole or len(rest) > LONGEST_LINE:
            raise InputError(
                f"{escaped(self._path)}: a quote in {_shown(rest)} is never closed; correct the row"
            )

    def _keeps(self, line: bytes, fields: int) -> bool:
        bare = line.strip()
        if not bare:
            return False
        if self._header_line and bare == self._header_line.strip():
            self.repeated_headers += 1
            return False
        if len(line) > _LONG_LINE:
            widest = max(map(len, bare.decode("utf-8").split(self.delimiter)))
            self.largest_field_chars = max(widest, self.largest_field_chars or 0)
        if fields != len(self.header):
            self.damaged += 1
            return False
        return True


def _whole_lines(source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks that end where lines end, but for the last one."""
    rest = b""
    returns_only = None
    for block in source:
        if returns_only is None and len(block) > 1:
            returns_only = b"\r" in block and b"\n" not in block  # as of old Macs
        joined = rest + (block.replace(b"\r", b"\n") if returns_only else block)
        end = joined.rfind(b"\n") + 1
        rest = joined[end:]
        if end:
            yield joined[:end]
    if rest:
        yield rest


def _is_open(taken: bytes, delimiter: str) -> bool:
    """Return whether a row's last quote is still open: strict reading then fails at its end."""
    lines = taken.decode("utf-8").splitlines(keepends=True)
    try:
        for _ in csv.reader(lines, delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return "end of data" in str(error)
    return False


def _shown(text: bytes, limit: int = 60) -> str:
    return repr(text[:limit].decode("utf-8", "replace"))
