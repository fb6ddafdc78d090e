"""How precisely figures are to be known, and simulating until they are."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from capsim.errors import InputError
from capsim.executors import OnDone, part
from capsim.experiments.running import run_trials
from capsim.experiments.trials import Outcome, Trial
from capsim.journal import Journal
from capsim.metrics.summary import METRICS as ALL_METRICS

# What load-test tools report first. Good answers follow from the first two; the slowest request is
# an extreme, and percentiles above p95 rest on few requests: they would decide on every stop.
METRICS = ("rps", "failure_ratio", "mean_s", "p50_s", "p95_s")
SHARES = frozenset({"failure_ratio"})
LEAST, MOST = 0.001, 0.5

# By metric, how far each of its figures (a mean, or a median and two ends) may be from the truth.
Errors = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How precisely figures are to be known.

    Attributes:
        ratio: the largest error, relative to the true figure; that of a share is counted in
            parts of all requests, since a rare failure would never be known relative to itself.
        metrics: that have to be known so well.
    """

    ratio: float
    metrics: tuple[str, ...] = METRICS

    def __post_init__(self) -> None:
        """Check the rules.

        Raises:
            InputError: the ratio is out of range, or a metric is none; no metric at all.
        """
        if not LEAST <= self.ratio <= MOST:
            raise InputError(
                f"precision {self.ratio:g}: lies between {LEAST:g} and {MOST:g}; e.g. 0.05"
            )
        unknown = [name for name in self.metrics if name not in ALL_METRICS]
        if unknown or not self.metrics:
            what = ", ".join(unknown) or "nothing"
            raise InputError(f"precision of {what}: choose from {', '.join(ALL_METRICS)}")

    @classmethod
    def of(cls, asked: "float | Precision | None") -> "Precision | None":
        """Return a precision from what a caller may write, e.g. 0.05.

        Raises:
            InputError: it is out of range.
        """
        return asked if isinstance(asked, Precision | None) else cls(ratio=asked)


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What precision came of so many runs or draws."""

    asked: Precision
    count: int  # of runs, or of draws
    most: int  # the cap
    errors: Errors  # of the metrics asked for; NaN: the figure is undefined

    @property
    def worst(self) -> dict[str, float]:
        """The error of each metric's worst figure."""
        return {name: max(found.values()) for name, found in self.errors.items()}

    @property
    def missed(self) -> dict[str, float]:
        """The same of the metrics that are not known so well."""
        return {name: error for name, error in self.worst.items() if error > self.asked.ratio}

    @property
    def is_met(self) -> bool:
        """Whether all are known as precisely as asked; what is undefined is not waited for."""
        return not self.missed

    @property
    def needed(self) -> float:
        """How many it would take, about: an error falls with the square root of their number.

        Infinite where nothing can be said.
        """
        errors = [_distance_ratio(name, error) for name, error in self.missed.items()]
        allowed = [_distance_ratio(name, self.asked.ratio) for name in self.missed]
        times = [(e / a) ** 2 for e, a in zip(errors, allowed, strict=True)]
        return self.count * max(times, default=1.0)


def error_of(metric: str, value: float, distance: float) -> float:
    """Return how far from the truth a figure may be that lies within a distance of it.

    Of a figure x with |x - truth| <= d, the error relative to the truth is at most
    (d / x) / (1 - d / x). Asking that of it to be g is asking d / x <= g / (1 + g), which is the
    rule of Law & Kelton ("Simulation Modeling and Analysis", 3rd edition, 2000, section 9.4.1).
    The error of a share is d itself.

    Args:
        metric: as it is called in JSON.
        value: the figure, in the metric's unit.
        distance: from it to the further end of its 90 % confidence interval; NaN: unknown.

    Returns:
        The error; NaN where the figure is undefined, infinite where nothing bounds it.
    """
    if math.isnan(value):
        return math.nan
    if math.isnan(distance):
        return math.inf
    if metric in SHARES or distance == 0:
        return distance
    return distance / (abs(value) - distance) if distance < abs(value) else math.inf


def _distance_ratio(metric: str, error: float) -> float:
    """Return the relative distance that an error comes of: `error_of` read backwards."""
    if metric in SHARES:
        return error
    return math.inf if math.isinf(error) else error / (1 + error)


def until_precise(  # noqa: PLR0913 (what to simulate, when to stop, and how to do it)
    trial: Callable[[int], Trial],
    reached: Callable[[Sequence[Outcome]], Reached],
    *,
    batch: int,
    most: int,
    executor: Executor | None,
    on_done: OnDone | None,
    journal: Journal | None,
) -> list[Outcome]:
    """Simulate trial after trial until their figures are known precisely enough, or the cap is met.

    Trials are made in batches of one size and looked at when a batch is complete, so that neither
    the number of workers nor their order decides where it ends. Intervals at a stop that they
    decided on themselves hold the truth slightly less often than they say; less so the more there
    are in the first batch (Law & Kelton 2000, section 9.4.1; asymptotically they hold it as often:
    Chow & Robbins, Annals of Mathematical Statistics 36, 1965).

    Args:
        trial: returns the trial of a number from 0 on.
        reached: judges the outcomes so far.
        batch: trials between two looks, and before the first.
        most: trials in all.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of about how many) simulations.
        journal: keeps what is done.
    """
    done: list[Outcome] = []
    about = min(batch, most)
    while len(done) < most:
        size = min(batch, most - len(done))
        trials = [trial(number) for number in range(len(done), len(done) + size)]
        done += run_trials(trials, executor, part(on_done, len(done), about), journal)
        found = reached(done)
        if found.is_met:
            break
        about = _about(found, batch, most)
    return done


def _about(found: Reached, batch: int, most: int) -> int:
    """Return how many trials it will take, at least one batch more: what progress is counted by."""
    if math.isinf(found.needed):
        return most
    return min(most, max(found.count + batch, math.ceil(found.needed)))
