"""Which format a file is of, by its first characters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from capsim.errors import InputError
from capsim.loadtest.formats import (
    hey,
    hey_csv,
    jtl_csv,
    jtl_xml,
    k6_csv,
    k6_stream,
    k6_summary,
    locust,
    locust_json,
    plain_csv,
    vegeta,
    vegeta_results,
    wrk,
)
from capsim.loadtest.reading import escaped, head
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.rounding import Tool


class Reader(Protocol):
    """What the module of a format offers."""

    def recognises(self, head: str, name: str) -> bool:
        """Say whether a file with these first characters and this name is of the format."""

    def read(self, paths: Sequence[Path], pattern: Pattern) -> Recording:
        """Return the load test of the files of one run."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One form of one tool's files."""

    tool: Tool
    reader: Reader


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Reads tables whose columns the user has named."""

    columns: Mapping[str, str]

    def recognises(self, head: str, name: str) -> bool:  # noqa: ARG002 (the user knows)
        return True

    def read(self, paths: Sequence[Path], pattern: Pattern) -> Recording:
        return plain_csv.read(paths, pattern, self.columns)


# In this order; the forms that many files might resemble stand last.
_READERS: tuple[tuple[Tool, object], ...] = (
    ("locust", locust),
    ("locust", locust_json),
    ("k6", k6_csv),
    ("k6", k6_stream),
    ("hey", hey_csv),
    ("vegeta", vegeta_results),
    ("vegeta", vegeta),
    ("k6", k6_summary),
    ("wrk", wrk),
    ("hey", hey),
    ("jmeter", jtl_csv),
    ("jmeter", jtl_xml),
    ("requests", plain_csv),
)
FORMATS = tuple(Format(tool=tool, reader=cast("Reader", module)) for tool, module in _READERS)
_BY_REQUEST = (k6_csv, k6_stream, hey_csv, vegeta_results, jtl_csv, jtl_xml, plain_csv)
TOOLS = tuple(dict.fromkeys(found.tool for found in FORMATS))


def format_of(path: Path, tool: Tool | None = None) -> Format | None:
    """Return the format of a file; none: it is of no known one.

    Args:
        path: the file.
        tool: look only at this tool's formats.

    Raises:
        InputError: the file cannot be read as text.
    """
    begin = head(path)
    for found in FORMATS:
        if tool in {None, found.tool} and found.reader.recognises(begin, path.name):
            return found
    return None


def table(columns: Mapping[str, str]) -> Format:
    """Return the format of tables with a row per request and columns of these names.

    Args:
        columns: names of columns by what they hold; see `plain_csv.read`.
    """
    return Format(tool="requests", reader=_Table(columns=columns))


def has_rows_of_requests(form: Format) -> bool:
    """Whether files of a format have a row per request, so that several can be put together."""
    return isinstance(form.reader, _Table) or form.reader in _BY_REQUEST


def siblings(found: Format, path: Path) -> list[Path]:
    """Return the files of the same run that lie beside one of them, itself included."""
    beside = getattr(found.reader, "siblings", None)
    return list(beside(path)) if beside is not None else [path]


def run_name(path: Path) -> str:
    """Return what the files of a run are called, without their endings."""
    name = Path(locust.prefix(path)).name
    for ending in (".gz", ".csv", ".json", ".jsonl", ".ndjson", ".jtl", ".xml", ".txt", ".log"):
        name = name.removesuffix(ending)
    return name


def known_prefix(path: Path) -> list[Path]:
    """Return the files of Locust whose names begin so."""
    try:
        files = [Path(f"{path}{suffix}") for suffix in locust.SUFFIXES]
        return [file for file in files if file.is_file()]
    except (OSError, ValueError):
        raise InputError(f"{escaped(path)}: is no name of a file; name a file") from None
