"""What long work has found so far, kept on disk: stopping it loses nothing."""

import json
from pathlib import Path
from typing import Any

from capsim.files import check_writable, write_whole

_FIELDS = 3  # of a line: a key, a name and a result


class Journal:
    """Results by name, a line of JSON each, of work with one key.

    The same work goes on with what is there. Lines are only ever added, so that two commands at
    once do not take each other's; those with another key stay until a command is finished.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        """Read what earlier, stopped work with the same key left; no path: keep nothing.

        Raises:
            InputError: the journal's folder cannot be written to.
        """
        self.path = path
        self._key = key
        self._used: set[str] = set()
        self._known: dict[str, Any] = {}
        if path is None:
            return
        check_writable(path)
        self._known = _read(path, key)

    def get(self, name: str) -> Any:
        """Return the result of a name as JSON holds it; none: there is none."""
        self._used.add(name)
        return self._known.get(name)

    def put(self, name: str, result: Any) -> None:
        """Keep a result, as JSON can hold it, at once; the first one begins the file."""
        self._used.add(name)
        self._known[name] = result
        if self.path is not None:
            self._end_line()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(self._key, name, result))

    def forget(self) -> None:
        """Drop what this work used: it is finished and its result written.

        What other work with the same key has left stays.
        """
        if self.path is None or not self.path.is_file():
            return
        others = {n: r for n, r in _read(self.path, self._key).items() if n not in self._used}
        if others:
            write_whole(self.path, "".join(_line(self._key, n, r) for n, r in others.items()))
        else:
            self.remove()

    def remove(self) -> None:
        """Drop everything."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _end_line(self) -> None:
        """End the line that a kill may have left half written: the next is one of its own."""
        if self.path is None or not self.path.is_file():
            return
        with self.path.open("rb+") as file:
            if file.seek(0, 2) and file.seek(-1, 2) and file.read() != b"\n":
                file.write(b"\n")


def _line(key: str, name: str, result: Any) -> str:
    return json.dumps([key, name, result]) + "\n"


def _read(path: Path, key: str) -> dict[str, Any]:
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [row for row in map(_parse, lines) if isinstance(row, list) and len(row) == _FIELDS]
    return {row[1]: row[2] for row in rows if row[0] == key}


def _parse(line: str) -> Any:
    """Return a line's content; none where a kill left half a line."""
    try:
        return json.loads(line)
    except ValueError:
        return None
