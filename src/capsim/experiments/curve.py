"""Metrics over the number of users, and the cliff in them."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capsim.executors import OnDone
from capsim.experiments.beliefs import Belief
from capsim.experiments.demands import demands
from capsim.experiments.running import run_groups
from capsim.experiments.trials import Outcome, Trial
from capsim.journal import Journal
from capsim.metrics.intervals import Interval, interval
from capsim.model.model import Model

if TYPE_CHECKING:
    import pandas as pd

# Where only the place of the cliff is wanted: some answers after the ramp, for at least as long as
# a few response times at the target, and no longer than it takes to see that it is far beyond.
_ANSWERS = 4000
_SHORTEST = 5.0  # times the target
_LONGEST_S = 30.0
_NOTICEABLE = 0.01  # share of requests from which failures are worth a word
_STILL_GROWING = 0.5  # growth of throughput per growth of users, both as logarithms


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Outcomes of every draw at every number of users."""

    users: tuple[int, ...]
    outcomes: tuple[tuple[Outcome, ...], ...]  # [level][draw]

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return a metric as (levels, draws)."""
        return np.array([[o.metrics[metric] for o in row] for row in self.outcomes])

    def frame(self) -> "pd.DataFrame":
        """Return a tidy table: users, metric, median, lo, hi."""
        import pandas as pd

        rows = []
        for level, outcomes in zip(self.users, self.outcomes, strict=True):
            for metric in outcomes[0].metrics:
                found = interval([o.metrics[metric] for o in outcomes])
                rows.append(
                    {
                        "users": level,
                        "metric": metric,
                        "median": found.median,
                        "lo": found.lo,
                        "hi": found.hi,
                    }
                )
        return pd.DataFrame(rows)


@dataclass(frozen=True, kw_only=True)
class Cliff:
    """Where response times leave the target, and where throughput stops growing."""

    target_s: float
    within_target: Interval  # users at which p95 passes the target; infinite: not in the range
    growth_ends: Interval  # users at which throughput stops growing; infinite: not in the range
    good_growth_ends: (
        Interval | None
    )  # the same of good answers; none: they are all, or there are none
    lowest: int  # the range that was searched
    highest: int


def levels(lowest: int, highest: int, count: int) -> tuple[int, ...]:
    """Return numbers of users in geometric steps, both ends among them."""
    steps = np.geomspace(lowest, highest, count)
    return tuple(sorted({round(step) for step in steps}))


def run_curve(  # noqa: PLR0913 (one experiment's settings)
    belief: Belief,
    scenario: str,
    users: Sequence[int],
    *,
    draws: int,
    seed: int,
    whole: bool,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Curve:
    """Simulate a scenario at several numbers of users; `whole`: for its full duration."""
    models = belief.models(draws)
    groups = [
        [
            Trial(
                model=model,
                scenario=scenario,
                users=level,
                steady_s=None if whole else _steady_s(model, scenario, level),
                seed=seed,
                replication=number,
            )
            for number, model in enumerate(models)
        ]
        for level in users
    ]
    rows = run_groups(groups, users, seed=seed, executor=executor, on_done=on_done, journal=journal)
    return Curve(users=tuple(users), outcomes=tuple(rows))


def _steady_s(model: Model, scenario: str, users: int) -> float | None:
    """Return how long to simulate after the ramp, from the throughput that cannot be beaten."""
    if model.scenario(scenario).stages:
        return None
    throughput, _ = demands(model, scenario).bounds(users)
    shortest_s = min(_LONGEST_S, _SHORTEST * model.targets.p95_s)
    return float(np.clip(_ANSWERS / throughput, shortest_s, _LONGEST_S))


def find_cliff(curve: Curve, target_s: float) -> Cliff:
    """Return where each draw's p95 passes the target and its throughput stops growing."""
    users = np.array(curve.users, dtype=float)
    p95, rps, good = (curve.values(name) for name in ("p95_s", "rps", "goodput_rps"))
    draws = range(p95.shape[1])
    some_fail = good.any() and (good < (1 - _NOTICEABLE) * rps).any()
    return Cliff(
        target_s=target_s,
        within_target=interval([crossing(users, p95[:, i], target_s) for i in draws]),
        growth_ends=interval([saturation(users, rps[:, i]) for i in draws]),
        good_growth_ends=(
            interval([saturation(users, good[:, i]) for i in draws]) if some_fail else None
        ),
        lowest=curve.users[0],
        highest=curve.users[-1],
    )


def crossing(users: NDArray[np.float64], p95_s: NDArray[np.float64], target_s: float) -> float:
    """Return the users at which p95 passes a target for good, by log-log interpolation.

    Infinite where it is within the target in the end: at few users a p95 rests on few requests, and
    one slow query is no cliff. The lowest number of users where it is never within the target, and
    the first at which it is not where nothing was answered there.
    """
    within = np.flatnonzero(p95_s <= target_s)  # undefined: nothing was answered at all
    first = int(within[-1]) + 1 if len(within) else 0
    if first == len(users):
        return float("inf")
    if first == 0 or not np.isfinite(p95_s[first]):
        return float(users[first])
    x, y = np.log(users[first - 1 : first + 1]), np.log(p95_s[first - 1 : first + 1])
    share = (np.log(target_s) - y[0]) / (y[1] - y[0])
    return float(np.exp(x[0] + share * (x[1] - x[0])))


def saturation(users: NDArray[np.float64], rps: NDArray[np.float64]) -> float:
    """Return the users at which the line of light load meets the highest throughput.

    This is the knee N* of the asymptotic bounds (Denning & Buzen 1978), read off a simulated
    curve. Infinite where throughput still grows at the end of the range, or there is none.
    """
    if not rps.any():
        return float("inf")
    peak = int(rps.argmax())
    if peak == len(users) - 1 and peak > 0:
        growth = np.log(rps[-1] / rps[-2]) / np.log(users[-1] / users[-2])
        if not growth < _STILL_GROWING:  # from nothing, it grows too
            return float("inf")
    # Light load is where a user gets most; the lowest level alone holds few requests.
    return float(rps.max() / (rps / users).max())
