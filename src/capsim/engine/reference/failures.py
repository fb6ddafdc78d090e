"""What ends requests from outside: a worker's timeout, an outage, memory that runs out."""

from collections.abc import Callable, Mapping, Sequence

from simpy import Environment, Event

from capsim.engine.reference.events import wake
from capsim.engine.reference.job import Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.slots import Slots
from capsim.engine.reference.station import EVENT, JOB, ServiceStation
from capsim.plan.ops import Status
from capsim.plan.plan import Gauge, Outage


class Failures:
    """Interrupts and kills jobs; closes what they were killed with."""

    def __init__(self, env: Environment, owned: Mapping[int, Owned], finish: int) -> None:
        """`finish` is the step at which a killed job ends, with no code of its own run."""
        self.env = env
        self.owned = owned
        self.finish = finish
        # Set by the engine as soon as it has them.
        self.slots: Mapping[int, Slots] = {}
        self.stations: Sequence[ServiceStation] = ()
        self.finish_later: Callable[[Job, Event], None] = _nobody

    def interrupt(self, job: Job, status: int, to: int) -> None:
        """Take a job out of whatever it waits for, and have it go on at another step."""
        job.status, job.pc, job.deadline = status, to, None
        if job.waiter is not None:
            job.waiter.line.decide(job.waiter)
        if job.service is not None:
            station, service = job.service
            station.withdraw(service)
            job.service = None
        if job.waiting is not None and not job.waiting.triggered:
            wake(job.waiting)

    def lose(self, resource: int, slot: int | None) -> None:
        """Take back what a slot of a resource owned, or what every one of them did."""
        for owned in self.owned.values():
            if slot is None:
                owned.drop_all((resource,))
            else:
                owned.drop((resource, slot))

    def kill_worker(self, worker: Slots, job: Job) -> None:
        """Kill the worker that a job holds: the client sees an error, the slot boots anew."""
        self._restart(worker, job, Status.WORKER_TIMEOUT)

    def begin(self, outage: Outage) -> None:
        """Close a resource for an outage."""
        slots = self.slots.get(outage.resource)
        if slots is None:
            self.owned[outage.resource].close(outage.duration_s)
            victims = self.stations[outage.station].jobs() if outage.kill else []
        else:
            victims = list(slots.holders) if outage.kill else []
            slots.close(
                0.0 if outage.kill else outage.duration_s,
                until_s=self.env.now + outage.duration_s if outage.kill else 0.0,
                refuse=outage.refuses,
                owners=outage.owners,
            )
        for job in victims:
            if outage.fails:
                self.interrupt(job, outage.status, job.error)
            else:
                self._kill(job, outage.status)

    def out_of_memory(self, gauge: Gauge, job: Job) -> None:
        """Kill whoever uses most of what has run out."""
        victims = [self.slots[number] for number in gauge.victims]
        if gauge.whole:
            for owner in gauge.owners:
                self.lose(owner, None)
            for slots in victims:
                self._kill_all(slots, gauge.restart_s, refuse=True)
            return
        largest = max(victims, key=lambda slots: slots.in_use)
        if largest.spec.identified:
            holder = next((slots for slots in victims if slots in job.held), None)
            if holder is not None:
                self._restart(holder, job, Status.SERVER_LOST)
        else:
            self._kill_all(largest, gauge.restart_s)

    def _kill_all(self, slots: Slots, away_s: float, *, refuse: bool = False) -> None:
        victims = list(slots.holders)
        slots.close(away_s, refuse=refuse)
        for job in victims:
            for number in job.slots or ():
                self.lose(number, None)
            self._kill(job, Status.SERVER_LOST)

    def _restart(self, worker: Slots, job: Job, status: Status) -> None:
        self._kill(job, status)
        job.held.remove(worker)
        worker.restart(job)

    def _kill(self, job: Job, status: int) -> None:
        """End a job without any code of its own; a statement that the database runs goes on."""
        if job.service is not None and job.service[0].station.outlives:
            self._leave_statement(job)
        self.interrupt(job, status, self.finish)

    def _leave_statement(self, job: Job) -> None:
        """Hand a killed job's statement to a ghost, with what the database holds for it."""
        assert job.service is not None  # noqa: S101 (just seen)
        _, service = job.service
        ghost = Job(
            job.session, job.index, job.request_class, job.start, job.row, self.finish, self.finish
        )
        ghost.live, ghost.route, ghost.service = False, job.route, job.service
        ghost.held = [slots for slots in job.held if slots.spec.outlives]
        job.held = [slots for slots in job.held if not slots.spec.outlives]
        job.service = None
        service[JOB], service[EVENT] = ghost, Event(self.env)
        if job.abandoned:
            ghost.abandoned = True
        else:
            ghost.forsake()
        self.finish_later(ghost, service[EVENT])


def _nobody(_job: Job, _event: Event) -> None:
    """Stand in for the engine until it is there."""
