"""One load test over draws of the parameters: so many of them, or until they are enough."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from statistics import NormalDist

from capsim.errors import InputError
from capsim.executors import OnDone
from capsim.experiments.beliefs import Belief
from capsim.experiments.discrepancy import response_factors
from capsim.experiments.order_statistics import quantile_bounds
from capsim.experiments.precision import Errors, Precision, Reached, error_of, until_precise
from capsim.experiments.running import run_trials
from capsim.experiments.trials import Outcome, Trial
from capsim.journal import Journal
from capsim.metrics.intervals import LEVEL, weighted_quantile
from capsim.plan.streams import stream

DRAWS = 60  # also between two looks at the precision: 59 are the fewest that know an end at all
MOST_DRAWS = 2000  # with a precision, unless another cap is given

_NORMAL = NormalDist().inv_cdf((1 + LEVEL) / 2)

# Of an interval, which share of the draws lies below each of its figures.
_FIGURES = {"median": 0.5, "lo": (1 - LEVEL) / 2, "hi": (1 + LEVEL) / 2}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What a load test would report, over draws of the parameters."""

    draws: tuple[dict[str, float], ...]
    outcomes: tuple[Outcome, ...]  # one per draw, the model's discrepancy included
    precision: Reached | None  # of medians and ends of the intervals; none: it was not asked for


def most_draws(draws: int | None, precision: Precision | None) -> int:
    """Return how many draws may be made, from what was asked for.

    Raises:
        InputError: too few of them to know an interval's ends.
    """
    if precision is None:
        return DRAWS if draws is None else draws
    most = MOST_DRAWS if draws is None else draws
    if most < DRAWS:
        raise InputError(
            f"draws {most}: with a precision, {DRAWS} or more are needed: fewer do not know the "
            "ends of an interval at all"
        )
    return most


def simulate_draws(  # noqa: PLR0913 (one experiment's settings)
    belief: Belief,
    scenario: str,
    users: int,
    *,
    most: int,
    precision: Precision | None,
    seed: int,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Drawn:
    """Simulate a load test at every draw, or at one after the other until they are enough.

    With a precision, the draws are the first of `most` that are shuffled: independent ones, as the
    bounds of quantiles suppose, and each look goes on from the one before. A belief that holds
    fewer different draws than are made repeats them, with new luck and a new model error.

    Args:
        belief: the model and its posterior.
        scenario: whose workload.
        users: closed users.
        most: draws; with a precision: at most so many.
        precision: to which medians and ends have to be known; none: make all draws.
        seed: names the luck.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of about how many) simulations.
        journal: keeps what is done.
    """
    draws, factors = belief.draws(most), response_factors(most, seed).tolist()
    if precision is not None:
        order = stream(seed, 0, "order of the draws").permutation(most)
        draws = [draws[place] for place in order.tolist()]

    def trial(number: int) -> Trial:
        model = belief.template.bind(draws[number])
        return Trial(model=model, scenario=scenario, users=users, seed=seed, replication=number)

    def with_errors(raw: Sequence[Outcome]) -> tuple[Outcome, ...]:
        pairs = zip(raw, factors[: len(raw)], strict=True)
        return tuple(outcome.with_discrepancy(factor, users) for outcome, factor in pairs)

    if precision is None:
        raw = run_trials([trial(number) for number in range(most)], executor, on_done, journal)
        return Drawn(draws=tuple(draws), outcomes=with_errors(raw), precision=None)
    raw = until_precise(
        trial,
        lambda found: reached_by(with_errors(found), asked=precision, most=most),
        batch=DRAWS,
        most=most,
        executor=executor,
        on_done=on_done,
        journal=journal,
    )
    outcomes = with_errors(raw)
    reached = reached_by(outcomes, asked=precision, most=most)
    return Drawn(draws=tuple(draws[: len(raw)]), outcomes=outcomes, precision=reached)


def reached_by(outcomes: Sequence[Outcome], *, asked: Precision, most: int) -> Reached:
    """Return how precisely so many draws know the medians and ends of 90 % intervals.

    More draws do not narrow the interval of a prediction, which is what is not known of the system.
    What they make smaller is the sampling error of its three figures: quantiles of the draws, whose
    confidence intervals follow from order statistics whatever the distribution is.
    """
    errors = errors_of_draws(outcomes, asked.metrics)
    return Reached(asked=asked, count=len(outcomes), most=most, errors=errors)


def errors_of_draws(outcomes: Sequence[Outcome], metrics: Sequence[str]) -> Errors:
    """Return how far each figure may be off for want of more draws; see `reached_by`."""
    return {name: _errors(name, outcomes) for name in metrics}


def _errors(metric: str, outcomes: Sequence[Outcome]) -> dict[str, float]:
    values = _known(metric, outcomes)
    return {
        figure: _error(metric, values, below, quantile_bounds(values, below))
        for figure, below in _FIGURES.items()
    }


def errors_of_calibration(
    outcomes: Sequence[Outcome], metrics: Sequence[str], effective_draws: float
) -> dict[str, float]:
    """Return the errors of the worst figures for want of more draws in the calibration itself.

    A share p below a figure has a standard error of sqrt(p (1 - p) / n) in n independent draws, and
    the figure lies between the quantiles of the ends of that share's interval (Woodruff, JASA 47,
    1952). That is no less than weighted draws leave, nearly: a part of the spread of the outcomes
    is luck and model error, which are new at every one of them.

    Args:
        outcomes: many, with the model's discrepancy.
        metrics: as they are called in JSON.
        effective_draws: of the calibration.
    """
    found = {}
    for name in metrics:
        values = _known(name, outcomes)
        errors = []
        for below in _FIGURES.values():
            half = _NORMAL * math.sqrt(below * (1 - below) / effective_draws)
            low, high = (weighted_quantile(values, below + off) for off in (-half, half))
            errors.append(_error(name, values, below, (low, high)))
        found[name] = max(errors)
    return found


def _known(metric: str, outcomes: Sequence[Outcome]) -> list[float]:
    values = (outcome.metrics[metric] for outcome in outcomes)
    return [value for value in values if not math.isnan(value)]


def _error(
    metric: str, values: Sequence[float], below: float, bounds: tuple[float, float]
) -> float:
    """Return the error of a quantile that lies between two bounds; NaN for one that is unknown."""
    value = weighted_quantile(values, below)
    is_bounded = not any(map(math.isnan, bounds))
    distance = max(value - bounds[0], bounds[1] - value) if is_bounded else math.nan
    return error_of(metric, value, distance)
