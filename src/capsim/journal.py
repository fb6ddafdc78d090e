"""What long work has found so far, kept on disk: stopping it, however hard, loses nothing."""

import hashlib
import json
import shutil
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from capsim.errors import InputError
from capsim.files import check_writable, write_whole

Cell = str | bool | int | float  # what is not known is NaN, or an empty text

_OUTCOME = "outcome"  # the column of a job's whole result, as JSON
_DIGEST = "digest"  # of which job it is, and of that
_PART = ".parquet"


class Journal:
    """Finished jobs by name, of work with one key: a folder with a Parquet file for each.

    The same work goes on with what is there. Each kind of job has a folder inside, whose files
    together are one table: `pandas.read_parquet` reads it at any time. A file is written whole or
    not at all, and named after its job: two commands at once write other files, or the same one
    with the same content. Those of work with another key stay until a command is finished.
    """

    def __init__(
        self, path: Path | None, key: str, *, anew: bool = False, stays: bool = False
    ) -> None:
        """Look for what earlier, stopped work with the same key left.

        Args:
            path: the folder, made with the first job that is finished; none: keep nothing.
            key: of the work: what was kept under another one is not its own.
            anew: use nothing of what is there.
            stays: it belongs to the user: finished work leaves it as it is.

        Raises:
            InputError: the folder cannot be written to.
        """
        self.path = path
        self._key = key
        self._stays = stays
        self._known: dict[str, Any] = {}
        self._used: set[str] = set()
        self._parts: dict[str, Path] = {}
        if path is not None:
            _check(path)
            if not anew:
                self._parts = {_name_of(part): part for part in path.glob(f"*/{key}-*{_PART}")}
        self.found = len(self._parts)  # finished jobs to go on from

    def get(self, name: str) -> Any:
        """Return the result of a job as JSON holds it; none: there is none."""
        self._used.add(name)
        if name not in self._known and name in self._parts:
            self._known[name] = _read(self._parts[name], self._key, name)
        return self._known.get(name)

    def put(self, name: str, result: Any, *, kind: str, about: Mapping[str, Cell]) -> None:
        """Keep a result, as JSON can hold it, at once.

        Args:
            name: of the job.
            result: of it.
            kind: of job: those of a kind have the same columns.
            about: columns for people, each of one type in all jobs that have it.
        """
        self._used.add(name)
        self._known[name] = result
        if self.path is None:
            return
        part = self.path / kind / f"{self._key}-{name}{_PART}"
        self._parts[name] = part
        outcome = json.dumps(result)
        digest = _digest(self._key, name, outcome)
        row = {"key": self._key, "name": name, **about, _DIGEST: digest, _OUTCOME: outcome}
        _write(part, _as_parquet(row))

    def forget(self) -> None:
        """Drop what this work used: it is finished and its result written.

        What other work with the same key has left stays, and so does a folder of the user's.
        """
        if self.path is None or self._stays or not self.path.is_dir():
            return
        for folder in [each for each in self.path.iterdir() if each.is_dir()]:
            parts = set(folder.glob(f"*{_PART}"))
            others = {p for p in parts if self._is_of_others(p)}
            for part in parts - others:
                part.unlink(missing_ok=True)
            if not others:  # what a kill left half written goes, too
                shutil.rmtree(folder, ignore_errors=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def _is_of_others(self, part: Path) -> bool:
        return part.name.startswith(f"{self._key}-") and _name_of(part) not in self._used


def _check(path: Path) -> None:
    """Make sure, before any work, that a folder is one, or can be made, and be written to."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; name a folder for the finished jobs")
    check_writable(path / "part" if path.is_dir() else path)


def _name_of(part: Path) -> str:
    return part.name.removesuffix(_PART).rpartition("-")[2]


def _as_parquet(row: Mapping[str, Cell]) -> bytes:
    """Return a table of one row, which is one row group."""
    import pyarrow as pa
    from pyarrow import parquet

    content = pa.BufferOutputStream()
    # Statistics of a single row are its long texts once more: without them, a sixth of the size.
    parquet.write_table(
        pa.Table.from_arrays([_array(value) for value in row.values()], names=list(row)),
        content,
        use_dictionary=False,
        write_statistics=False,
    )
    return bytes(content.getvalue())


def _array(value: Cell) -> Any:
    """Return an array of one value.

    Arrow's own way to make one imports pandas, for the case that the value is of pandas. On two
    cores that takes a prediction half a second, because its threads wait for Python's lock.
    """
    import pyarrow as pa

    if hasattr(value, "item"):  # a number of NumPy's, not all of which are of Python's types too
        value = value.item()
    if isinstance(value, str):
        text = value.encode()
        ends = struct.pack("=2i", 0, len(text))
        return pa.StringArray.from_buffers(1, pa.py_buffer(ends), pa.py_buffer(text))
    if isinstance(value, bool):
        kind, stored = pa.bool_(), struct.pack("?", value)
    elif isinstance(value, int):
        kind, stored = pa.int64(), struct.pack("=q", value)
    else:
        kind, stored = pa.float64(), struct.pack("=d", value)
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(stored)])


def _write(part: Path, content: bytes) -> None:
    """Write a file; its folder is not there yet, or another command, finished, has taken it."""
    for _ in range(2):
        with suppress(InputError):
            return write_whole(part, content)
        _make(part.parent)
    return write_whole(part, content)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError:
        pass  # another command takes the folder above at this moment
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made ({error.strerror}); choose another place"
        ) from None


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()


def _read(part: Path, key: str, name: str) -> Any:
    """Return a job's result; none: its file has gone, or is damaged or another job's."""
    import pyarrow as pa

    try:
        content = part.read_bytes()
    except OSError:
        return None
    try:
        digest, outcome = _parsed(content)
        if digest == _digest(key, name, outcome):
            return json.loads(outcome)
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError):
        pass  # as the damage may be
    part.unlink(missing_ok=True)
    return None


def _parsed(content: bytes) -> tuple[str, str]:
    import pyarrow as pa
    from pyarrow import parquet

    columns = [_DIGEST, _OUTCOME]
    table = parquet.read_table(
        pa.BufferReader(content), columns=columns, use_threads=False, partitioning=None
    )
    digest, outcome = (table.column(column)[0].as_py() for column in columns)
    return digest, outcome
