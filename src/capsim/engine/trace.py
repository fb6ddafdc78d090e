"""The trace: all of the output of an engine, in columns. Nothing in it is summarised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capsim.errors import RunError
from capsim.plan.plan import Plan

Floats = NDArray[np.float64]

SAMPLE_S = 1.0  # how often the whole is looked at: as load generators write their history

# As narrow as they may be: memory is what many requests cost most.
NUMBERS: dict[str, type[np.signedinteger[Any]]] = {
    "source": np.int16,
    "user": np.int32,
    "index": np.int32,
    "attempt": np.int16,
    "request_class": np.int16,
    "status": np.int16,
}


def check_numbers(plan: Plan) -> None:
    """Make sure that a trace can hold every number that a run of a plan may need.

    Raises:
        RunError: there are too many of something to be told apart.
    """
    counts = {
        "sources": ("source", len(plan.sources)),
        "request classes": ("request_class", len(plan.class_names)),
        "users of a source": ("user", max((len(s.starts) for s in plan.sources), default=0)),
        "retries": ("attempt", max((s.retries.most for s in plan.sources if s.retries), default=0)),
    }
    for what, (column, count) in counts.items():
        most = np.iinfo(NUMBERS[column]).max
        if count > most:
            raise RunError(f"there are {count:,} {what}; a run can have at most {most:,}")


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """Work that requests left behind and nobody waits for: what a queue of tasks does later."""

    source: NDArray[np.int16]  # (k,) as of the request that began it, like the next two
    user: NDArray[np.int32]  # (k,)
    index: NDArray[np.int32]  # (k,)
    request_class: NDArray[np.int16]  # (k,) index into `class_names`
    start: Floats  # (k,) when it was put in hand
    end: Floats  # (k,) NaN while unfinished
    status: NDArray[np.int16]  # (k,)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What happened to every request, and what every resource and station did.

    Requests are in order of their end; those still in flight at the horizon come last. All times
    are seconds from the start of the run. A request that its client repeats has a row for each
    attempt, of which the last is final.
    """

    source: NDArray[np.int16]  # (n,) index into the plan's sources
    user: NDArray[np.int32]  # (n,) the user's number in its source; 0 for open arrivals
    index: NDArray[np.int32]  # (n,) number of the request of that user
    attempt: NDArray[np.int16]  # (n,) how often it was sent before
    request_class: NDArray[np.int16]  # (n,) index into `class_names`
    asked: Floats  # (n,) when its first attempt was sent
    start: Floats  # (n,) when this one was
    end: Floats  # (n,) NaN while in flight
    status: NDArray[np.int16]  # (n,) plan.ops.Status, or the application's HTTP status
    final: NDArray[np.bool_]  # (n,) False: its client sends it again
    wait_columns: Mapping[str, Floats]  # (n,) time spent waiting for each kind of resource
    tasks: Tasks
    notes: Mapping[str, Floats]  # times that NOTE steps wrote down, by the name of a station
    class_names: tuple[str, ...]
    resource_names: tuple[str, ...]
    station_names: tuple[str, ...]
    issued: int  # counted when requests are sent, not when they are recorded; in a part: so far
    horizon_s: float
    sampled_s: Floats  # (m,) times of the samples below
    in_use: Floats  # (m, resources) slot-seconds held since the start
    queued: Floats  # (m, resources) waiter-seconds since the start
    wasted_slots: Floats  # (m, resources) slot-seconds held for clients that had gone
    busy: Floats  # (m, stations) core-seconds of work in progress since the start
    present: Floats  # (m, stations) job-seconds since the start
    wasted_cores: Floats  # (m, stations) core-seconds of work for clients that had gone

    def __len__(self) -> int:
        """Return the number of requests, those in flight included."""
        return len(self.start)

    @property
    def wait_names(self) -> tuple[str, ...]:
        """The kinds of resources."""
        return tuple(self.wait_columns)

    @property
    def waits(self) -> Floats:
        """All the waits side by side, (n, len(wait_names)): made when asked for."""
        columns = tuple(self.wait_columns.values())
        return np.stack(columns, axis=1) if columns else np.zeros((len(self), 0))


# Requests, tasks or notes that are written down before a part is handed over: enough that handing
# over costs little of each, and few enough to stay in the processor's cache.
PART_ROWS = 8192


@dataclass(frozen=True, kw_only=True)
class Part:
    """What an engine has written down since the part before.

    Its arrays may be the engine's own tables: they hold until the receiver returns. All parts, one
    after the other, are the trace.
    """

    trace: Trace
    # Unfinished so far, where notes are written; those at the horizon are in `trace`.
    in_hand: Tasks


Receive = Callable[[Part], None]
OnTime = Callable[[float], None]  # told how far the simulated clock has come, in seconds
