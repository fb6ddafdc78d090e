"""Tasks that requests hand over: what their workers take away from the requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capsim.experiments.servers import most_at_database
from capsim.model.celery import Task
from capsim.model.model import Model

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Background:
    """Tasks that share the database with the requests that hand them over.

    No request waits for a task. Where the workers fall behind, tasks pile up in their queue, and
    the requests have the more of the database. So either the database carries all tasks, or what
    is sure to be taken off it is only what the workers get done when requests crowd it: with n of
    those and w workers there, each of them gets 1/(n + w) of it.
    """

    database_s: tuple[float, ...]  # of a request's tasks, by user class
    elsewhere_s: tuple[float, ...]  # of a worker's time for them
    workers: int
    cores: int  # of the database
    most_at_once: float  # requests at the database

    def left_cores(self, users: npt.ArrayLike) -> FloatArray:
        """Return the cores that requests have at most where workers fall behind.

        Args:
            users: who each have at most one request under way; infinite: any number.
        """
        present = np.minimum(np.asarray(users, dtype=np.float64), self.most_at_once) + self.workers
        slowed = np.maximum(1.0, present / self.cores)
        taken = [
            self.workers * database_s / (elsewhere_s + database_s * slowed)
            for database_s, elsewhere_s in zip(self.database_s, self.elsewhere_s, strict=True)
            if database_s + elsewhere_s > 0
        ]
        return np.asarray(np.maximum(0.0, self.cores - np.min(taken, axis=0)))

    def carried_rps(self, request_s: float, tasks_s: float, users: npt.ArrayLike) -> FloatArray:
        """Return how many requests per second the database carries, given the demand of one."""
        with np.errstate(divide="ignore"):
            behind = self.left_cores(users) / np.float64(request_s)
        return np.maximum(self.cores / (request_s + tasks_s), behind)


def background(model: Model, per_class: Sequence[Mapping[str, float]]) -> Background | None:
    """Return the tasks that requests hand over; none where they leave the database alone.

    Args:
        model: the system.
        per_class: for each user class, how many tasks of each kind a request hands over.
    """
    if model.celery is None:
        return None
    kinds = model.celery.tasks
    # All workers may compute at once.
    crowd = max(1.0, model.celery.workers / model.celery.cores)
    found = Background(
        database_s=_sums(per_class, {name: _database_s(task) for name, task in kinds.items()}),
        elsewhere_s=_sums(
            per_class,
            {name: task.delay_s.mean + task.cpu_s.mean * crowd for name, task in kinds.items()},
        ),
        workers=model.celery.workers,
        cores=model.database.cores,
        most_at_once=most_at_database(model),
    )
    return found if any(found.database_s) else None


def _sums(per_class: Sequence[Mapping[str, float]], each: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(sum(share * each[name] for name, share in row.items()) for row in per_class)


def _database_s(task: Task) -> float:
    return task.queries.mean * task.query_s.mean
