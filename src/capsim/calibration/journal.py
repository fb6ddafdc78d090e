"""What a calibration has simulated so far, kept on disk: stopping it loses nothing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from capsim.files import check_writable
from capsim.provenance import fingerprint

Point = tuple[Sequence[float], int]  # parameter values, and the replication of the luck


class Journal:
    """Results by parameter point, one line each, for one model, dataset and seed.

    More effort goes on with what is there; a journal of other inputs is begun anew.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        """Read what an earlier, stopped calibration with the same key left; none: keep nothing.

        Raises:
            InputError: the journal's folder cannot be written to.
        """
        self._path = path
        self._known: dict[str, list[float]] = {}
        if path is None:
            return
        check_writable(path)
        self._known = _read(path, key)
        if self._known:
            _end_line(path)
        else:
            path.write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")

    def get(self, point: Point) -> list[float] | None:
        """Return the result of a point, if there is one."""
        return self._known.get(_name(point))

    def put(self, point: Point, result: Sequence[float]) -> None:
        """Keep a result at once."""
        name = _name(point)
        self._known[name] = list(result)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, *result]) + "\n")

    def remove(self) -> None:
        """Forget everything: the calibration is finished and saved."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _end_line(path: Path) -> None:
    """End the line that a kill may have left half written, so that the next is one of its own."""
    if not path.read_bytes().endswith(b"\n"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")


def _name(point: Point) -> str:
    values, replication = point
    return fingerprint({"values": list(values), "replication": replication})


def _read(path: Path, key: str) -> dict[str, list[float]]:
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(_parse, lines) if row is not None]
    if not rows or not isinstance(rows[0], dict) or rows[0].get("key") != key:
        return {}
    return {str(row[0]): [float(v) for v in row[1:]] for row in rows[1:]}


def _parse(line: str) -> Any:
    """Return a line's content; none where a kill left half a line."""
    try:
        return json.loads(line)
    except ValueError:
        return None
