"""A waiting line: who waits for a resource, for how long, and who is next."""

from collections import deque

from simpy import Environment, Event

from capsim.engine.reference.events import Deadlines, wake
from capsim.engine.reference.job import Job
from capsim.plan.ops import FAILS, Order
from capsim.plan.plan import INFINITE, Resource


class Waiter:
    """A job in a line; it is decided exactly once."""

    __slots__ = (
        "event",
        "expired_status",
        "first_since",
        "job",
        "line",
        "otherwise",
        "pending",
        "since",
    )

    def __init__(self, line: "Line", job: Job, expired_status: int, otherwise: int) -> None:
        """Join a line now."""
        self.line = line
        self.job = job
        self.event = Event(line.env)
        self.since = line.env._now
        self.first_since = self.since  # since nobody who came with it stands before it
        self.expired_status = expired_status
        self.otherwise = otherwise
        self.pending = True


class Line:
    """Those who wait for a slot of one resource, in order of arrival."""

    def __init__(self, env: Environment, resource: Resource, wait_column: int) -> None:
        """Start empty."""
        self.env = env
        self.wait_column = wait_column
        self.waiting = 0
        self._order = resource.order
        self._turn_column = resource.turn_column
        self._queue: deque[Waiter] = deque()
        # A herd: who has seen a handover. The queue then holds only who came since the last one.
        self._herd: list[Waiter] | None = [] if resource.herd else None
        self._handed_over_at = 0.0
        self._limits: Deadlines[Waiter] | None = None
        if resource.wait_limit_s < INFINITE:
            self._limits = Deadlines(
                env,
                resource.wait_limit_s,
                _is_pending,
                self.expire,
                check_s=resource.check_s,
                since=self._waits_since if resource.herd else None,
            )
        # Waiter-seconds up to time t are _waited_s + t * waiting: who joins at time a adds -a, and
        # who leaves at time r adds r.
        self._waited_s = 0.0

    @property
    def waited_s(self) -> float:
        """Waiter-seconds since the start."""
        return self._waited_s + self.env._now * self.waiting

    def join(
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

    def next(self, leaving: Job | None) -> Waiter | None:
        """Return who is next, as rule 3 has it, out of the queue; `leaving` gives its slot up."""
        queue, order = self._queue, self._order
        if self._herd is not None:
            return self._from_herd(self._herd, leaving)
        if order == Order.RANDOM and leaving is not None and self.waiting > 1:
            return self._drawn(leaving)
        while queue:
            waiter = queue.pop() if order == Order.LIFO else queue.popleft()
            if waiter.pending:
                return waiter
        return None

    def decide(self, waiter: Waiter) -> None:
        """End a wait."""
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
        if self._herd is not None:
            self._move_up(waiter)

    def expire(self, waiter: Waiter) -> None:
        """Send a waiter away with the status of a wait that took too long."""
        self.decide(waiter)
        if waiter.otherwise == FAILS:
            waiter.job.fail(waiter.expired_status)
        else:
            waiter.job.pc = waiter.otherwise
        wake(waiter.event)

    def jobs(self) -> list[Job]:
        """Return who waits, in order of arrival."""
        return [waiter.job for waiter in (*(self._herd or ()), *self._queue) if waiter.pending]

    def dismiss(self) -> None:
        """Send everybody away."""
        while (waiter := self.next(None)) is not None:
            self.expire(waiter)

    def _drawn(self, leaving: Job) -> Waiter:
        if len(self._queue) > self.waiting:
            self._queue = deque(waiter for waiter in self._queue if waiter.pending)
        place = int(leaving.luck(self._turn_column) * self.waiting)
        waiter = self._queue[place]
        del self._queue[place]
        return waiter

    def _from_herd(self, herd: list[Waiter], leaving: Job | None) -> Waiter | None:
        """Choose among who has seen a handover and the first of the others (rule 15)."""
        self._handed_over_at = self.env._now
        awake = [waiter for waiter in herd if waiter.pending]
        line = [waiter for waiter in self._queue if waiter.pending]
        self._queue.clear()
        choice = len(awake) + bool(line)
        self._herd = awake + line
        if not choice:
            return None
        if leaving is None or choice == 1:
            return self._herd.pop(0)
        return self._herd.pop(int(leaving.luck(self._turn_column) * choice))

    def _move_up(self, gone: Waiter) -> None:
        """Begin the wait of who is first in line now, where the first has gone."""
        queue = self._queue
        if queue and queue[0] is gone:
            while queue and not queue[0].pending:
                queue.popleft()
            if queue:
                queue[0].first_since = self.env._now

    def _out_of_patience(self, waiter: Waiter) -> None:
        if waiter.pending:
            self.expire(waiter)

    def _waits_since(self, waiter: Waiter) -> float:
        return max(waiter.first_since, self._handed_over_at)


def _is_pending(waiter: Waiter) -> bool:
    return waiter.pending
