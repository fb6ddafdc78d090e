"""Puts the parts of a trace together, in as little memory as they may take."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from capsim.engine.trace import NUMBERS, Part, Tasks, Trace
from capsim.engine.waits import Waits

_Array = np.ndarray[Any, np.dtype[Any]]

# Of its length, that a column grows by. No more than this is ever unused; and where the system
# cannot move a large array without copying it, each value is copied so many times at most.
_SHARE = 32

_TIMES = {"start": np.float64, "end": np.float64}
_REQUESTS = {**_TIMES, **NUMBERS, "final": np.bool_}
_TASKS = {**_TIMES, **{name: kind for name, kind in NUMBERS.items() if name != "attempt"}}
_SAMPLES = ("sampled_s", "in_use", "queued", "wasted_slots", "busy", "present", "wasted_cores")


class Column:
    """A column that grows at its end; while all of its values are alike, only one is kept."""

    def __init__(self, kind: Any) -> None:
        """Begin without any value."""
        self._kind = np.dtype(kind)
        self._count = 0
        self._alike: Any = self._kind.type(0)
        self._values: _Array | None = None

    def add(self, values: _Array) -> None:
        """Put values behind those that are there."""
        behind = self._count + len(values)
        if self._values is None and not self._are_alike(values):
            self._values = np.full(self._count, self._alike, self._kind)
        if self._values is not None:
            if behind > len(self._values):
                # The operating system moves a large array without touching it; nobody else has it.
                self._values.resize(behind + behind // _SHARE, refcheck=False)
            self._values[self._count : behind] = values
        self._count = behind

    def whole(self) -> _Array:
        """Return all of them; nothing can be added any more."""
        if self._values is None:
            return np.broadcast_to(self._alike, self._count)
        self._values.resize(self._count, refcheck=False)
        return self._values

    def _are_alike(self, values: _Array) -> bool:
        if self._count == 0 and len(values):
            self._alike = self._kind.type(values[0])
        return bool((values == self._alike).all())


class Assembly:
    """Receives the parts of a trace, and gives back the whole."""

    def __init__(self) -> None:
        """Begin without any part."""
        self._last: Trace | None = None
        self._requests = _columns(_REQUESTS)
        self._asked: Column | None = None  # none: each was asked for when it was sent
        self._tasks = _columns(_TASKS)
        self._waits = Waits()
        self._notes: dict[str, Column] = {}
        self._samples: dict[str, list[_Array]] = {name: [] for name in _SAMPLES}

    def receive(self, part: Part) -> None:
        """Add a part."""
        trace = self._last = part.trace
        if self._asked is None and not np.array_equal(trace.asked, trace.start):
            self._asked = deepcopy(self._requests["start"])
        if self._asked is not None:
            self._asked.add(trace.asked)
        for columns, table in ((self._requests, trace), (self._tasks, trace.tasks)):
            for name, column in columns.items():
                column.add(getattr(table, name))
        self._waits.add(trace.wait_columns)
        for name, times in trace.notes.items():
            self._notes.setdefault(name, Column(np.float64)).add(times)
        for name, rows in self._samples.items():
            rows.append(np.array(getattr(trace, name)))

    def trace(self) -> Trace:
        """Return all parts as one trace; none can be added any more."""
        if self._last is None:
            raise ValueError("there is no part of the trace")
        whole: dict[str, Any] = _whole(self._requests)
        whole["asked"] = whole["start"] if self._asked is None else self._asked.whole()
        whole |= {name: np.concatenate(rows) for name, rows in self._samples.items()}
        return replace(
            self._last,
            **whole,
            tasks=Tasks(**_whole(self._tasks)),
            wait_columns=self._waits,
            notes=_whole(self._notes),
        )


def _columns(kinds: Mapping[str, Any]) -> dict[str, Column]:
    return {name: Column(kind) for name, kind in kinds.items()}


def _whole(columns: Mapping[str, Column]) -> dict[str, _Array]:
    return {name: column.whole() for name, column in columns.items()}
