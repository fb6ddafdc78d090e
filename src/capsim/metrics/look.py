"""A look at a long load test that stands for the whole of it.

A closed system without drift, in which nothing times out and every request, those in flight too,
is younger than a fraction of the look, is in its steady state: the rest of the test would repeat
it, at several times the cost. Background work has to keep up, or to keep all of its workers busy;
then it takes the same share of the database for the rest of the test. The largest response time of
a look is that of fewer requests.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from capsim.metrics.run import Run, simulate
from capsim.metrics.summary import Summary
from capsim.model.model import Model
from capsim.model.server import Gunicorn
from capsim.model.workload import Scenario
from capsim.plan.lowering import celery, replicas
from capsim.plan.ops import Status

ENOUGH = 10_000  # answers: the standard error of a p99's rank is then a tenth of a percent
SETTLE_S = 5.0  # after the ramp: users that came together leave each other
_SHORT_S = 20.0  # of a first look, after that
_LONG_S = 60.0  # of another one, where some requests took long
_MARGIN = 1.1  # on the length that should give enough answers
_WORTH_IT = 0.5  # of the whole test: a longer look saves nothing
_BEFORE = 0.1  # of the whole test that the ramp may take: what a look leaves out
_SETTLED = 0.5  # of the look's length: a request as old may be one of a queue that grows
_CYCLES = 5.0  # of a user, in the length of a look
_GROWING = 0.05  # of the background work begun: a queue that fills faster is not settled
_BUSY = 0.95  # of the workers of background work: no more of them can get busy
_HTTP = 400  # statuses from here on are answers; others below it time out, or are refused


@dataclass(frozen=True, kw_only=True)
class Look:
    """A simulated part of a load test, from the first user to some time after the last came."""

    run: Run
    begin_s: float  # of the steady state
    duration_s: float  # of the whole test

    @property
    def length_s(self) -> float:
        """How much of the steady state was looked at."""
        return self.run.trace.horizon_s - self.begin_s

    @property
    def fails(self) -> bool:
        """Whether something timed out or was refused: more of it may be on its way."""
        status = self.run.trace.status
        gave_up = np.isin(status, [source.timeout_status for source in self.run.plan.sources])
        return bool((gave_up | ((status > Status.IN_FLIGHT) & (status < _HTTP))).any())

    @property
    def is_steady(self) -> bool:
        """Whether nothing hints at a rest of the test that differs from what was seen."""
        trace, answers = self.run.trace, self.answers
        if not answers or self.fails:
            return False
        ages_s = trace.horizon_s - trace.asked[trace.status == Status.IN_FLIGHT]
        oldest_s = max(self.run.summary().max_s, ages_s.max(initial=0.0))
        users = sum(len(source.starts) for source in self.run.plan.sources)
        cycles = answers / max(1, users)
        settled = oldest_s < _SETTLED * self.length_s and self.background_settled
        return bool(settled and cycles >= _CYCLES)

    @property
    def background_settled(self) -> bool:
        """Whether the work that requests leave behind keeps up, or keeps all its workers busy.

        Either way it takes no more of what it shares with requests than it does already.
        """
        busy = {usage.name: usage.busiest for usage in self.run.usages(begin_s=self.begin_s)}
        for task in self.run.tasks(begin_s=self.begin_s):
            workers = replicas.REPLAY if task.name == replicas.REPLICATION else celery.WORKER
            fills = task.growth_per_s * self.length_s > _GROWING * task.begun
            if fills and busy.get(workers, 0.0) < _BUSY:
                return False
        return True

    @property
    def answers(self) -> int:
        """How many requests ended in the steady state."""
        return self.run.summary(begin_s=self.begin_s).requests

    def summary(self, request_classes: Collection[str] | None = None) -> Summary:
        """Summarise the steady state; the throughput is that of the whole test, ramp included."""
        steady = self.run.summary(begin_s=self.begin_s, request_classes=request_classes)
        before = self.run.summary(until_s=self.begin_s, request_classes=request_classes)
        rest = steady.rps * (self.duration_s - self.begin_s)
        return replace(steady, rps=(before.requests + rest) / self.duration_s)


def steady_look(
    model: Model,
    scenario: Scenario,
    *,
    users: int | None = None,
    rps: float | None = None,
    seed: int = 1,
    replication: int = 0,
) -> Look | None:
    """Return a look at a load test that stands for the whole of it.

    Args:
        model: the system.
        scenario: the load test.
        users: another number of users than its own.
        rps: its throughput where that is known; none: a short look tells.
        seed: names the luck.
        replication: another number gives independent luck under the same seed.

    Returns:
        None where the whole has to be simulated: it drifts, changes its users, is slow, fails, or
        is hardly longer than the look.
    """

    def look(length_s: float) -> Look | None:
        return _look_at(model, scenario, length_s, users, seed, replication)

    if rps is not None:
        return _if_steady(look(max(_SHORT_S, _MARGIN * ENOUGH / rps)))
    first = look(_SHORT_S)
    if first is None or first.fails:
        return None
    if not first.is_steady:  # some requests are old; a longer look may see the end of them
        return _if_steady(look(_LONG_S))
    if first.answers >= ENOUGH:
        return first
    return _if_steady(look(_MARGIN * ENOUGH * _SHORT_S / first.answers))


def _if_steady(look: Look | None) -> Look | None:
    return look if look is not None and look.is_steady else None


def _look_at(
    model: Model,
    scenario: Scenario,
    length_s: float,
    users: int | None,
    seed: int,
    replication: int,
) -> Look | None:
    begin_s = ramp_s(scenario, users) + SETTLE_S
    whole_s = scenario.duration_s
    if (
        _changes(model, scenario)
        or begin_s > _BEFORE * whole_s
        or begin_s + length_s > _WORTH_IT * whole_s
    ):
        return None
    shortened = scenario.model_copy(update={"duration_s": begin_s + length_s})
    run = simulate(model, scenario=shortened, users=users, seed=seed, replication=replication)
    return Look(run=run, begin_s=begin_s, duration_s=whole_s)


def _changes(model: Model, scenario: Scenario) -> bool:
    """Whether something may happen later in a test that its first part does not show."""
    happens = scenario.stages or scenario.arrivals or scenario.drift or scenario.faults
    recycles = isinstance(model.server, Gunicorn) and model.server.max_requests
    remembers = model.memory or model.cache or scenario.client.retries
    return bool(happens or recycles or remembers or not scenario.peak_users)


def ramp_s(scenario: Scenario, users: int | None = None) -> float:
    """Return when the last user of a scenario has started."""
    if scenario.stages:
        return scenario.stages[0].duration_s
    if scenario.spawn_rate is None:
        return 0.0
    return (scenario.users if users is None else users) / scenario.spawn_rate
