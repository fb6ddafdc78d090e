"""Celery: tasks that requests hand over, and workers that do them later."""

from dataclasses import dataclass

from capsim.model.celery import Celery, Task
from capsim.model.laws import ZERO, Poisson
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.database import LoweredDatabase
from capsim.plan.ops import NO_COLUMN, Status
from capsim.plan.plan import Resource, Station

WORKER, CPU = "Celery worker", "Celery CPU"


@dataclass(frozen=True, kw_only=True)
class LoweredCelery:
    """How a request hands a task over."""

    builder: PlanBuilder
    enqueue_s: int
    tasks: dict[str, int]  # the background class of each kind of task

    def enqueue(self, task: str) -> None:
        """Add the message to the broker; the request goes on when the broker has it."""
        if self.enqueue_s != NO_COLUMN:
            self.builder.delay(self.enqueue_s)
        self.builder.fork(self.tasks[task])


def lower_celery(
    builder: PlanBuilder, celery: Celery | None, database: LoweredDatabase
) -> LoweredCelery | None:
    """Add the workers and their tasks, where there are any."""
    if celery is None:
        return None
    worker = builder.resource(Resource(name=WORKER, capacity=celery.workers))
    cpu = builder.station(Station(name=CPU, cores=celery.cores))
    tasks = {
        name: _task(builder, name, task, worker, cpu, database)
        for name, task in celery.tasks.items()
    }
    law = celery.enqueue_s
    enqueue_s = NO_COLUMN if law == ZERO else builder.column("enqueue", law)
    return LoweredCelery(builder=builder, enqueue_s=enqueue_s, tasks=tasks)


def _task(
    builder: PlanBuilder,
    name: str,
    task: Task,
    worker: int,
    cpu: int,
    database: LoweredDatabase,
) -> int:
    """Add what a worker does for one kind of task; return its background class."""
    label = f"task {name}"
    index = builder.request_class(label)
    builder.acquire(worker)
    if task.time_limit_s is not None:
        builder.deadline(task.time_limit_s, Status.TASK_TIMEOUT)
    if task.delay_s != ZERO:
        builder.delay(builder.column(f"{label}: delay", task.delay_s))
    if task.cpu_s != ZERO:
        builder.serve(cpu, builder.column(f"{label}: CPU", task.cpu_s))
    if task.queries.mean > 0:
        count = builder.column(f"{label}: number of queries", task.queries)
        time = builder.column(f"{label}: query", task.query_s, count=count)
        none = builder.branch(1.0, count) if isinstance(task.queries, Poisson) else None
        wait = NO_COLUMN
        if task.query_wait_s != ZERO:
            wait = builder.column(f"{label}: query wait", task.query_wait_s, count=count)
        first = builder.here
        if wait != NO_COLUMN:
            builder.delay(wait, repeated=True)
        builder.serve(database.cpu, time, repeated=True)
        builder.repeat(count, first)
        if none is not None:
            builder.land(none)
    builder.end()
    return index
