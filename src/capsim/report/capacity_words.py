"""A capacity in sentences."""

import math
from collections.abc import Mapping, Sequence

from capsim.experiments.found_capacity import Capacity
from capsim.experiments.hysteresis import BELOW, Return
from capsim.experiments.search import Ending
from capsim.report.numbers import metric_value, number, share

_SHOWN = 4  # levels, of a list that may be long


def headline(found: Capacity) -> str:
    """Return the answer."""
    level, sure = found.at_confidence, f"with {confidence(found)} confidence"
    if math.isinf(level):
        return f"{found.targets} holds {sure} at every load tried, up to {_highest(found)}."
    if level > 0:
        return f"{found.targets} holds {sure} up to {with_unit(found, level)}."
    if found.endings[Ending.NEVER]:
        return f"{found.targets} holds {sure} at no load tried."
    return f"{found.targets} does not hold {sure}, not even {_least(found)}."


def largest(found: Capacity) -> str:
    """Return what is being looked for."""
    what = "arrival rate" if found.load.is_rate else "number of users"
    return f"The largest {what} that meets {found.targets}"


def number_of(found: Capacity, level: float) -> str:
    """Return a level as a number; `>N` where it is beyond the highest that was tried."""
    if math.isinf(level):
        return f">{number(found.scale.highest)}"
    return number(level)


def with_unit(found: Capacity, level: float) -> str:
    """Return a level with what it counts."""
    unit = found.load.unit
    return f"{number(level)} {'user' if level == 1 and not found.load.is_rate else unit}"


def between(found: Capacity, low: float, high: float) -> str:
    """Return a range of levels."""
    return _joined(number_of(found, low), number_of(found, high))


def sampling(found: Capacity) -> str:
    """Return what the number of draws leaves open; an end that they cannot tell lies outside."""
    low, high = found.sampling
    least, most = min(found.values), max(found.values)
    first = f"<{number(least)}" if math.isnan(low) and 0 < least < math.inf else ""
    last = f">{number(most)}" if math.isnan(high) and most < math.inf else ""
    low, high = (least if math.isnan(low) else low), (most if math.isnan(high) else high)
    return _joined(first or number_of(found, low), last or number_of(found, high))


def _joined(first: str, last: str) -> str:
    return first if first == last else f"{first}..{last}"


def confidence(found: Capacity) -> str:
    """Return the confidence asked for."""
    return f"{100 * found.confidence:g} %"


def censored(found: Capacity) -> list[str]:
    """Say in how many draws the search met its ends."""
    draws, endings = len(found.draws), found.endings
    parts = {
        Ending.MORE: f"the target is met at every load tried, up to {_highest(found)}",
        Ending.LESS: f"it is missed even {_least(found)}{_there(found)}",
        Ending.NEVER: "no load tried meets it: throughput is too low where the rest holds",
    }
    return [
        f"In {endings[ending]} of {_draws(draws)} {text}."
        for ending, text in parts.items()
        if endings[ending]
    ]


def _there(found: Capacity) -> str:
    """Say how large what has a target is at the lowest load, where it is known."""
    known = {name: value for name, value in found.at_lowest.items() if not math.isnan(value)}
    parts = [
        f"{part.text.split()[0]} {metric_value(part.metric, known[part.metric])}"
        for part in found.targets.parts
        if part.metric in known
    ]
    return f" (median there: {', '.join(dict.fromkeys(parts))})" if parts else ""


def limits(found: Capacity) -> list[str]:
    """Say what limits at the capacity, above it, and after that."""
    rows: Sequence[tuple[str, Mapping[str, float]]] = (
        ("At the capacity", found.limiting),
        ("The work that no answer waits for", found.limiting_behind),
        ("Just above it", found.limiting_beyond),
        ("Next, if that were plentiful", found.next_limits),
    )
    return [f"{where}: {_shares(shares)}." for where, shares in rows if shares] or [
        "Not known: no load tried meets the target."
    ]


def _shares(shares: Mapping[str, float]) -> str:
    parts = ", ".join(f"{name} in {share(often)}" for name, often in shares.items())
    return f"{parts} of the draws"


def other_loads(found: Capacity) -> list[str]:
    """Say whether the target holds below the capacity and nowhere above, and after a burst."""
    return [*_monotone(found), *_idle(found), *_hysteresis(found)]


def _monotone(found: Capacity) -> list[str]:
    draws = sum(draw.ending in {Ending.FOUND, Ending.MORE} for draw in found.draws)
    if not draws:
        return []
    if found.is_monotone:
        lowest, highest = found.tried_from, found.tried_to
        loads = f"{number(lowest)} to {with_unit(found, highest)}"
        none = "and none above" if found.tried_above else "and none above it was tried"
        busy = " and bring the throughput asked for" if found.idle_below else ""
        text = (
            f"Monotone in all {_draws(draws)} with a capacity: of the loads tried, {loads}, all "
            f"that lie below it{busy} meet the target {none}."
        )
        return [text]
    sentences = []
    if found.missed_below:
        sentences.append(
            f"Not monotone: in {len(found.missed_below)} of {_draws(draws)} the target is missed "
            f"below the capacity, at {_levels(found, found.missed_below)}."
        )
    if found.met_above:
        sentences.append(
            f"Not monotone: in {len(found.met_above)} of {_draws(draws)} the target is met again "
            f"above the capacity, at {_levels(found, found.met_above)}."
        )
    return sentences


def _idle(found: Capacity) -> list[str]:
    if not found.idle_below:
        return []
    most = max(max(levels) for levels in found.idle_below.values())
    often = f"{len(found.idle_below)} of {len(found.draws)} draws"
    return [f"At few users the throughput is too low: up to {with_unit(found, most)}, in {often}."]


def _levels(found: Capacity, by_draw: Mapping[int, Sequence[float]]) -> str:
    levels = sorted({level for levels in by_draw.values() for level in levels})
    shown = ", ".join(number(level) for level in levels[:_SHOWN])
    more = " and more" if len(levels) > _SHOWN else ""
    return f"{shown}{more} {found.load.unit}"


def _hysteresis(found: Capacity) -> list[str]:
    returns = found.returns
    tried = sum(returns.values())
    if not tried:
        return []
    where = f"at {share(BELOW)} of the capacity, after a burst of twice the capacity"
    stuck, unclear = returns[Return.STUCK], returns[Return.UNCLEAR]
    if unclear == tried:
        return [
            f"Hysteresis: not known; {where} or none, the {_draws(tried)} tried miss the target."
        ]
    if stuck:
        text = (
            f"Hysteresis: in {stuck} of {_draws(tried)} tried the system does not come back: "
            f"{where}, it still misses the target at the end of the load test."
        )
    else:
        met = f"{where}, it meets the target again"
        text = f"No hysteresis in the {_draws(tried - unclear)} tried: {met}."
    if unclear:
        text += f" In {unclear} more it is missed there without a burst, too."
    return [text]


def warnings(found: Capacity) -> list[str]:
    """Say what makes the answer less than it looks."""
    draws = len(found.draws)
    if draws >= found.draws_needed:
        return []
    text = (
        f"{confidence(found)} confidence needs more draws than {draws}: the lowest of them stands "
        f"for it. Use --draws {found.draws_needed} or more."
    )
    return [text]


def _highest(found: Capacity) -> str:
    return with_unit(found, found.scale.highest)


def _least(found: Capacity) -> str:
    return f"with {with_unit(found, found.scale.lowest)}"


def _draws(count: int) -> str:
    return "1 draw" if count == 1 else f"{count} draws"
