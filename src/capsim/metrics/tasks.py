"""What became of the work that requests left behind: tasks done later, changes on their way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.engine.trace import Tasks, Trace
from capsim.metrics.times import EveryTime, Times
from capsim.plan.lowering.replicas import CPU as REPLICA_CPU
from capsim.plan.lowering.replicas import REPLICATION
from capsim.plan.ops import Status


@dataclass(frozen=True, kw_only=True)
class TaskSummary:
    """One kind of background work over a window of a run; undefined values are NaN."""

    name: str
    begun: int  # in the window, like the next
    done: int
    failed: int  # of those that ended, with an error or at their time limit
    waiting: int  # at the end of the window: begun, and not done
    growth_per_s: float  # of that number; above zero the queue does not keep up
    mean_s: float  # from the request that left it behind to its end
    p95_s: float
    max_s: float


@dataclass(frozen=True, kw_only=True)
class TaskCounts:
    """How many tasks of one kind, of a trace or of a part of it, there are in a window."""

    begun: int
    done: int
    failed: int
    waiting_before: int  # at the beginning of the window
    waiting: int  # at its end

    def __add__(self, other: "TaskCounts") -> "TaskCounts":
        """Return the counts of two parts together."""
        return TaskCounts(**{name: n + getattr(other, name) for name, n in vars(self).items()})


def task_summaries(
    trace: Trace, *, begin_s: float = 0.0, until_s: float | None = None
) -> tuple[TaskSummary, ...]:
    """Return a summary of every kind of background work, in order of name.

    Args:
        trace: of a run.
        begin_s: start of the window.
        until_s: end of the window; none: the horizon.
    """
    until = trace.horizon_s if until_s is None else min(until_s, trace.horizon_s)
    return tuple(
        task_summary(name, counts, EveryTime(np.sort(times)), until - begin_s)
        for name, (counts, times) in sorted(count_tasks(trace, begin_s, until).items())
    )


def count_tasks(
    trace: Trace, begin_s: float, until_s: float
) -> dict[str, tuple[TaskCounts, NDArray[np.float64]]]:
    """Return, by kind, how many tasks there are, and how long those took that ended."""
    names = np.array(trace.class_names, dtype=object)[trace.tasks.request_class]
    return {
        name: _of_one(trace.tasks, names == name, begin_s, until_s) for name in set(names.tolist())
    }


def _of_one(
    tasks: Tasks, mine: NDArray[np.bool_], begin_s: float, until_s: float
) -> tuple[TaskCounts, NDArray[np.float64]]:
    start, end, status = tasks.start[mine], tasks.end[mine], tasks.status[mine]
    ended = (end >= begin_s) & (end <= until_s)

    def unfinished(at_s: float) -> int:
        return int(((start <= at_s) & ~(end <= at_s)).sum())

    counts = TaskCounts(
        begun=int(((start >= begin_s) & (start <= until_s)).sum()),
        done=int(ended.sum()),
        failed=int((status[ended] != Status.OK).sum()),
        waiting_before=unfinished(begin_s),
        waiting=unfinished(until_s),
    )
    return counts, (end - start)[ended]


def task_summary(name: str, counts: TaskCounts, times: Times, length_s: float) -> TaskSummary:
    """Summarise what was counted of one kind in a window of a length."""
    return TaskSummary(
        name=name,
        begun=counts.begun,
        done=counts.done,
        failed=counts.failed,
        waiting=counts.waiting,
        growth_per_s=(counts.waiting - counts.waiting_before) / length_s,
        mean_s=times.mean_s,
        p95_s=times.percentile(0.95),
        max_s=times.max_s,
    )


def stale_share(trace: Trace) -> float:
    """Return the share of queries on a replica that came while changes were on their way to one.

    Such a read may miss what was committed before it. NaN where nobody read a replica.
    """
    stale, reads = stale_reads(trace, [trace.tasks])
    return stale / reads if reads else float("nan")


def stale_reads(trace: Trace, tasks: Sequence[Tasks]) -> tuple[int, int]:
    """Return how many reads of a replica may have missed a change, and how many there are.

    Args:
        trace: of a run, or a part of it.
        tasks: all those that were in hand at any time since the first of these reads.
    """
    reads = trace.notes.get(REPLICA_CPU, np.empty(0))
    mine = [np.array(trace.class_names)[each.request_class] == REPLICATION for each in tasks]
    both = list(zip(tasks, mine, strict=True))
    begun = np.sort(np.concatenate([each.start[own] for each, own in both]))
    done = np.sort(np.concatenate([each.end[own & np.isfinite(each.end)] for each, own in both]))
    on_the_way = np.searchsorted(begun, reads) - np.searchsorted(done, reads, side="right")
    return int((on_the_way > 0).sum()), len(reads)
