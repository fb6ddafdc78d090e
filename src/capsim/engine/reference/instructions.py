"""Each primitive as an instruction: called with a job, it acts and returns what to wait for.

An instruction finds `job.pc` already at the next step. It returns None when the job goes on at
once, and otherwise an event that resumes the job when it comes.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from simpy import Environment, Event, Timeout

from capsim.engine.reference.events import at_end
from capsim.engine.reference.job import Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.slots import Slots
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
        self.among = step.among
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

    def replica(self, job: Job) -> int:
        """Return which of several equal things a job means: by its route, or by a draw."""
        if self.among > 1:
            return int(job.row[self.step.pick] * self.among)
        return job.route // self.divisor


class AtSlots(Instruction):
    """What acts on the slots of a resource, or of that replica which the job means."""

    def __init__(self, step: Step, slots: Mapping[int, Slots]) -> None:
        """Bind to the step's resource, or to its replicas."""
        super().__init__(step)
        self.all = _replicas(step, slots)
        self.only = self.all[0] if len(self.all) == 1 else None

    def slots(self, job: Job) -> Slots:
        """Return the slots that a job means."""
        return self.only or self.all[self.replica(job)]


class Acquire(AtSlots):
    """Take a free slot, or queue, or be refused."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        slots = self.slots(job)
        if slots.free:
            slots.take(job)
            return None
        step = self.step
        if slots.line.waiting >= slots.queue_limit:
            if step.jump == FAILS:
                job.fail(step.status)
            else:
                job.pc = step.jump
            return None
        if step.column == NO_COLUMN:
            return slots.line.join(job, step.expired_status, step.jump)
        return slots.line.join(job, step.expired_status, step.jump, self.drawn(job))


class Release(AtSlots):
    """Give a slot back, if the job has one: an error path is reached with and without."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        slots = self.slots(job)
        if slots in job.held:
            job.held.remove(slots)
            slots.release(job)
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
        elif self.owned.take(owner, job):
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
        self.killable = killable or step.by_client

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        time_s = self.drawn(job)
        if time_s <= 0.0:
            return None
        timer = Timeout(self.env, time_s)
        if not self.killable:
            return timer
        event = at_end(timer)
        if self.step.by_client:
            job.client_delay = event
        if self.step.outlives:
            job.outlived_until = self.env._now + time_s
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
        return self.stations[self.replica(job)].serve(job, demand_s)


class ServeUnlessDown(Serve):
    """Have a drawn demand served by a station that may be down; then fail."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        station = self.stations[self.replica(job)]
        if station.env._now < station.down_until:
            job.fail(station.down_status)
            return None
        return super().__call__(job)


def _replicas(step: Step, things: Mapping[int, Thing]) -> list[Thing]:
    """Return the step's target, followed by its replicas where there are several."""
    if step.among > 1:
        return [things[step.target + number] for number in range(step.among)]
    found = [things[step.target]]
    while step.per_route and step.target + len(found) in things:
        found.append(things[step.target + len(found)])
    return found
