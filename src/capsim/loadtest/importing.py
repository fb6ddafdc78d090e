"""From paths to recordings: which files there are, which belong together, and what they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from capsim.errors import InputError
from capsim.loadtest.formats.detect import (
    TOOLS,
    Format,
    format_of,
    has_rows_of_requests,
    known_prefix,
    run_name,
    siblings,
)
from capsim.loadtest.formats.near_misses import near_miss
from capsim.loadtest.reading import escaped
from capsim.loadtest.recording import Pattern, Recording
from capsim.loadtest.rounding import Tool

_KNOWN = "Locust, k6, JMeter, wrk, hey, vegeta, or a table with a row per request"


@dataclass(frozen=True, kw_only=True)
class Run:
    """The files of one load test."""

    name: str
    form: Format
    paths: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    """The load tests among some paths, and the files that are none."""

    runs: tuple[Run, ...]
    ignored: tuple[str, ...] = ()


def find_runs(paths: Sequence[Path], tool: Tool | None = None, form: Format | None = None) -> Found:
    """Return the load tests that files, folders and prefixes hold.

    Args:
        paths: files, folders (the files right in them), and prefixes of Locust's files.
        tool: look only at files of this tool.
        form: what all files are; none: their first characters tell.

    Raises:
        InputError: a path does not exist, is of no known format, or a folder has none.
    """
    runs: dict[tuple[Path, ...], tuple[Format, Path]] = {}
    ignored: list[str] = []
    for path in paths:
        before = len(runs)
        named = _files(path)
        taken = {file for files in runs for file in files}
        for file in named.files:
            if file in taken:
                continue
            found = form or _form(file, tool, named=named.one_by_one)
            if found is None:
                ignored.append(file.name)
                continue
            together = tuple(sorted(siblings(found, file)))
            taken |= set(together)
            runs[together] = (found, file)
        ignored += [f"{folder.name}/" for folder in _subfolders(path)]
        if named.one_by_one or len(runs) > before or taken & set(named.files):
            continue
        raise InputError(f"{escaped(path)}: no file in it is of {_wanted(tool)}{_inside(path)}")
    named_runs = _named([(form, file, files) for files, (form, file) in runs.items()])
    return Found(runs=named_runs, ignored=tuple(ignored))


def joined(found: Found, name: str) -> Found:
    """Return the files as those of one load test, e.g. of several load generators.

    Raises:
        InputError: they are of several formats, or have no row per request.
    """
    first = found.runs[0]
    for run in found.runs:
        if run.form != first.form or not has_rows_of_requests(run.form):
            raise InputError(
                f"--together: {escaped(run.paths[0])}: only files of one format with a row per "
                "request can be put together; sums cannot"
            )
    paths = tuple(path for run in found.runs for path in run.paths)
    return replace(found, runs=(replace(first, name=name, paths=paths),))


def read_runs(found: Found, pattern: Pattern) -> dict[str, Recording]:
    """Return the recordings by the names of the load tests, each content once.

    Raises:
        InputError: a file cannot be read.
    """
    recordings: dict[str, Recording] = {}
    seen: dict[tuple[str, ...], str] = {}
    for run in found.runs:
        recording = run.form.reader.read(run.paths, pattern)
        content = tuple(sorted(source.sha256 for source in recording.sources))
        if content in seen:
            raise InputError(
                f"{escaped(run.paths[0])}: is the same as {seen[content]}, byte by byte; name it "
                "once, or a test would count twice"
            )
        seen[content] = run.paths[0].name
        recordings[run.name] = recording
    return recordings


@dataclass(frozen=True, kw_only=True)
class _Named:
    files: tuple[Path, ...]
    one_by_one: bool  # and not by their folder


def _files(path: Path) -> _Named:
    try:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.is_file())
            return _Named(files=tuple(_visible(inside)), one_by_one=False)
        if path.exists():
            return _Named(files=(path,), one_by_one=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no name of a file"
        raise InputError(f"{escaped(path)[:80]}: cannot be read ({reason})") from None
    files = known_prefix(path)
    if not files:
        raise InputError(
            f"{escaped(path)}: no such file or folder, and no files {escaped(path.name)}_stats.csv "
            "and so on; check the path"
        )
    return _Named(files=tuple(files), one_by_one=True)


def _inside(path: Path) -> str:
    """Return the remedy where the files may lie a folder deeper, which are not looked into."""
    folders = _subfolders(path)
    return f"; subfolders are not read: name them, e.g. {escaped(folders[0])}" if folders else ""


def _subfolders(path: Path) -> list[Path]:
    try:
        return _visible(sorted(inside for inside in path.iterdir() if inside.is_dir()))
    except OSError:  # no folder, or none that may be looked into
        return []


def _visible(files: Sequence[Path]) -> list[Path]:
    return [file for file in files if not file.name.startswith(".")]


def _form(file: Path, tool: Tool | None, *, named: bool) -> Format | None:
    try:
        form = format_of(file, tool)
    except InputError:
        if named:
            raise
        return None
    if form is None and named:
        raise InputError(
            near_miss(file)
            or f"{escaped(file)}: is of no known format; name a result file of {_wanted(tool)}"
        )
    return form


def _wanted(tool: Tool | None) -> str:
    return tool if tool is not None else _KNOWN


def _named(runs: Sequence[tuple[Format, Path, tuple[Path, ...]]]) -> tuple[Run, ...]:
    """Give every load test a name that can stand in a TOML file bare."""
    found: dict[str, Run] = {}
    for form, file, files in runs:
        base = re.sub(r"[^A-Za-z0-9_-]+", "-", run_name(file)).strip("-_") or "test"
        name, number = base, 2
        while name in found:
            name, number = f"{base}-{number}", number + 1
        found[name] = Run(name=name, form=form, paths=files)
    return tuple(found.values())


__all__ = ["TOOLS", "Found", "Run", "find_runs", "joined", "read_runs"]
