"""A look at a long load test that stands for the whole of it.

A closed system without drift that answers each request within a fraction of the look is in its
steady state: the rest of the test would repeat it, at several times the cost.
"""

from dataclasses import dataclass

from capsim.metrics.run import Run, simulate
from capsim.metrics.summary import Summary
from capsim.model.model import Model
from capsim.model.workload import Scenario

ENOUGH = 10_000  # answers: the standard error of a p99's rank is then a tenth of a percent
_SHORT_S = 20.0  # of a first look
_MARGIN = 1.1  # on the length that should give enough answers
_WORTH_IT = 0.5  # of the whole test: a longer look saves nothing
_SETTLED = 0.5  # of the look's length: no response may take as long, or the queues may still grow


@dataclass(frozen=True, kw_only=True)
class Look:
    """A simulated part of a load test, from the first user to some time after the last came."""

    run: Run
    begin_s: float  # the end of the ramp
    length_s: float  # after it

    @property
    def is_calm(self) -> bool:
        """Whether something was answered, and everything quickly."""
        longest_s = self.run.summary().max_s
        return longest_s < _SETTLED * self.length_s  # never true of NaN

    @property
    def answers(self) -> int:
        """How many requests ended after the ramp."""
        return self.summary().requests

    def summary(self) -> Summary:
        """Summarise what ended after the ramp."""
        return self.run.summary(begin_s=self.begin_s)


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
        None where the whole has to be simulated: it drifts, changes its users, is slow, or is
        hardly longer than the look.
    """

    def look(length_s: float) -> Look | None:
        found = _look_at(model, scenario, length_s, users, seed, replication)
        return found if found is not None and found.is_calm else None

    if rps is not None:
        return look(max(_SHORT_S, _MARGIN * ENOUGH / rps))
    longest_s = _WORTH_IT * scenario.duration_s
    first = look(_SHORT_S) if longest_s > _SHORT_S else None
    if first is None or first.answers >= ENOUGH:
        return first
    needed_s = _MARGIN * ENOUGH * _SHORT_S / max(1, first.answers)
    return look(needed_s) if needed_s < longest_s else None


def _look_at(
    model: Model,
    scenario: Scenario,
    length_s: float,
    users: int | None,
    seed: int,
    replication: int,
) -> Look | None:
    begin_s = ramp_s(scenario, users)
    steady = scenario.peak_users > 0 and not (
        scenario.stages or scenario.arrivals or scenario.drift
    )
    if not steady or begin_s + length_s >= scenario.duration_s:
        return None
    shortened = scenario.model_copy(update={"duration_s": begin_s + length_s})
    run = simulate(model, scenario=shortened, users=users, seed=seed, replication=replication)
    return Look(run=run, begin_s=begin_s, length_s=length_s)


def ramp_s(scenario: Scenario, users: int | None = None) -> float:
    """Return when the last user of a scenario has started."""
    if scenario.stages:
        return scenario.stages[0].duration_s
    if scenario.spawn_rate is None:
        return 0.0
    return (scenario.users if users is None else users) / scenario.spawn_rate
