"""Slots with one FIFO queue: threads, workers, pooled connections."""

from collections import deque
from collections.abc import Callable

from simpy import Environment, Event

from capsim.engine.reference.events import Deadlines, wake
from capsim.engine.reference.job import Job
from capsim.plan.ops import FAILS
from capsim.plan.plan import INFINITE, Resource

Grant = tuple[Job, float]  # a job that holds a slot, and since when


class Waiter:
    """A job in a queue; it is decided exactly once."""

    __slots__ = ("event", "expired_status", "fifo", "job", "otherwise", "pending", "since")

    def __init__(self, fifo: "Fifo", job: Job, expired_status: int, otherwise: int) -> None:
        """Join a queue now."""
        self.fifo = fifo
        self.job = job
        self.event = Event(fifo.env)
        self.since = fifo.env._now
        self.expired_status = expired_status
        self.otherwise = otherwise
        self.pending = True


class Fifo:
    """The slots of one resource, and who waits for them."""

    def __init__(
        self,
        env: Environment,
        resource: Resource,
        number: int,
        wait_column: int,
        kill: "Callable[[Fifo, Job], None]",
    ) -> None:
        """Start with all slots free; `number` is the resource's index in the plan."""
        self.env = env
        self.number = number
        self.wait_column = wait_column
        self.capacity = resource.capacity
        self.free = resource.capacity
        self.queue_limit = resource.queue_limit
        self.waiting = 0
        self._queue: deque[Waiter] = deque()
        self._limits: Deadlines[Waiter] | None = None
        if resource.wait_limit_s < INFINITE:
            self._limits = Deadlines(env, resource.wait_limit_s, _is_pending, self.expire)
        self._holds: Deadlines[Grant] | None = None
        self._granted_at: dict[Job, float] = {}  # of those whose hold is limited
        if resource.hold_limit_s < INFINITE:
            self._holds = Deadlines(
                env, resource.hold_limit_s, self._is_held, lambda grant: kill(self, grant[0])
            )
        # Least recently used first: the order in which idle threads take work from a queue.
        self._slots = deque(range(resource.capacity)) if resource.identified else None
        self._tracked = self._slots is not None or self._holds is not None
        self._restart_s = resource.restart_s
        # Slot-seconds up to time t are _held_s + t * slots in use: an acquisition at time a adds
        # -a and a release at time r adds r. The same holds for waiter-seconds.
        self._held_s = 0.0
        self._waited_s = 0.0

    @property
    def kills(self) -> bool:
        """Whether holding a slot too long kills the job."""
        return self._holds is not None

    @property
    def in_use_s(self) -> float:
        """Slot-seconds held since the start."""
        return self._held_s + self.env._now * (self.capacity - self.free)

    @property
    def queued_s(self) -> float:
        """Waiter-seconds since the start."""
        return self._waited_s + self.env._now * self.waiting

    def take(self, job: Job) -> None:
        """Give a free slot to a job."""
        self.free -= 1
        self._held_s -= self.env._now
        job.held.append(self)
        if self._tracked:
            self._track(job)

    def wait(
        self, job: Job, expired_status: int, otherwise: int, patience_s: float = INFINITE
    ) -> Event:
        """Queue a job; the event comes when it is granted, expired or killed."""
        waiter = Waiter(self, job, expired_status, otherwise)
        self._waited_s -= waiter.since
        self._queue.append(waiter)
        self.waiting += 1
        job.waiter = waiter
        if patience_s < INFINITE:
            timer = self.env.timeout(patience_s)
            timer.callbacks.append(lambda _: self._out_of_patience(waiter))
        elif self._limits is not None:
            self._limits.add(waiter)
        return waiter.event

    def release(self, job: Job) -> None:
        """Take a job's slot back and hand it to the first waiter."""
        if self._tracked:
            self._untrack(job)
        queue = self._queue
        while queue:
            waiter = queue.popleft()
            if waiter.pending:
                self._decide(waiter)
                waiter.job.held.append(self)
                if self._tracked:
                    self._track(waiter.job)
                wake(waiter.event)
                return
        self.free += 1
        self._held_s += self.env._now

    def restart(self, job: Job) -> None:
        """Take a killed job's slot out of service for the time that it takes to boot."""
        del self._granted_at[job]
        timer = self.env.timeout(self._restart_s)
        timer.callbacks.append(lambda _: self.release(job))

    def expire(self, waiter: Waiter) -> None:
        """Send a waiter away with the status of a wait that took too long."""
        self._decide(waiter)
        if waiter.otherwise == FAILS:
            waiter.job.fail(waiter.expired_status)
        else:
            waiter.job.pc = waiter.otherwise
        wake(waiter.event)

    def withdraw(self, waiter: Waiter) -> None:
        """Take a killed job out of the queue."""
        self._decide(waiter)

    def _out_of_patience(self, waiter: Waiter) -> None:
        if waiter.pending:
            self.expire(waiter)

    def _decide(self, waiter: Waiter) -> None:
        now = self.env._now
        waiter.pending = False
        self.waiting -= 1
        self._waited_s += now
        job = waiter.job
        job.waiter = None
        waited = now - waiter.since
        if job.waits is None:
            job.waits = {}
        job.waits[self.wait_column] = job.waits.get(self.wait_column, 0.0) + waited

    def _track(self, job: Job) -> None:
        """Note which slot a job holds, and since when, where that matters."""
        if self._slots is not None:
            if job.slots is None:
                job.slots = {}
            job.slots[self.number] = self._slots.popleft()
        if self._holds is not None:
            self._granted_at[job] = self.env._now
            self._holds.add((job, self.env._now))

    def _untrack(self, job: Job) -> None:
        if self._slots is not None and job.slots is not None:
            self._slots.append(job.slots.pop(self.number))
        if self._holds is not None:
            self._granted_at.pop(job, None)

    def _is_held(self, grant: "Grant") -> bool:
        job, granted_at = grant
        return self._granted_at.get(job) == granted_at


def _is_pending(waiter: Waiter) -> bool:
    return waiter.pending
