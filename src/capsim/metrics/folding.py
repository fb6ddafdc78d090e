"""A run that is summarised while it is simulated: its memory does not grow with its requests."""

from collections import defaultdict

from capsim.engine import OnTime, Part, simulate_in_parts
from capsim.metrics.run import RunSummary, chosen_scenario
from capsim.metrics.summary import Counts, count, ended_in, summary_of
from capsim.metrics.tasks import TaskCounts, count_tasks, stale_reads, task_summary
from capsim.metrics.times import Histogram
from capsim.metrics.utilisation import Samples, usages_of
from capsim.model.model import Model
from capsim.model.workload import Scenario
from capsim.plan.lowering import lower
from capsim.plan.plan import Plan


def simulate_summary(  # noqa: PLR0913 (what `simulate` takes, and one more)
    model: Model,
    *,
    scenario: str | Scenario | None = None,
    users: int | None = None,
    seed: int = 1,
    replication: int = 0,
    usages_begin_s: float = 0.0,
    on_time: OnTime | None = None,
) -> RunSummary:
    """Simulate one load test of a model and keep no trace of it, however long it is.

    Args:
        model: see `simulate`, as for all but `usages_begin_s`.
        scenario: which of its load tests, or a changed one; none: the default one.
        users: another number of closed users than the scenario's own.
        seed: names the luck; `simulate` has the same run with the same one.
        replication: another number gives independent luck under the same seed.
        usages_begin_s: from when on resources are watched.
        on_time: told now and then how far the simulated clock has come, in seconds.

    Raises:
        InputError: there is no such scenario, or it has no closed users to change.
        RunError: the clock stands still, because nothing in the model takes time.
    """
    chosen = chosen_scenario(model, scenario, users)
    plan = lower(model, chosen, seed=seed, replication=replication)
    return fold_plan(
        plan,
        slower_than_s=chosen.client.slower_than_s,
        usages_begin_s=usages_begin_s,
        on_time=on_time,
    )


def fold_plan(
    plan: Plan,
    *,
    slower_than_s: float | None = None,
    usages_begin_s: float = 0.0,
    on_time: OnTime | None = None,
) -> RunSummary:
    """Run a plan and summarise it meanwhile.

    Args:
        plan: what to run.
        slower_than_s: count answers slower than this as failed.
        usages_begin_s: from when on resources are watched.
        on_time: see `simulate_summary`.
    """
    fold = _Fold(slower_than_s, usages_begin_s)
    simulate_in_parts(plan, fold.receive, on_time=on_time)
    return fold.result(plan)


class _Fold:
    """Receives the parts of a trace, and keeps counts of them."""

    def __init__(self, slower_than_s: float | None, usages_begin_s: float) -> None:
        self._slower_than_s = slower_than_s
        self._usages_begin_s = usages_begin_s
        self._counts: Counts | None = None
        self._times = Histogram()
        self._tasks: dict[str, TaskCounts] = {}
        self._task_times: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._stale = self._reads = 0
        self._samples: Samples | None = None

    def receive(self, part: Part) -> None:
        """Add a part."""
        trace = part.trace
        ended = ended_in(trace, 0.0, trace.horizon_s)
        counts = count(trace, ended, self._slower_than_s)
        self._counts = counts if self._counts is None else self._counts + counts
        self._times.add((trace.end - trace.asked)[ended & trace.final])
        for name, (found, times) in count_tasks(trace, 0.0, trace.horizon_s).items():
            self._tasks[name] = self._tasks[name] + found if name in self._tasks else found
            self._task_times[name].add(times)
        stale, reads = stale_reads(trace, [trace.tasks, part.in_hand])
        self._stale, self._reads = self._stale + stale, self._reads + reads
        mine = Samples.of(trace)
        samples = mine if self._samples is None else self._samples + mine
        self._samples = samples.ends(self._usages_begin_s)

    def result(self, plan: Plan) -> RunSummary:
        """Return what all parts say together."""
        if self._counts is None or self._samples is None:
            raise ValueError("there is no part of the trace")
        return RunSummary(
            summary=summary_of(self._counts, self._times, plan.horizon_s),
            usages=usages_of(plan, self._samples, begin_s=self._usages_begin_s),
            tasks=tuple(
                task_summary(name, counts, self._task_times[name], plan.horizon_s)
                for name, counts in sorted(self._tasks.items())
            ),
            stale_share=self._stale / self._reads if self._reads else float("nan"),
        )
