"""One simulated load test: its trace, and the views of it that people ask for."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capsim.engine import OnTime, Trace, simulate_plan
from capsim.metrics.summary import Summary, summarise
from capsim.metrics.tasks import TaskSummary, stale_share, task_summaries
from capsim.metrics.timeline import timeline
from capsim.metrics.utilisation import Usage, usages
from capsim.model.model import Model, with_users
from capsim.model.workload import Scenario
from capsim.plan.lowering import lower
from capsim.plan.ops import status_name
from capsim.plan.plan import Plan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What most people ask of a run; `simulate_summary` keeps no more of it than this."""

    summary: Summary
    usages: tuple[Usage, ...]
    tasks: tuple[TaskSummary, ...]
    stale_share: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished simulation."""

    plan: Plan
    trace: Trace
    slower_than_s: float | None = None  # the client's failure rule

    def summary(
        self,
        *,
        begin_s: float = 0.0,
        until_s: float | None = None,
        request_classes: Collection[str] | None = None,
        ages_count: bool = False,
    ) -> Summary:
        """Summarise the requests that ended in a window (none: the whole run); see `summarise`."""
        return summarise(
            self.trace,
            begin_s=begin_s,
            until_s=until_s,
            request_classes=request_classes,
            slower_than_s=self.slower_than_s,
            ages_count=ages_count,
        )

    def usages(self, *, begin_s: float = 0.0, until_s: float | None = None) -> tuple[Usage, ...]:
        """Return how busy every resource and station was in a window."""
        return usages(self.plan, self.trace, begin_s=begin_s, until_s=until_s)

    def tasks(
        self, *, begin_s: float = 0.0, until_s: float | None = None
    ) -> tuple[TaskSummary, ...]:
        """Return what became of the work that requests left behind; see `task_summaries`."""
        return task_summaries(self.trace, begin_s=begin_s, until_s=until_s)

    def stale_share(self) -> float:
        """Return the share of replica reads that may have missed a change; see `stale_share`."""
        return stale_share(self.trace)

    def digest(self, *, usages_begin_s: float = 0.0) -> RunSummary:
        """Return what most people ask of a run; resources are watched from some time on."""
        return RunSummary(
            summary=self.summary(),
            usages=self.usages(begin_s=usages_begin_s),
            tasks=self.tasks(),
            stale_share=self.stale_share(),
        )

    def timeline(self, *, slice_s: float = 1.0) -> "pd.DataFrame":
        """Return the run over time, a row per slice."""
        return timeline(self.trace, slice_s=slice_s, slower_than_s=self.slower_than_s)

    @property
    def requests(self) -> "pd.DataFrame":
        """A row per attempt: who, what, when (seconds), how it ended, and what it waited for."""
        import pandas as pd

        trace = self.trace
        sources = np.array([source.name for source in self.plan.sources], dtype=object)
        classes = np.array(trace.class_names, dtype=object)
        codes, inverse = np.unique(trace.status, return_inverse=True)
        names = np.array([status_name(int(code)) for code in codes], dtype=object)
        frame = pd.DataFrame(
            {
                "source": sources[trace.source],
                "user": trace.user,
                "index": trace.index,
                "attempt": trace.attempt,
                "request_class": classes[trace.request_class],
                "start_s": trace.start,
                "end_s": trace.end,
                "response_time_s": trace.end - trace.start,
                "status": names[inverse],
                "final": trace.final,
            }
        )
        for name, waited_s in trace.wait_columns.items():
            frame[f"{name.replace(' ', '_')}_wait_s"] = waited_s
        return frame


def simulate(
    model: Model,
    *,
    scenario: str | Scenario | None = None,
    users: int | None = None,
    seed: int = 1,
    replication: int = 0,
    on_time: OnTime | None = None,
) -> Run:
    """Simulate one load test of a model.

    Args:
        model: the system, every parameter a number (see `Template.bind`).
        scenario: which of its load tests, or a changed one; none: the default one.
        users: another number of closed users than the scenario's own.
        seed: names the luck; the same seed gives the same trace, byte for byte.
        replication: another number gives independent luck under the same seed.
        on_time: told now and then how far the simulated clock has come, in seconds.

    Raises:
        InputError: there is no such scenario, or it has no closed users to change.
        RunError: the clock stands still, because nothing in the model takes time.
    """
    chosen = chosen_scenario(model, scenario, users)
    plan = lower(model, chosen, seed=seed, replication=replication)
    trace = simulate_plan(plan, on_time=on_time)
    return Run(plan=plan, trace=trace, slower_than_s=chosen.client.slower_than_s)


def chosen_scenario(model: Model, scenario: str | Scenario | None, users: int | None) -> Scenario:
    """Return the load test that is meant; see `simulate`."""
    chosen = scenario if isinstance(scenario, Scenario) else model.scenario(scenario)
    return chosen if users is None else with_users(chosen, users)
