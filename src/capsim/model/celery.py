"""Celery: work that a request hands over and does not wait for."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from capsim.model.laws import ZERO, Constant, CountLaw, Law
from capsim.model.spec import Positive, PositiveCount, Spec


class Task(Spec):
    """What one kind of task needs from a worker and from the database that all share."""

    cpu_s: Law = ZERO
    delay_s: Law = ZERO  # waiting that needs neither CPU nor database, e.g. for another service
    queries: CountLaw = Constant(value=0)
    query_s: Law = ZERO  # demand of one query on a database core
    query_wait_s: Law = ZERO  # of one query, without a core
    time_limit_s: Positive | None = None  # then the worker is killed, and the task with it

    @model_validator(mode="after")
    def _queries_have_time(self) -> Self:
        if (self.query_s.mean > 0 or self.query_wait_s.mean > 0) and self.queries.mean == 0:
            msg = "query times are given but queries = 0; say how many queries a task makes"
            raise ValueError(msg)
        return self


class Celery(Spec):
    """Workers that take tasks from one queue, first come, first served, on machines of their own.

    Each worker process keeps a connection of its own to the database, past any pool.
    """

    workers: PositiveCount = 4  # processes of all nodes together
    cores: PositiveCount = 4
    enqueue_s: Law = ZERO  # a request waits for the broker this long
    tasks: Annotated[dict[str, Task], Field(min_length=1)]
