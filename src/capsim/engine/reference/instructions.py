"""Each primitive as an instruction: called with a job, it acts and returns what to wait for.

An instruction finds `job.pc` already at the next step. It returns None when the job goes on at
once, and otherwise an event that resumes the job when it comes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from simpy import Environment, Event, Timeout

from capsim.engine.reference.events import wake
from capsim.engine.reference.fifo import Fifo
from capsim.engine.reference.job import NO_ROUTE, Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.station import ServiceStation
from capsim.plan.ops import FAILS, NO_COLUMN, Owner, Step

Thing = TypeVar("Thing")
_ONE_FOR_ALL = 1 << 62  # a divisor that turns every route into replica 0


class Instruction(ABC):
    """A step of the plan, bound to the run's resources and stations."""

    def __init__(self, step: Step) -> None:
        """Keep what the step says."""
        self.step = step
        self.divisor = step.per_route or _ONE_FOR_ALL
        self.column = step.column
        self.scale = step.scale

    @abstractmethod
    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""

    def drawn(self, job: Job) -> float:
        """Return this step's draw of a job."""
        value = job.row[self.column]
        if self.step.repeated:
            value = value[job.repetition]
        return value * self.scale  # type: ignore[no-any-return]


class AtFifo(Instruction):
    """What acts on the slots of a resource, or of that replica which the job was routed to."""

    def __init__(self, step: Step, fifos: Mapping[int, Fifo]) -> None:
        """Bind to the step's resource, or to its replicas."""
        super().__init__(step)
        self.fifos = _replicas(step, fifos)
        self.only = None if step.per_route else self.fifos[0]

    def fifo(self, job: Job) -> Fifo:
        """Return the slots that a job means."""
        return self.only or self.fifos[job.route // self.divisor]


class Acquire(AtFifo):
    """Take a free slot, or queue, or be refused."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        fifo = self.fifo(job)
        if fifo.free:
            fifo.take(job)
            return None
        step = self.step
        if fifo.waiting >= fifo.queue_limit:
            if step.jump == FAILS:
                job.fail(step.status)
            else:
                job.pc = step.jump
            return None
        if step.column == NO_COLUMN:
            return fifo.wait(job, step.expired_status, step.jump)
        return fifo.wait(job, step.expired_status, step.jump, self.drawn(job))


class Release(AtFifo):
    """Give a slot back to the queue."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        fifo = self.fifo(job)
        job.held.remove(fifo)
        fifo.release(job)
        return None


class Hold(Instruction):
    """Make sure that the owner has a slot; one that already has jumps over the set-up."""

    def __init__(self, step: Step, owned: Owned) -> None:
        """Bind to the resource of owned slots."""
        super().__init__(step)
        self.owned = owned

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        owner = self._owner(job)
        if self.owned.holds(owner):
            job.pc = self.step.jump
        elif self.owned.take(owner):
            if self.step.owner == Owner.USER:
                job.session.owned.append(self.owned)
        else:
            job.fail(self.step.status)
        return None

    def _owner(self, job: Job) -> Hashable:
        if self.step.owner == Owner.USER:
            return job.session
        number = self.step.owner_resource + job.route // self.divisor
        assert job.slots is not None, "the owner's slot is held before what it owns"  # noqa: S101
        return (number, job.slots[number])


class Delay(Instruction):
    """Wait for a drawn time."""

    def __init__(self, step: Step, env: Environment, *, killable: bool) -> None:
        """With `killable`, the job waits for an event of its own that a kill can trigger."""
        super().__init__(step)
        self.env = env
        self.killable = killable

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        time_s = self.drawn(job)
        if time_s <= 0.0:
            return None
        timer = Timeout(self.env, time_s)
        if not self.killable:
            return timer
        event = Event(self.env)
        timer.callbacks.append(lambda _: None if event.triggered else wake(event))
        return event


class Serve(Instruction):
    """Have a drawn demand served."""

    def __init__(self, step: Step, stations: Sequence[ServiceStation]) -> None:
        """Bind to the step's station, or to its replicas."""
        super().__init__(step)
        self.stations = _replicas(step, dict(enumerate(stations)))

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        demand_s = self.drawn(job)
        if demand_s <= 0.0:
            return None
        return self.stations[job.route // self.divisor].serve(job, demand_s)


class Route(Instruction):
    """Choose one of several equal servers, once for each connection of the user."""

    def __init__(self, step: Step, env: Environment) -> None:
        """Bind to the clock."""
        super().__init__(step)
        self.env = env

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        session = job.session
        idle_s = self.env._now - session.idle_since
        if session.route == NO_ROUTE or idle_s > self.step.limit:
            session.route = int(job.row[self.step.column] * self.step.count)
        job.route = session.route
        return None


class Branch(Instruction):
    """Jump with a probability."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        if job.row[self.step.column] < self.step.limit:
            job.pc = self.step.jump
        return None


class Repeat(Instruction):
    """Jump back until the drawn count is reached."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.repetition += 1
        if job.repetition < job.row[self.step.column]:
            job.pc = self.step.jump
        else:
            job.repetition = 0
        return None


class Jump(Instruction):
    """Jump always."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.pc = self.step.jump
        return None


class Fail(Instruction):
    """Set the status and leave the normal path."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.fail(self.step.status)
        if self.step.jump != FAILS:
            job.pc = self.step.jump
        return None


class End(Instruction):
    """Release what is held, in reverse order, and answer."""

    def __init__(self, step: Step, answer: Callable[[Job, int], None]) -> None:
        """`answer` records the job if its client still waits."""
        super().__init__(step)
        self.answer = answer

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.finished = True
        for fifo in reversed(job.held):
            fifo.release(job)
        job.held.clear()
        if job.live:
            self.answer(job, job.status)
        return None


def _replicas(step: Step, things: Mapping[int, Thing]) -> list[Thing]:
    """Return the step's target, followed by its replicas where there is one per server."""
    found = [things[step.target]]
    while step.per_route and step.target + len(found) in things:
        found.append(things[step.target + len(found)])
    return found
