"""The bytes of a file that anybody may have made: clean UTF-8 in blocks, or one clear error."""

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from capsim.errors import InputError

BLOCK = 1 << 20  # bytes read at once
# An error page of a debug server has some 100 kB; no tool writes lines of this length.
LONGEST_LINE = 16 << 20
# Result files shrink to between a tenth and a fiftieth; a bomb to a thousandth.
_LARGEST_RATIO = 200
_RATIO_COUNTS_FROM = 64 << 20
_LARGEST_UNPACKED = 8 << 30
_GZIP = b"\x1f\x8b"
_UNPACK = "unpack it and name the file inside"
_EXPORT = "export it as CSV or JSON"
_NO_TEXT = {
    b"PK\x03\x04": ("a zip archive or a spreadsheet", f"{_UNPACK}, or save the sheet as CSV"),
    b"PK\x05\x06": ("an empty zip archive", "make the archive again"),
    b"BZh": ("packed with bzip2", _UNPACK),
    b"\xfd7zXZ": ("packed with xz", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", _UNPACK),
    b"7z\xbc\xaf": ("a 7z archive", _UNPACK),
    b"\xd0\xcf\x11\xe0": ("an old spreadsheet or document", _EXPORT),
    b"PAR1": ("a Parquet file", _EXPORT),
    b"SQLite format 3": ("an SQLite database", _EXPORT),
    b"%PDF": ("a PDF document", "use the file that the load-test tool wrote itself"),
    b"\x89PNG": ("a picture", "use the file that the load-test tool wrote itself"),
}
_MARKS = {  # the longer one first: UTF-32 begins as UTF-16 does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def escaped(text: object) -> str:
    """Return a text without the characters that would steer a terminal; they are written out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in str(text)
    )


def shortened(text: object, most: int = 60) -> str:
    """Return a text that fits into a line: its beginning and `...` where it is longer."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[: most - 3]}..."


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file (or a link to one) for reading, without ever waiting for a writer.

    Raises:
        InputError: it is missing, not allowed, a folder, a pipe or a device.
    """
    # A pipe is opened at once this way, and then recognised; Windows knows no such flag.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if path.is_dir():
            raise InputError(f"{escaped(path)}: is a folder; name the files in it")
        descriptor = os.open(path, flags)
    except OSError as error:
        raise InputError(f"{escaped(path)}: cannot be read ({error.strerror})") from None
    except ValueError:  # a NUL in the name
        raise InputError(f"{escaped(path)}: is no name of a file; name a file") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{escaped(path)}: is a pipe or a device; save its content to a file")
    return os.fdopen(descriptor, "rb")


def blocks(path: Path) -> Generator[bytes]:
    """Yield a text file as UTF-8 without a byte order mark, in blocks of whole characters.

    Gzip is unpacked, UTF-16 and UTF-32 are converted. A character that the end of the file cuts
    in two is left out.

    Raises:
        InputError: the file cannot be read, is empty, packed otherwise, no text, or has a line
            that is too long.
    """
    yield from _checked(path, _as_utf8(path, _unpacked(path)))


def stream(path: Path) -> io.BufferedReader:
    """Return `blocks` as a binary file, for parsers that want one."""
    return as_file(blocks(path))


def as_file(source: Iterator[bytes]) -> io.BufferedReader:
    """Return blocks of bytes as a binary file."""
    return io.BufferedReader(_Blocks(source), buffer_size=BLOCK)


class _Blocks(io.RawIOBase):
    """An iterator of blocks as a readable file."""

    def __init__(self, source: Iterator[bytes]) -> None:
        super().__init__()
        self._source = source
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # narrower
        while not self._rest:
            block = next(self._source, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _unpacked(path: Path) -> Iterator[bytes]:
    with open_regular(path) as raw:
        try:
            begin = raw.read(len(_GZIP))
            raw.seek(0)
            if begin != _GZIP:
                while block := raw.read(BLOCK):
                    yield block
                return
            size = os.fstat(raw.fileno()).st_size
            with gzip.GzipFile(fileobj=raw) as packed:
                yield from _bounded(path, packed, size)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise InputError(
                f"{escaped(path)}: is a damaged or truncated gzip file; unpack what there is of it "
                "with `gzip -dc` and name the result"
            ) from None
        except OSError as error:
            raise InputError(f"{escaped(path)}: cannot be read ({error.strerror})") from None


def _bounded(path: Path, packed: gzip.GzipFile, size: int) -> Iterator[bytes]:
    total = 0
    while block := packed.read(BLOCK):
        total += len(block)
        exploding = total > _RATIO_COUNTS_FROM and total > _LARGEST_RATIO * size
        if exploding or total > _LARGEST_UNPACKED:
            raise InputError(
                f"{escaped(path)}: unpacks to more than {total >> 20} MiB from "
                f"{size >> 10} KiB; unpack it yourself if it is sound"
            )
        yield block


def _as_utf8(path: Path, source: Iterator[bytes]) -> Iterator[bytes]:
    first = next(source, b"")
    if not first:
        raise InputError(f"{escaped(path)}: is empty; name a file with results")
    for magic, (what, remedy) in _NO_TEXT.items():
        if first.startswith(magic):
            raise InputError(f"{escaped(path)}: is {what}; {remedy}")
    encoding = _encoding(first)
    decoder = codecs.getincrementaldecoder(encoding)()
    if encoding == "utf-8":
        first = first.removeprefix(codecs.BOM_UTF8)
    done = 0
    for block in _chain(first, source):
        # Most files are ASCII, and then there is nothing to do.
        if encoding == "utf-8" and block.isascii() and not decoder.getstate()[0]:
            yield block
        else:
            try:
                yield decoder.decode(block).encode("utf-8")
            except UnicodeError as error:
                place = done + getattr(error, "start", 0)
                raise InputError(
                    f"{escaped(path)}: is no {encoding.upper()} text (near byte {place}); save it "
                    "as UTF-8, e.g. iconv -f latin1 -t utf-8"
                ) from None
        done += len(block)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _encoding(first: bytes) -> str:
    """Name the encoding by its mark, or UTF-16 by the NULs of its Latin letters."""
    for mark, name in _MARKS.items():
        if first.startswith(mark):
            return name
    sample = first[:256]
    half = len(sample) // 2
    for name, nuls, others in (
        ("utf-16-le", sample[1::2], sample[::2]),
        ("utf-16-be", sample[::2], sample[1::2]),
    ):
        if half > 1 and nuls.count(0) > half * 0.9 and others.count(0) == 0:
            return name
    return "utf-8"


def _checked(path: Path, source: Iterator[bytes]) -> Iterator[bytes]:
    done = run = 0
    for block in source:
        nul = block.find(b"\0")
        if nul >= 0:
            raise InputError(
                f"{escaped(path)}: has a NUL byte (at {done + nul}), so it is damaged or no text; "
                "copy or export it again"
            )
        last = max(block.rfind(b"\n"), block.rfind(b"\r"))
        run = len(block) - 1 - last if last >= 0 else run + len(block)
        if run > LONGEST_LINE:
            raise InputError(
                f"{escaped(path)}: has a line of more than {LONGEST_LINE >> 20} MiB (at byte "
                f"{done}); is it a result file? If so, remove that line"
            )
        done += len(block)
        yield block
