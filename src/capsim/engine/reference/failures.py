"""What ends requests from outside: a worker's timeout, an outage, memory that runs out."""

from collections.abc import Mapping

from simpy import Environment

from capsim.engine.reference.events import wake
from capsim.engine.reference.job import Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.slots import Slots
from capsim.plan.ops import Status
from capsim.plan.plan import Gauge, Outage


class Failures:
    """Interrupts and kills jobs; closes what they were killed with."""

    def __init__(self, env: Environment, owned: Mapping[int, Owned], finish: int) -> None:
        """`finish` is the step at which a killed job ends, with no code of its own run."""
        self.env = env
        self.owned = owned
        self.finish = finish
        self.slots: Mapping[int, Slots] = {}

    def interrupt(self, job: Job, status: int, to: int) -> None:
        """Take a job out of whatever it waits for, and have it go on at another step."""
        job.status, job.pc, job.deadline = status, to, None
        if job.waiter is not None:
            job.waiter.slots.withdraw(job.waiter)
        if job.service is not None:
            station, service = job.service
            station.withdraw(service)
            job.service = None
        if job.waiting is not None and not job.waiting.triggered:
            wake(job.waiting)

    def kill_worker(self, worker: Slots, job: Job) -> None:
        """Kill the worker that a job holds: the client sees an error, the slot boots anew."""
        self._restart(worker, job, Status.WORKER_TIMEOUT)

    def begin(self, outage: Outage) -> None:
        """Close a resource for an outage."""
        for owned in self.owned.values():
            owned.drop_all(outage.owners)
        slots = self.slots.get(outage.resource)
        if slots is None:
            self.owned[outage.resource].close(outage.duration_s)
            return
        victims = list(slots.holders) if outage.kill else []
        slots.close(outage.duration_s, refuse=outage.refuses)
        for job in victims:
            self.interrupt(job, outage.status, job.error if outage.fails else self.finish)

    def out_of_memory(self, gauge: Gauge, job: Job) -> None:
        """Kill whoever uses most of what has run out."""
        victims = [self.slots[number] for number in gauge.victims]
        if gauge.whole:
            for owned in self.owned.values():
                owned.drop_all(gauge.owners)
            for slots in victims:
                self._kill_all(slots, gauge.restart_s)
            return
        largest = max(victims, key=lambda slots: slots.in_use)
        if largest.spec.identified:
            holder = next((slots for slots in victims if slots in job.held), None)
            if holder is not None:
                self._restart(holder, job, Status.SERVER_LOST)
        else:
            self._kill_all(largest, gauge.restart_s)

    def _kill_all(self, slots: Slots, away_s: float) -> None:
        victims = list(slots.holders)
        slots.close(away_s)
        for job in victims:
            for number in job.slots or ():
                for owned in self.owned.values():
                    owned.drop_all((number,))
            self.interrupt(job, Status.SERVER_LOST, self.finish)

    def _restart(self, worker: Slots, job: Job, status: Status) -> None:
        self.interrupt(job, status, self.finish)
        job.held.remove(worker)
        for owned in self.owned.values():
            owned.drop((worker.number, job.slots[worker.number] if job.slots else None))
        worker.restart(job)
