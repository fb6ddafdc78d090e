"""Slots with a queue: threads, workers, pooled connections, locks."""

from collections import deque
from typing import TYPE_CHECKING

from simpy import Environment, Event

from capsim.engine.reference.events import Deadlines, wake
from capsim.engine.reference.gauge import Gauge
from capsim.engine.reference.job import Job
from capsim.engine.reference.line import Line, Waiter
from capsim.engine.reference.uses import Uses
from capsim.plan.plan import INFINITE, Loss, Resource

if TYPE_CHECKING:
    from capsim.engine.reference.failures import Failures

Grant = tuple[Job, float]  # a job that holds a slot, and since when


class Slots:
    """The slots of one resource, and who waits for them."""

    def __init__(
        self,
        env: Environment,
        resource: Resource,
        number: int,
        wait_column: int,
        failures: "Failures",
    ) -> None:
        """Start with all slots free; `number` is the resource's index in the plan."""
        self.env = env
        self.spec = resource
        self.number = number
        self.line = Line(env, resource, wait_column)
        self._failures = failures
        self.free = resource.capacity
        self.queue_limit = resource.queue_limit
        # What is the client's own is given back when that sees an error.
        self.outlives = resource.outlives and not resource.of_client
        self.closed = False
        self.gauges: list[tuple[Gauge, float]] = []
        self._shut = 0  # free slots of a closed resource
        self._away = 0  # slots that boot
        self._away_s = self._opens_at = 0.0
        self._openings = 0  # timers set for it to open: the last one counts
        self._draining = False
        self._loss: tuple[Loss, ...] = ()
        self._holds: Deadlines[Grant] | None = None
        if resource.hold_limit_s < INFINITE:
            self._holds = Deadlines(
                env,
                resource.hold_limit_s,
                self._is_held,
                lambda grant: failures.kill_worker(self, grant[0]),
                check_s=resource.check_s,
            )
        self.holders: dict[Job, float] = {}  # and since when, of those that may be killed
        # Least recently used first: the order in which idle threads take work from a queue.
        self._slots = deque(range(resource.capacity)) if resource.identified else None
        self._uses = Uses(resource) if resource.uses else None
        self.killable = self._holds is not None
        self._tracked = self.killable or self._slots is not None or self._uses is not None
        self._plain = not self._tracked  # open, with nothing to keep track of
        # Slot-seconds up to time t are _held_s + t * slots in use: an acquisition at time a adds
        # -a and a release at time r adds r. So it is with those for clients that have gone.
        self._held_s = 0.0
        self._wasted_s = 0.0
        self._wasted = 0

    def make_killable(self) -> None:
        """Keep a list of those that hold a slot, so that they can be killed."""
        self.killable = self._tracked = True
        self._plain = False

    def weigh(self, gauge: Gauge, weight: float) -> None:
        """Have every slot in use add to a gauge."""
        self.gauges.append((gauge, weight))
        self._plain = False

    @property
    def in_use(self) -> int:
        """Slots that are held."""
        return self.spec.capacity - self.free - self._shut - self._away

    @property
    def wasted(self) -> int:
        """Slots that are held for clients that have gone."""
        return self._wasted

    @property
    def in_use_s(self) -> float:
        """Slot-seconds held since the start."""
        return self._held_s + self.env._now * self.in_use

    @property
    def queued_s(self) -> float:
        """Waiter-seconds since the start."""
        return self.line.waited_s if self.spec.shares_line in {-1, self.number} else 0.0

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

    def release(self, job: Job) -> None:
        """Take a job's slot back and hand it to a waiter, unless it restarts or is closed."""
        if self._plain and not self.line.waiting and not job.abandoned:  # nothing else to do
            self.free += 1
            self._held_s += self.env._now
            return
        if self._tracked and self._untrack(job):
            return
        if job.abandoned:
            self._wasted -= 1
            self._wasted_s += self.env._now
        self._pass_on(job)

    def _pass_on(self, job: Job, *, weighs: bool = True) -> None:
        waiter = None if self.closed else self.line.next(job)
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
        if self._draining and not self.in_use:
            self._emptied()

    def restart(self, job: Job) -> None:
        """Take a killed job's slot out of service for the time that it takes to boot."""
        self.holders.pop(job, None)
        if job.abandoned:
            self._wasted -= 1
            self._wasted_s += self.env._now
        slot = self._slot(job)
        if job.slots is not None:
            job.slots.pop(self.number, None)  # it may take another one meanwhile
        self._failures.drop((self.number, slot))
        if self._uses is not None:
            self._uses.renew(slot)
        for gauge, weight in self.gauges:
            gauge.remove(weight)
        self._away += 1
        self._held_s += self.env._now
        timer = self.env.timeout(self.spec.restart_s)
        timer.callbacks.append(lambda _: self._booted(job, slot))

    def _booted(self, job: Job, slot: int) -> None:
        if self._slots is not None:
            self._slots.append(slot)
        self._away -= 1
        self._held_s -= self.env._now
        self._pass_on(job, weighs=False)

    # Closing and opening.

    def close(self, *, until_s: float = 0.0, refuse: bool = False) -> None:
        """Grant nothing before a time."""
        self._shut_down(refuse=refuse)
        self._open_at(until_s)

    def drain(self, away_s: float, *, refuse: bool = False, loss: Loss | None = None) -> None:
        """Grant nothing until `away_s` after the last slot was given back.

        By then, what the resource stands for has lost its connections, and so has `loss`.
        """
        self._draining, self._away_s = True, away_s
        self._loss = (self.spec.loss,) if loss is None else (self.spec.loss, loss)
        self._shut_down(refuse=refuse)
        if not self.in_use:
            self._emptied()

    def _shut_down(self, *, refuse: bool) -> None:
        self.closed, self._plain = True, False
        self._shut += self.free
        self.free = 0
        if refuse:
            self.queue_limit = 0
            self.line.dismiss()

    def _emptied(self) -> None:
        self._draining = False
        for loss in self._loss:
            self._failures.lose(loss)
        self._open_at(self.env._now + self._away_s)

    def _open_at(self, time_s: float) -> None:
        self._opens_at = max(self._opens_at, time_s)
        self._openings += 1  # times are not compared: a sum may be a hair short of what it was
        timer = self.env.timeout(self._opens_at - self.env._now, self._openings)
        timer.callbacks.append(self._open)

    def _open(self, timer: Event) -> None:
        if self._draining or timer.value != self._openings:
            return  # closed again meanwhile, for longer
        self.closed = False
        self._plain = not self._tracked and not self.gauges
        self.queue_limit = self.spec.queue_limit
        self.free, self._shut = self._shut, 0
        if self._uses is not None and self.spec.whole:
            self._uses.renew(0)
        while self.free and (waiter := self.line.next(None)) is not None:
            self.free -= 1
            self._held_s -= self.env._now
            self._grant(waiter)
            for gauge, weight in self.gauges:
                gauge.add(weight, waiter.job)

    def hand_on(self, job: Job, ghost: Job) -> None:
        """Have a slot that outlives a kill held by what is left of the job: it is not killed again.

        The slot is in use as before, and so is what it owns.
        """
        self.holders.pop(job, None)
        ghost.held.append(self)
        if job.slots is not None and self.number in job.slots:
            ghost.slots = ghost.slots or {}
            ghost.slots[self.number] = job.slots.pop(self.number)

    def forsake(self) -> None:
        """Count a slot that is held for a client that has gone."""
        self._wasted += 1
        self._wasted_s -= self.env._now

    def _grant(self, waiter: Waiter) -> None:
        self.line.decide(waiter)
        job = waiter.job
        job.held.append(self)
        if self.spec.route_base >= 0:
            job.route = job.session.route = self.number - self.spec.route_base
        if self._tracked:
            self._track(waiter.job)
        if waiter.job.abandoned:
            self.forsake()
        wake(waiter.event)

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
            self.drain(self.spec.restart_s)

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
