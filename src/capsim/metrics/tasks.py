"""What became of the work that requests left behind: tasks done later, changes on their way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.engine.trace import Trace
from capsim.metrics.percentiles import percentile
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
    tasks = trace.tasks
    names = np.array(trace.class_names, dtype=object)[tasks.request_class]
    return tuple(
        _of_one(trace, str(name), names == name, begin_s, until)
        for name in sorted(set(names.tolist()))
    )


def _of_one(
    trace: Trace,
    name: str,
    mine: NDArray[np.bool_],
    begin_s: float,
    until_s: float,
) -> TaskSummary:
    start, end, status = (
        column[mine] for column in (trace.tasks.start, trace.tasks.end, trace.tasks.status)
    )
    ended = (end >= begin_s) & (end <= until_s)
    times = np.sort((end - start)[ended])

    def unfinished(at_s: float) -> int:
        return int(((start <= at_s) & ~(end <= at_s)).sum())

    return TaskSummary(
        name=name,
        begun=int(((start >= begin_s) & (start <= until_s)).sum()),
        done=int(ended.sum()),
        failed=int((status[ended] != Status.OK).sum()),
        waiting=unfinished(until_s),
        growth_per_s=(unfinished(until_s) - unfinished(begin_s)) / (until_s - begin_s),
        mean_s=float(times.mean()) if len(times) else float("nan"),
        p95_s=percentile(times, 0.95),
        max_s=float(times[-1]) if len(times) else float("nan"),
    )


def stale_share(trace: Trace) -> float:
    """Return the share of queries on a replica that came while changes were on their way to one.

    Such a read may miss what was committed before it. NaN where nobody read a replica.
    """
    reads = trace.notes.get(REPLICA_CPU, np.empty(0))
    if not len(reads):
        return float("nan")
    of_replication = np.array(trace.class_names)[trace.tasks.request_class] == REPLICATION
    begun = np.sort(trace.tasks.start[of_replication])
    done = np.sort(trace.tasks.end[of_replication & np.isfinite(trace.tasks.end)])
    on_the_way = np.searchsorted(begun, reads) - np.searchsorted(done, reads, side="right")
    return float((on_the_way > 0).mean())
