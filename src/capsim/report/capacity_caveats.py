"""What takes from a capacity: work that is left behind, failures that the target allows."""

from collections.abc import Iterator, Sequence

from capsim.experiments.caveats import MARK, Caveat, caveats
from capsim.experiments.found_capacity import Capacity
from capsim.experiments.left_behind import piling
from capsim.experiments.levels_met import Level
from capsim.experiments.shared_doubts import in_groups
from capsim.metrics.intervals import interval
from capsim.report.capacity_words import with_unit
from capsim.report.numbers import number, share

_NOTICEABLE = 0.01  # share of requests from which failures are worth a word
_WORDS = {
    Caveat.LEFT_BEHIND: "work is left behind",
    Caveat.FAILING: "more than half of the requests fail",
}


def unconfirmed(found: Capacity) -> list[str]:
    """Say where fewer draws meet the target at the capacity than the capacities promise."""
    level = found.confirmed
    if level is None or level.share_met.median >= found.confidence:
        return []
    few, where = share(level.share_met.median), with_unit(found, level.level)
    return [f"Only {few} of the draws meet it at {where}: some miss it below their own capacity."]


def left_behind(found: Capacity) -> list[str]:
    """Say which work is not done at the capacity: no target is on it, so it takes none from it."""
    parts = [
        f"{name} does not keep up{grows} (in {share(often)} of the draws)"
        for name, grows, often in _piling(found)
    ]
    if not parts:
        return []
    text = (
        f"But work is left behind there: {'; '.join(parts)}. No target is on that: where it is so, "
        "less is carried with all work done."
    )
    return [text]


def _piling(found: Capacity) -> Iterator[tuple[str, str, float]]:
    """Yield the name of such work, how fast it piles up where that is known, and how often."""
    level = found.confirmed
    if level is not None:
        if Caveat.LEFT_BEHIND in caveats(level.outcomes, level.met):
            for name, rates in piling(level.outcomes).items():
                grows = f", what waits grows by {number(interval(rates).median)} per second"
                yield name, grows, len(rates) / len(level.outcomes)
    elif found.at_confidence > 0:  # met at every load tried
        names = [name for draw in found.draws for name in draw.behind]
        for name in dict.fromkeys(names):
            yield name, "", names.count(name) / len(found.draws)


def hollow(levels: Sequence[Level]) -> Iterator[str]:
    """Say which levels of load are marked, and why."""
    found = [(number(level.level), caveats(level.outcomes, level.met)) for level in levels]
    for caveat, words in _WORDS.items():
        draws = {at: f"in {share(f[caveat])} of the draws" for at, f in found if caveat in f}
        if draws:
            yield f"{MARK} {words}: {in_groups(draws)}."


def unbound(found: Capacity) -> list[str]:
    """Say that requests fail at the capacity, where the target does not mind."""
    if {"failure_ratio", "goodput_rps"}.intersection(found.targets.metrics):
        return []
    level = found.confirmed
    ratios = [draw.failure_ratio for draw in found.draws]
    failing = level.metrics["failure_ratio"].median if level else interval(ratios).median
    if found.at_confidence == 0 or not failing > _NOTICEABLE:
        return []
    where = with_unit(found, level.level) if level else "that load"
    remedy = "to bind it, add e.g. 'and failed < 1%'"
    return [
        f"{share(failing)} of the requests fail at {where}, and the target allows it; {remedy}."
    ]
