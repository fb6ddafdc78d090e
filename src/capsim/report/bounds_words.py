"""Bounds in words: the knee, what limits, what mean value analysis leaves out, what to doubt."""

import math
from collections.abc import Iterator, Sequence

from capsim.calibration.scalability import Estimate, UslFit
from capsim.experiments.bottleneck import NOTHING
from capsim.experiments.bounded import Bounds
from capsim.experiments.readings import NOTICEABLE, Reading
from capsim.metrics.intervals import Interval
from capsim.report.numbers import UNDEFINED, metric_both, number, share

_ACCOUNTED = 0.05  # of the users: a difference that is worth a sentence
_DIGITS = 6  # of figures that nothing is uncertain in


def exact(found: Bounds) -> bool:
    """Whether figures are exact for what was given, and not spread over draws or load tests."""
    return found.kind == "network"


def time(found: Bounds, value: Interval) -> str:
    """Return a time with its interval."""
    if exact(found):
        return f"{value.median:.{_DIGITS}g} s"
    return metric_both("mean_s", value)


def rate(found: Bounds, value: Interval) -> str:
    """Return a rate with its interval."""
    if math.isinf(value.median):
        return "no limit"
    return f"{value.median:.{_DIGITS}g}" if exact(found) else metric_both("rps", value)


def knee(found: Bounds) -> list[str]:
    """Say what one request takes, where the asymptotes cross, and what limits there."""
    alone, think = time(found, found.alone_s), time(found, found.think_s)
    first = f"A request that waits for nothing takes {alone}; then its user thinks {think}."
    if found.kind == "data":
        first = f"A request keeps the one queue busy for {alone}; then its user thinks {think}."
    sentences = [first]
    if math.isinf(found.knee.median):
        return [*sentences, "Nothing limits the throughput: it grows with every user."]
    return [
        *sentences,
        f"The knee N* is at {_users(found)}: with more, users only wait for each other.",
        f"{_limits(found)}: {rate(found, found.capacity_rps)} requests per second at most"
        + (", in the mix of an idle system." if found.has_classes else "."),
    ]


def _users(found: Bounds) -> str:
    place = found.knee
    if exact(found):
        return f"{place.median:.{_DIGITS}g} users"
    if place.lo == place.hi:
        return f"{number(place.median)} users"
    return f"{number(place.median)} users ({_spread(found)}: {number(place.lo)} to {_open(place)})"


def _open(place: Interval) -> str:
    return "any number" if math.isinf(place.hi) else number(place.hi)


def _spread(found: Bounds) -> str:
    """Name what an interval is over."""
    return "the load tests" if found.kind == "data" else "90 %"


def _limits(found: Bounds) -> str:
    names = {name: part for name, part in found.bottlenecks.items() if name != NOTHING}
    if found.kind == "data":
        return "What the one queue carries"
    if len(names) == 1:
        return f"What limits is {next(iter(names))}"
    (first, part), *others = names.items()
    more = ", ".join(f"{name} in {share(other)}" for name, other in others)
    return f"What limits is {first} in {share(part)} of the draws, {more}"


def trust(found: Bounds) -> list[str]:
    """Say what the bounds and the mean values rest on."""
    if found.kind == "network":
        first = (
            "The asymptotic bounds hold for any distribution. Balanced job bounds and exact MVA "
            "are for queues that share a processor, or that serve exponential times in order."
        )
    elif found.kind == "model":
        first = "The bounds hold as long as no request fails, times out or is refused."
    else:
        first = (
            "Each load test is read as one queue with one server. Where part of the response time "
            "is delay, or there are several servers, the system carries more than that."
        )
    return [first, *_mva(found), *_floor(found)]


def _mva(found: Bounds) -> Iterator[str]:
    if found.leaves_out:
        yield (
            f"Exact MVA leaves out {_listed(found.leaves_out)}: where these matter, simulate "
            "(capsim predict)."
        )
    elif found.kind == "model":
        yield "Exact MVA takes the stations for queues that share their processors."
    known = found.levels.envelope if found.levels is not None else None
    if known is not None and known.contradicted_from is not None:
        yield (
            f"From {known.contradicted_from} users on, slots or background work limit more than "
            "any queue does. MVA knows neither, and is left out there."
        )
    if known is not None and known.unsolved_from is not None:
        yield f"Exact MVA is left out from {known.unsolved_from} users on: it would take too long."


def _floor(found: Bounds) -> Iterator[str]:
    if found.no_floor:
        yield (
            f"There is no bound from below: {_listed(found.no_floor)} may take more time than the "
            "demands say."
        )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def of_readings(found: Bounds) -> list[str]:
    """Say what the load tests contradict: each other, their think times, or the bounds."""
    sentences = [text for reading in found.readings for text in _of_reading(found, reading)]
    if found.contradicted:
        sentences.append(
            f"{_listed(found.contradicted)}: read as one queue, the system would carry less than "
            "was measured under more load. Part of the response time is delay, or there are "
            "several servers; such a reading is left out of the curves."
        )
    return [*sentences, *([found.no_curve] if found.no_curve else [])]


def _of_reading(found: Bounds, reading: Reading) -> Iterator[str]:
    name, users, active = reading.load_test, reading.users, reading.active_users
    failed = reading.failure_ratio or 0.0
    if users is not None and active is not None and abs(active / users - 1) > _ACCOUNTED:
        yield (
            f"{name}: X (R + Z) accounts for {number(active)} of {number(users)} users; the others "
            "were idle or coming, or think times were other ones."
            if active < users
            else f"{name}: X (R + Z) is {number(active)}, but there were {number(users)} users; "
            "think times were shorter."
        )
    if failed > NOTICEABLE:
        tail = (
            "no bound can be held against it."
            if found.kind == "model"
            else "its throughput says little of the work that was done."
        )
        yield f"{name}: {share(failed)} of the requests failed, so {tail}"


def usl(found: Bounds) -> list[str]:
    """Say where the fitted law has its peak, or why there is no fit."""
    note = [found.usl_note] if found.usl_note else []
    if found.usl is None:
        return note
    return [_peak(found.usl), *note]


def _peak(fit: UslFit) -> str:
    measured = number(float(fit.users.max()))
    place = fit.peak
    if math.isinf(place.best):
        least = f"; it is not below {number(place.lo)} users" if math.isfinite(place.lo) else ""
        return f"No peak: up to {measured} users the throughput shows no sign of falling{least}."
    where = f"{number(place.best)} users (90 %: {estimate_span(place)})"
    if fit.is_beyond:
        return (
            f"The law has its peak at {where}: beyond the {measured} users that were measured, so "
            "this is an extrapolation, not an observation."
        )
    rps = number(float(fit.throughput([place.best])[0]))
    return f"Throughput is highest at {where}, with {rps} requests per second."


def estimate_span(found: Estimate) -> str:
    """Return a confidence interval; an open end in words."""
    if math.isinf(found.lo):
        return UNDEFINED
    if math.isinf(found.hi):
        return f"{number(found.lo)} or more"
    return f"{number(found.lo)}..{number(found.hi)}"


def verdict(reading: Reading, most: Interval) -> str | None:
    """Say whether a measured throughput is possible; none: a bound says nothing of it."""
    if (reading.failure_ratio or 0.0) > NOTICEABLE:
        return None
    return "inside" if reading.rps <= most.hi else "ABOVE"
