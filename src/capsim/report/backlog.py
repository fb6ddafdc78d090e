"""Background work that does not keep up: no response time shows it, so it is said in words."""

from collections.abc import Iterator, Sequence

from capsim.experiments.trials import Outcome
from capsim.metrics.intervals import interval
from capsim.report.numbers import number, share

_KEEPS_UP = 0.1  # per second: a queue of tasks that grows more slowly may be luck


def growth(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """Return by how much per second the queue of each kind of work grows, in each draw."""
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        for task in outcome.tasks:
            found.setdefault(task.name, []).append(task.growth_per_s)
    return found


def sentences(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Say which work does not keep up in most draws."""
    for name, rates in growth(outcomes).items():
        grows = [rate for rate in rates if rate > _KEEPS_UP]
        if len(grows) > len(outcomes) / 2:
            yield (
                f"Not in the response times: {name} does not keep up; what waits grows by "
                f"{number(interval(grows).median)} per second (in "
                f"{share(len(grows) / len(outcomes))} of the draws)."
            )
