"""Guarded reading: what is read of files as they come, and in which words the rest is refused."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from capsim.errors import InputError
from capsim.loadtest import guarded
from capsim.loadtest.reading import (
    delimiter_of,
    escaped,
    head,
    number,
    read_table,
    read_text,
    source_file,
)

SMALL = "a,b\n1,\u00e9\n"
SPREADSHEETS = ["1.234,56", "1,234", "12,5", "1 234", "1'234.5"]


def made(folder: Path, content: bytes, name: str = "file.csv") -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        SMALL.encode(),
        SMALL.encode("utf-8-sig"),
        SMALL.encode("utf-16"),
        SMALL.encode("utf-32"),
        gzip.compress(SMALL.encode(), mtime=0),
        SMALL.replace("\n", "\r\n").encode(),
        SMALL.replace(",", ";").encode(),
        SMALL.replace(",", "\t").encode(),
    ],
)
def test_encodings_and_delimiters_are_recognised(tmp_path: Path, content: bytes) -> None:
    """The same table is read whatever program saved it."""
    table = read_table(made(tmp_path, content))
    assert (table.header, table.rows) == (("a", "b"), (("1", "\u00e9"),))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised(tmp_path: Path, encoding: str) -> None:
    """PowerShell's files are read even if their mark was lost."""
    assert read_text(made(tmp_path, "time,users\n1,2\n".encode(encoding))).startswith("time,users")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        ("\u00e9".encode("latin-1") * 3, "save it as UTF-8"),
        (b"a,b\n1,\x00\n", "NUL byte"),
        (b"PK\x03\x04abc", "spreadsheet"),
        (b"\x28\xb5\x2f\xfdabc", "zstd"),
        (gzip.compress(bytes(range(99)), mtime=0)[:-9], "gzip -dc"),
    ],
)
def test_what_is_no_text_is_refused_with_a_remedy(
    tmp_path: Path, content: bytes, words: str
) -> None:
    """A file of another kind is named for what it is, in one line."""
    with pytest.raises(InputError, match=words) as caught:
        read_text(made(tmp_path, content))
    assert str(caught.value).isprintable()


def test_no_name_makes_reading_wait_or_crash(tmp_path: Path) -> None:
    """Folders, pipes, devices, missing and impossible names are refused at once."""
    os.mkfifo(tmp_path / "pipe")
    names = [tmp_path, tmp_path / "pipe", "/dev/zero", tmp_path / "none", "a\x00b", "x" * 5000]
    for name in names:
        with pytest.raises(InputError) as caught:
            read_text(Path(name))
        assert str(caught.value).isprintable()


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    """A symbolic link is as good as its file."""
    (tmp_path / "link").symlink_to(made(tmp_path, SMALL.encode()))
    assert read_text(tmp_path / "link") == SMALL


def test_packed_files_cannot_explode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gzip bomb is given up early."""
    monkeypatch.setattr(guarded, "_RATIO_COUNTS_FROM", 1000)
    path = made(tmp_path, gzip.compress(b"a,b\n" * 500_000))
    with pytest.raises(InputError, match="unpacks to more than"):
        read_text(path)


def test_endless_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is one line does not fill the memory."""
    monkeypatch.setattr(guarded, "LONGEST_LINE", 1000)
    with pytest.raises(InputError, match="has a line of more than"):
        read_text(made(tmp_path, b"a" * 2000))


def test_damaged_rows_are_counted(tmp_path: Path) -> None:
    """A truncated last row and a repeated header are left out and told, sound rows are kept."""
    table = read_table(made(tmp_path, b"a,b\n1,2\na,b\n3,4\n5"))
    assert table.rows == (("1", "2"), ("3", "4"))
    assert (table.skipped, table.repeated_headers, table.open_end) == (1, 1, True)


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """No column is read in place of another of the same name."""
    with pytest.raises(InputError, match="stands twice"):
        read_table(made(tmp_path, b"a,a\n1,2\n"))


@pytest.mark.parametrize("text", SPREADSHEETS)
def test_numbers_with_separators_are_refused(text: str) -> None:
    """What may be a thousand or a thousandth is not guessed."""
    with pytest.raises(InputError, match="decimal point"):
        number(text, "file.csv", "column")


def test_numbers_are_read_as_tools_write_them() -> None:
    """Words, nothing, infinity and digits of other scripts are no numbers."""
    texts = ["1.5", "-3", "+.5", "1e3", "", "N/A", "nan", "inf", "1e999", "1_000", "\u0661"]
    found = [number(text, "file.csv", "column") for text in texts]
    assert found == [1.5, -3.0, 0.5, 1000.0, *[None] * 7]


def test_names_cannot_steer_a_terminal() -> None:
    """Control characters are written out, other letters stay."""
    assert escaped("\x1b[31m \u00e9\u202e") == "\\x1b[31m \u00e9\\u202e"


def test_a_source_is_known_by_its_hash(tmp_path: Path) -> None:
    """The hash is that of the bytes on the disk, packed or not."""
    packed = gzip.compress(SMALL.encode())
    found = source_file(made(tmp_path, packed, "a.csv.gz"))
    assert found.sha256 == hashlib.sha256(packed).hexdigest()
    assert (found.name, found.size_bytes) == ("a.csv.gz", len(packed))


def test_the_head_is_short(tmp_path: Path) -> None:
    """A format is recognised by so many characters, not bytes."""
    assert head(made(tmp_path, "\u00e9".encode() * 99), 10) == "\u00e9" * 10


def test_quoted_delimiters_do_not_count() -> None:
    """The delimiter is found outside of quotes."""
    assert delimiter_of('"a,b,c";d;e') == ";"
