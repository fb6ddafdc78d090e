"""Work that nobody waits for, and that comes faster than it is done: no response time shows it."""

from collections.abc import Callable, Sequence

from capsim.experiments.trials import Outcome
from capsim.metrics.tasks import TaskSummary

_LUCK_PER_S = 0.1  # a queue of tasks that grows more slowly may be luck
_ENOUGH = 0.95  # of the tasks that come: what is left of a short queue's luck


def falls_behind(task: TaskSummary) -> bool:
    """Whether tasks of one kind come faster than they are done, by more than luck."""
    return task.growth_per_s > _LUCK_PER_S and task.done < _ENOUGH * task.begun


def is_left_behind(outcome: Outcome) -> bool:
    """Whether work of any kind piles up in a load test."""
    return any(falls_behind(task) for task in outcome.tasks)


def growth(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """Return by how much per second the queue of each kind of work grows, in each draw."""
    return _by_name(outcomes, lambda _: True)


def piling(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """Return the same of the draws in which the work falls behind; of kinds that ever do."""
    return _by_name(outcomes, falls_behind)


def _by_name(
    outcomes: Sequence[Outcome], counts: Callable[[TaskSummary], bool]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        for task in filter(counts, outcome.tasks):
            found.setdefault(task.name, []).append(task.growth_per_s)
    return found
