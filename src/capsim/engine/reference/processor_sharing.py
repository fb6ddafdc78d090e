"""Egalitarian processor sharing over a few cores: CPUs, the GIL, database cores.

Every job of n gets the same rate, so each is done when a common virtual time has advanced by its
demand (the fair-queueing argument of Parekh & Gallager 1993): a heap of finish times and one
timer, whatever the number of jobs.
"""

from heapq import heappop, heappush
from typing import Any

from simpy import Environment, Event

from capsim.engine.reference.events import wake
from capsim.engine.reference.job import Job
from capsim.plan.plan import Station

Service = list[Any]  # [virtual finish time, sequence number, event, job or None when withdrawn]
_FINISH, _SEQUENCE, _EVENT, _JOB = range(4)


class CoreGroup:
    """Cores that several stations share: each of `active` processes gets min(1, cores/active)."""

    def __init__(self, cores: float) -> None:
        """Start idle."""
        self.cores = cores
        self.active = 0
        self.share = 1.0
        self.stations: list[ProcessorSharing] = []

    def change(self, by: int) -> None:
        """Count a station that became busy (+1) or idle (-1); the others speed up or slow down."""
        self.active += by
        share = 1.0 if self.active <= self.cores else self.cores / self.active
        if share != self.share:
            self.share = share
            for station in self.stations:
                station.rerate()


class ProcessorSharing:
    """A station; see `Station` in the plan for the rate of a job."""

    def __init__(self, env: Environment, station: Station, group: CoreGroup | None) -> None:
        """Start idle."""
        self.env = env
        self._station = station
        self._group = group
        if group is not None:
            group.stations.append(self)
        self._speed = 1.0
        self._rates = [1.0]  # rate of each job by number present, at speed 1 and full share
        self._virtual = 0.0
        self._advanced_at = 0.0
        self._rate = 1.0
        self._share = 1.0  # of the group's cores, at that rate
        self._services: list[Service] = []
        self._present = 0
        self._sequence = 0
        self._timer_number = 0
        self._armed: tuple[int, float] | None = None  # (head's sequence number, rate)
        self.busy_s = 0.0
        self.present_s = 0.0

    def serve(self, job: Job, demand_s: float) -> Event:
        """Begin a service; the event comes when the demand is served, or the job is killed."""
        self.account()
        event = Event(self.env)
        service: Service = [self._virtual + demand_s, self._sequence, event, job]
        heappush(self._services, service)
        self._sequence += 1
        job.service = (self, service)
        self._count(+1)
        return event

    def withdraw(self, service: Service) -> None:
        """Stop serving a killed job."""
        self.account()
        service[_JOB] = None
        self._count(-1)

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on."""
        self._speed = speed
        self.rerate()

    def rerate(self) -> None:
        """Take a change of speed or of the group's share into account."""
        self.account()
        self._arm()

    def account(self) -> None:
        """Bring the virtual time and the integrals up to now."""
        now = self.env._now
        passed = now - self._advanced_at
        if passed:
            present = self._present
            if present:
                self._virtual += passed * self._rate
                cores = self._station.cores
                used = min(cores, present)
                self.busy_s += passed * used * self._share
                self.present_s += passed * present
            self._advanced_at = now

    def _count(self, by: int) -> None:
        before = self._present
        self._present = before + by
        if self._group is not None and (before == 0 or self._present == 0):
            self._group.change(+1 if before == 0 else -1)
        self._arm()

    def _arm(self) -> None:
        services = self._services
        while services and services[0][_JOB] is None:
            heappop(services)
        if not services:
            self._virtual = 0.0  # keeps the virtual time small, and so precise
            self._armed = None
            self._timer_number += 1
            return
        self._share = 1.0 if self._group is None else self._group.share
        self._rate = self._rate_of(self._present) * self._speed * self._share
        head = services[0]
        armed = (head[_SEQUENCE], self._rate)
        if armed == self._armed:
            return
        self._armed = armed
        self._timer_number += 1
        ahead = (head[_FINISH] - self._virtual) / self._rate
        timer = self.env.timeout(max(0.0, ahead), self._timer_number)
        timer.callbacks.append(self._fire)

    def _fire(self, timer: Event) -> None:
        if timer.value != self._timer_number:
            return  # rates have changed since this timer was set
        self.account()
        finish, _, event, job = heappop(self._services)
        # The head is done by construction; rounding may have left it a hair short.
        self._virtual = max(self._virtual, finish)
        job.service = None
        wake(event)
        self._count(-1)

    def _rate_of(self, present: int) -> float:
        while len(self._rates) <= present:
            self._rates.append(rate_per_job(self._station, len(self._rates)))
        return self._rates[present]


def rate_per_job(station: Station, present: int) -> float:
    """Return the rate of each of `present` jobs, in core-seconds per second."""
    n = present
    slowed = 1 + station.contention * (n - 1) + station.coherency * n * (n - 1)
    return min(1.0, station.cores / n) / slowed / (1 + station.idle_overhead / n)
