"""Slots with a queue: threads, workers, pooled connections, locks."""

from collections import deque
from collections.abc import Callable

from simpy import Environment, Event

from capsim.engine.reference.events import Deadlines, wake
from capsim.engine.reference.gauge import Gauge
from capsim.engine.reference.job import Job
from capsim.plan.ops import FAILS, Order
from capsim.plan.plan import INFINITE, Resource

Grant = tuple[Job, float]  # a job that holds a slot, and since when
Kill = Callable[["Slots", Job], None]
Lose = Callable[[int, int | None], None]  # what a resource's slot (none: every one) owned is gone


class Waiter:
    """A job in a queue; it is decided exactly once."""

    __slots__ = ("event", "expired_status", "job", "otherwise", "pending", "since", "slots")

    def __init__(self, slots: "Slots", job: Job, expired_status: int, otherwise: int) -> None:
        """Join a queue now."""
        self.slots = slots
        self.job = job
        self.event = Event(slots.env)
        self.since = slots.env._now
        self.expired_status = expired_status
        self.otherwise = otherwise
        self.pending = True


class Slots:
    """The slots of one resource, and who waits for them."""

    def __init__(
        self,
        env: Environment,
        resource: Resource,
        number: int,
        wait_column: int,
        kill: Kill,
        lose: Lose,
    ) -> None:
        """Start with all slots free; `number` is the resource's index in the plan."""
        self.env = env
        self.spec = resource
        self.number = number
        self.wait_column = wait_column
        self._lose = lose
        self._owners = resource.owners
        self.free = resource.capacity
        self.queue_limit = resource.queue_limit
        self.waiting = 0
        self.closed = False
        self.gauges: list[tuple[Gauge, float]] = []
        self._queue: deque[Waiter] = deque()
        self._shut = 0  # free slots of a closed resource
        self._away_s = self._opens_at = 0.0
        self._limits: Deadlines[Waiter] | None = None
        if resource.wait_limit_s < INFINITE:
            self._limits = Deadlines(
                env,
                resource.wait_limit_s,
                _is_pending,
                self.expire,
                check_s=resource.check_s,
                since=self._waits_since if resource.wait_restarts else None,
            )
        self._handed_over_at = 0.0
        self._holds: Deadlines[Grant] | None = None
        if resource.hold_limit_s < INFINITE:
            self._holds = Deadlines(
                env,
                resource.hold_limit_s,
                self._is_held,
                lambda grant: kill(self, grant[0]),
                check_s=resource.check_s,
            )
        self.holders: dict[Job, float] = {}  # and since when, of those that may be killed
        # Least recently used first: the order in which idle threads take work from a queue.
        self._slots = deque(range(resource.capacity)) if resource.identified else None
        self._uses = _Uses(resource) if resource.uses else None
        self.killable = self._holds is not None
        self._tracked = self.killable or self._slots is not None or self._uses is not None
        # Slot-seconds up to time t are _held_s + t * slots in use: an acquisition at time a adds
        # -a and a release at time r adds r. The same holds for waiter-seconds, and for those
        # slot-seconds that are spent for clients that have gone.
        self._held_s = 0.0
        self._waited_s = 0.0
        self._wasted_s = 0.0
        self._wasted = 0

    def make_killable(self) -> None:
        """Keep a list of those that hold a slot, so that they can be killed."""
        self.killable = self._tracked = True

    @property
    def in_use(self) -> int:
        """Slots that are held, or away for a restart."""
        return self.spec.capacity - self.free - self._shut

    @property
    def in_use_s(self) -> float:
        """Slot-seconds held since the start."""
        return self._held_s + self.env._now * self.in_use

    @property
    def queued_s(self) -> float:
        """Waiter-seconds since the start."""
        return self._waited_s + self.env._now * self.waiting

    @property
    def wasted_s(self) -> float:
        """Slot-seconds held since the start for clients that had gone."""
        return self._wasted_s + self.env._now * self._wasted

    def take(self, job: Job) -> None:
        """Give a free slot to a job."""
        self.free -= 1
        self._held_s -= self.env._now
        job.held.append(self)
        if self._tracked:
            self._track(job)
        if job.abandoned:
            self.forsake()
        if self.gauges:
            for gauge, weight in self.gauges:
                gauge.add(weight, job)

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
        """Take a job's slot back and hand it to a waiter, unless it restarts or is closed."""
        if self._tracked and self._untrack(job):
            return
        if job.abandoned:
            self._wasted -= 1
            self._wasted_s += self.env._now
        self._pass_on(job)

    def _pass_on(self, job: Job, *, weighs: bool = True) -> None:
        waiter = None if self.closed else self._next(job)
        if waiter is not None:
            self._grant(waiter)
            if not weighs:
                for gauge, weight in self.gauges:
                    gauge.add(weight, waiter.job)
            return
        if self.closed:
            self._shut += 1
        else:
            self.free += 1
        self._held_s += self.env._now
        if weighs:
            for gauge, weight in self.gauges:
                gauge.remove(weight)
        if self.closed and not self.in_use:
            self._emptied()

    def restart(self, job: Job) -> None:
        """Take a killed job's slot out of service for the time that it takes to boot."""
        self.holders.pop(job, None)
        if job.abandoned:
            self._wasted -= 1
            self._wasted_s += self.env._now
        self._lose(self.number, self._slot(job))
        if self._uses is not None:
            self._uses.renew(self._slot(job))
        for gauge, weight in self.gauges:
            gauge.remove(weight)
        timer = self.env.timeout(self.spec.restart_s)
        timer.callbacks.append(lambda _: self._booted(job))

    def _booted(self, job: Job) -> None:
        if self._slots is not None and job.slots is not None:
            self._slots.append(job.slots.pop(self.number))
        self._pass_on(job, weighs=False)

    # Closing and opening.

    def close(
        self,
        away_s: float,
        *,
        until_s: float = 0.0,
        refuse: bool = False,
        owners: tuple[int, ...] = (),
    ) -> None:
        """Grant nothing before `until_s`, and until `away_s` after the last slot was given back.

        By then slots of `owners`, and of those that the plan names, have lost what they owned.
        """
        self._opens_at = max(self._opens_at, until_s)
        self.closed = True
        self._owners = self.spec.owners + owners
        self._away_s = away_s
        self._shut += self.free
        self.free = 0
        if refuse:
            self.queue_limit = 0
            while (waiter := self._next(None)) is not None:
                self.expire(waiter)
        if not self.in_use:
            self._emptied()

    def _emptied(self) -> None:
        for owner in self._owners:
            self._lose(owner, None)
        self._opens_at = max(self._opens_at, self.env._now + self._away_s)
        timer = self.env.timeout(self._opens_at - self.env._now)
        timer.callbacks.append(self._open)

    def _open(self, _timer: Event) -> None:
        if not self.closed or self.env._now < self._opens_at:
            return  # closed again meanwhile, for longer
        self.closed = False
        self.queue_limit = self.spec.queue_limit
        self.free, self._shut = self._shut, 0
        if self._uses is not None:
            self._uses.renew(0)
        while self.free and (waiter := self._next(None)) is not None:
            self.free -= 1
            self._held_s -= self.env._now
            self._grant(waiter)
            for gauge, weight in self.gauges:
                gauge.add(weight, waiter.job)

    # Waiters.

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

    def forsake(self) -> None:
        """Count a slot that is held for a client that has gone."""
        self._wasted += 1
        self._wasted_s -= self.env._now

    def _next(self, leaving: Job | None) -> Waiter | None:
        """Return the waiter that is next, as rule 3 has it, and take it out of the queue."""
        queue = self._queue
        order = self.spec.order
        if order == Order.RANDOM:
            self._handed_over_at = self.env._now
            if leaving is not None and self.waiting > 1:
                return self._drawn(leaving)
        while queue:
            waiter = queue.pop() if order == Order.LIFO else queue.popleft()
            if waiter.pending:
                return waiter
        return None

    def _drawn(self, leaving: Job) -> Waiter:
        if len(self._queue) > self.waiting:
            self._queue = deque(waiter for waiter in self._queue if waiter.pending)
        place = int(leaving.luck(self.spec.turn_column) * self.waiting)
        waiter = self._queue[place]
        del self._queue[place]
        return waiter

    def _grant(self, waiter: Waiter) -> None:
        self._decide(waiter)
        waiter.job.held.append(self)
        if self._tracked:
            self._track(waiter.job)
        if waiter.job.abandoned:
            self.forsake()
        wake(waiter.event)

    def _out_of_patience(self, waiter: Waiter) -> None:
        if waiter.pending:
            self.expire(waiter)

    def _waits_since(self, waiter: Waiter) -> float:
        return max(waiter.since, self._handed_over_at)

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

    # Who holds what.

    def _slot(self, job: Job) -> int:
        return 0 if job.slots is None else job.slots.get(self.number, 0)

    def _track(self, job: Job) -> None:
        """Note which slot a job holds, and since when, where that matters."""
        if self._slots is not None:
            if job.slots is None:
                job.slots = {}
            job.slots[self.number] = self._slots.popleft()
        if self.killable:
            self.holders[job] = self.env._now
            if self._holds is not None:
                self._holds.add((job, self.env._now))
        if self._uses is not None and self._uses.count(self._slot(job)) and self.spec.whole:
            self.close(self.spec.restart_s)

    def _untrack(self, job: Job) -> bool:
        """Forget that a job holds a slot; return whether the slot restarts now."""
        self.holders.pop(job, None)
        if self._uses is not None and not self.spec.whole and self._uses.used_up(self._slot(job)):
            self.restart(job)
            return True
        if self._slots is not None and job.slots is not None:
            self._slots.append(job.slots.pop(self.number))
        return False

    def _is_held(self, grant: Grant) -> bool:
        job, granted_at = grant
        return self.holders.get(job) == granted_at


class _Uses:
    """How often each slot, or the resource as a whole, may still be used."""

    def __init__(self, resource: Resource) -> None:
        self._limits = resource.uses
        self._whole = resource.whole
        self._births = 0
        count = 1 if resource.whole else resource.capacity
        self._left = [self._born() for _ in range(count)]

    def _born(self) -> int:
        self._births += 1
        return self._limits[(self._births - 1) % len(self._limits)]

    def count(self, slot: int) -> bool:
        """Count a use; return whether it was the last."""
        place = 0 if self._whole else slot
        self._left[place] -= 1
        return self._left[place] == 0

    def used_up(self, slot: int) -> bool:
        return self._left[slot] <= 0

    def renew(self, slot: int) -> None:
        self._left[0 if self._whole else slot] = self._born()


def _is_pending(waiter: Waiter) -> bool:
    return waiter.pending
