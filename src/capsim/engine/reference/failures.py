"""What ends requests from outside: a worker's timeout, an outage, memory that runs out."""

from collections.abc import Callable, Mapping, Sequence

from simpy import Environment, Event

from capsim.engine.reference.events import at_end, wake
from capsim.engine.reference.job import Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.slots import Slots
from capsim.engine.reference.station import EVENT, JOB, ServiceStation
from capsim.plan.ops import Status
from capsim.plan.plan import Blackout, Gauge, Loss, Outage

GoOn = Callable[[Job, Event], None]  # has a job go on when an event comes


class Failures:
    """Interrupts and kills jobs; closes what they were killed with."""

    def __init__(
        self,
        env: Environment,
        slots: Mapping[int, Slots],
        owned: Mapping[int, Owned],
        stations: Sequence[ServiceStation],
        finish: int,
        go_on: GoOn,
    ) -> None:
        """`finish` is the step at which a killed job ends, with no code of its own run."""
        self.env = env
        self.slots = slots
        self.owned = owned
        self.stations = stations
        self.finish = finish
        self.go_on = go_on

    def interrupt(self, job: Job, status: int, to: int) -> None:
        """Take a job out of whatever it waits for, and have it go on at another step."""
        job.status, job.pc, job.deadline = status, to, None
        job.outlived_until = 0.0  # a delay of the database's, if it is in one, ends here
        if job.waiter is not None:
            job.waiter.line.decide(job.waiter)
        if job.service is not None:
            station, service = job.service
            station.withdraw(service)
            job.service = None
        if job.waiting is not None and not job.waiting.triggered:
            wake(job.waiting)

    def lose(self, loss: Loss) -> None:
        """Take back what was owned by those that are lost."""
        for owned in self.owned.values():
            owned.lose(loss)

    def drop(self, owner: tuple[int, int]) -> None:
        """Take back what a slot of a resource owned."""
        for owned in self.owned.values():
            owned.drop(owner)

    def kill_worker(self, worker: Slots, job: Job, status: int = Status.WORKER_TIMEOUT) -> None:
        """Kill the worker that a job holds: the client sees an error, the slot boots anew."""
        self._kill(job, status)
        if worker in job.held:  # otherwise a statement goes on with it
            job.held.remove(worker)
            worker.restart(job)

    def begin(self, outage: Outage) -> None:
        """Close a resource for an outage."""
        if outage.resource in self.owned:
            self.owned[outage.resource].close(self.env.now + outage.duration_s)
            return
        slots = self.slots[outage.resource]
        victims = [job for job in slots.holders if outage.kill or _is_outside(job, outage)]
        if outage.drains:
            slots.drain(outage.duration_s, refuse=outage.refuses, loss=outage.loss)
        else:
            self.lose(outage.loss)
            slots.close(until_s=self.env.now + outage.duration_s, refuse=outage.refuses)
        for job in victims:
            self._kill(job, Status.SERVER_LOST if outage.kill else Status.UNREACHABLE)

    def black_out(self, blackout: Blackout) -> None:
        """Take a station down: who is served there, or waits for what it guards, fails."""
        station = self.stations[blackout.station]
        station.down_until = max(station.down_until, self.env.now + blackout.duration_s)
        station.down_status = blackout.status
        waiting = [job for n in blackout.lines for job in self.slots[n].line.jobs()]
        for job in [*station.jobs(), *waiting]:
            self.interrupt(job, blackout.status, job.error)

    def out_of_memory(self, gauge: Gauge, job: Job) -> None:
        """Kill whoever uses most of what has run out."""
        victims = [self.slots[number] for number in gauge.victims]
        if gauge.whole:
            self.lose(gauge.loss)
            for slots in victims:
                self._kill_all(slots, gauge)
            return
        largest = max(victims, key=lambda slots: slots.in_use)
        if not largest.spec.identified:
            self._kill_all(largest, gauge)
        elif largest.holders:
            last = job if job in largest.holders else next(reversed(largest.holders))
            self.kill_worker(largest, last, Status.SERVER_LOST)

    def _kill_all(self, slots: Slots, gauge: Gauge) -> None:
        victims = list(slots.holders)
        slots.drain(gauge.restart_s, refuse=gauge.whole, loss=gauge.loss)
        self.lose(slots.spec.loss)
        for job in victims:
            self._kill(job, Status.SERVER_LOST)

    def _kill(self, job: Job, status: int) -> None:
        """End a job without any code of its own; a statement that the database runs goes on."""
        served = job.service is not None and job.service[0].station.outlives
        if served or job.outlived_until > self.env.now:
            self._leave_statement(job)
        self.interrupt(job, status, self.finish)

    def _leave_statement(self, job: Job) -> None:
        """Hand a killed job's statement to a ghost, with what the database holds for it."""
        ghost = Job(
            job.session, job.index, job.request_class, job.start, job.row, self.finish, self.finish
        )
        ghost.live, ghost.route, ghost.turns = False, job.route, job.turns
        for slots in [slots for slots in job.held if slots.outlives]:
            job.held.remove(slots)
            slots.hand_on(job, ghost)
        ghost.deadline = job.deadline
        if ghost.deadline is not None:
            ghost.deadline.job = ghost
        if job.service is not None:
            service = job.service[1]
            ghost.service, job.service = job.service, None
            service[JOB], service[EVENT] = ghost, Event(self.env)
            ghost.waiting = service[EVENT]
        else:
            ghost.waiting = at_end(self.env.timeout(job.outlived_until - self.env.now))
        if job.abandoned:
            ghost.abandoned = True
        else:
            ghost.forsake()
        self.go_on(ghost, ghost.waiting)


def _is_outside(job: Job, outage: Outage) -> bool:
    """Whether a job has not come in yet, where there is something to wait for before that."""
    return bool(outage.inside) and not any(s.number in outage.inside for s in job.held)
