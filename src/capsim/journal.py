"""What long work has found so far, kept on disk: stopping it loses nothing."""

import json
from pathlib import Path
from typing import Any

from capsim.files import check_writable

_FIELDS = 2  # of a line: a name and a result


class Journal:
    """Results by name, one line each, of one piece of work.

    The same work goes on with what is there; a journal of other work is begun anew.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        """Read what earlier, stopped work with the same key left; no path: keep nothing.

        Raises:
            InputError: the journal's folder cannot be written to.
        """
        self._path = path
        self._key = key
        self._known: dict[str, Any] = {}
        if path is None:
            return
        check_writable(path)
        self._known = _read(path, key)
        if self._known:
            _end_line(path)

    def get(self, name: str) -> Any:
        """Return the result of a name as JSON holds it; none: there is none."""
        return self._known.get(name)

    def put(self, name: str, result: Any) -> None:
        """Keep a result, as JSON can hold it, at once; the first one begins the file."""
        if self._path is not None:
            if not self._known:
                self._path.write_text(json.dumps({"key": self._key}) + "\n", encoding="utf-8")
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, result]) + "\n")
        self._known[name] = result

    def remove(self) -> None:
        """Forget everything: the work is finished and its result written."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _end_line(path: Path) -> None:
    """End the line that a kill may have left half written, so that the next is one of its own."""
    if not path.read_bytes().endswith(b"\n"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")


def _read(path: Path, key: str) -> dict[str, Any]:
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [row for row in map(_parse, lines) if row is not None]
    if not rows or not isinstance(rows[0], dict) or rows[0].get("key") != key:
        return {}
    return {row[0]: row[1] for row in rows[1:] if isinstance(row, list) and len(row) == _FIELDS}


def _parse(line: str) -> Any:
    """Return a line's content; none where a kill left half a line."""
    try:
        return json.loads(line)
    except ValueError:
        return None
