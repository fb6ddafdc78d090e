"""What all stations share: how fast they run, whose cores they use, and how busy they were."""

from abc import ABC, abstractmethod
from typing import Any

from simpy import Environment, Event

from capsim.engine.reference.events import wake_at_once
from capsim.engine.reference.job import Job
from capsim.plan.plan import Station

Service = list[Any]  # [demand left or where it ends, sequence number, event, job or None]
END, SEQUENCE, EVENT, JOB = range(4)
Reason = tuple[int, float]  # what a timer waits for: a job by its number, and at which rate


class CoreGroup:
    """Cores that several stations share: each of `active` processes gets min(1, cores/active)."""

    def __init__(self, cores: float) -> None:
        """Start idle."""
        self.cores = cores
        self.active = 0
        self.share = 1.0
        self.stations: list[ServiceStation] = []

    def change(self, by: int) -> None:
        """Count a station that became busy (+1) or idle (-1); the others speed up or slow down."""
        self.active += by
        share = 1.0 if self.active <= self.cores else self.cores / self.active
        if share != self.share:
            self.share = share
            for station in self.stations:
                station.rerate()


class ServiceStation(ABC):
    """A station of the plan; what it does with several jobs at once is its subclass's affair.

    Work is measured on the station's own clock, `_virtual`, which advances by the core-seconds
    that a job in service receives.
    """

    def __init__(self, env: Environment, station: Station, group: CoreGroup | None) -> None:
        """Start idle."""
        self.env = env
        self.station = station
        self._group = group
        if group is not None:
            group.stations.append(self)
        self._speed = 1.0
        self._totals = [0.0]  # rate of all jobs together by number present, at speed 1
        self._virtual = 0.0
        self._advanced_at = 0.0
        self._rate = 1.0  # of the station's clock
        self._share = 1.0  # of the group's cores, at that rate
        self._present = 0
        self._sequence = 0
        self._timer_number = 0
        self._armed: Reason | None = None  # what the timer waits for
        self.down_until = 0.0
        self.down_status = 0  # of those that come meanwhile
        self._wasted_share = 0.0  # of the work in progress, for clients that have gone
        self.busy_s = 0.0
        self.present_s = 0.0
        self.wasted_s = 0.0

    def serve(self, job: Job, demand_s: float) -> Event:
        """Begin a service; the event comes when the demand is served, or the job is killed."""
        self.account()
        event = Event(self.env)
        service: Service = [demand_s, self._sequence, event, job]
        self._sequence += 1
        job.service = (self, service)
        self._enter(service)
        self._count(+1)
        return event

    def withdraw(self, service: Service) -> None:
        """Stop serving a killed job."""
        self.account()
        self._leave(service)
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
        """Bring the station's clock and the integrals up to now."""
        now = self.env._now
        passed = now - self._advanced_at
        if passed:
            present = self._present
            if present:
                self._virtual += passed * self._rate
                busy_s = passed * min(self.station.cores, present) * self._share
                self.busy_s += busy_s
                self.present_s += passed * present
                if self._wasted_share:
                    self.wasted_s += busy_s * self._wasted_share
            self._advanced_at = now

    @abstractmethod
    def forsake(self, service: Service) -> None:
        """Take note that the client of a job in service has gone."""

    @abstractmethod
    def jobs(self) -> list[Job]:
        """Return the jobs present, in order of arrival."""

    @abstractmethod
    def _enter(self, service: Service) -> None:
        """Take a service in."""

    @abstractmethod
    def _leave(self, service: Service) -> None:
        """Take a service that is not done out."""

    @abstractmethod
    def _arm(self) -> None:
        """Set the timer for what happens next at the present rates, if it is not set for it."""

    @abstractmethod
    def _due(self, reason: Reason | None) -> None:
        """Do what the timer was set for; the clock is up to date."""

    def _count(self, by: int) -> None:
        before = self._present
        self._present = before + by
        if self._group is not None and (before == 0 or self._present == 0):
            self._group.change(+1 if before == 0 else -1)
        self._arm()

    def _done(self, service: Service) -> None:
        service[JOB].service = None
        self._count(-1)
        wake_at_once(service[EVENT])

    def _rest(self) -> None:
        """Start anew from zero when there is nothing to do: keeps the clock small and precise."""
        self._virtual = 0.0
        self._armed = None
        self._timer_number += 1

    def _wait(self, ahead_s: float, reason: Reason) -> None:
        """Set the timer, unless it waits for the same thing already."""
        if reason == self._armed:
            return
        self._armed = reason
        self._timer_number += 1
        timer = self.env.timeout(max(0.0, ahead_s), self._timer_number)
        timer.callbacks.append(self._fire)

    def _fire(self, timer: Event) -> None:
        if timer.value != self._timer_number:
            return  # something has changed since this timer was set
        reason, self._armed = self._armed, None
        self.account()
        self._due(reason)

    def _total_rate(self) -> float:
        """Return the rate of all jobs together now, in core-seconds per second."""
        while len(self._totals) <= self._present:
            self._totals.append(total_rate(self.station, len(self._totals)))
        self._share = 1.0 if self._group is None else self._group.share
        return self._totals[self._present] * self._speed * self._share


def total_rate(station: Station, present: int) -> float:
    """Return the rate at which `present` jobs are served together, core-seconds per second."""
    n = present
    slowed = 1 + station.contention * (n - 1) + station.coherency * n * (n - 1)
    return min(n, station.cores) / slowed / (1 + station.idle_overhead / n)
