"""Egalitarian processor sharing over a few cores: the machine's CPUs, database cores.

Every job of n gets the same rate, so each is done when a common virtual time has advanced by its
demand (the fair-queueing argument of Parekh & Gallager 1993): a heap of finish times and one
timer, whatever the number of jobs.
"""

from heapq import heappop, heappush

from simpy import Environment

from capsim.engine.reference.job import Job
from capsim.engine.reference.station import (
    END,
    JOB,
    SEQUENCE,
    CoreGroup,
    Reason,
    Service,
    ServiceStation,
)
from capsim.plan.plan import Station


class ProcessorSharing(ServiceStation):
    """A station; see `Station` in the plan for the rate of a job."""

    def __init__(self, env: Environment, station: Station, group: CoreGroup | None) -> None:
        """Start idle."""
        super().__init__(env, station, group)
        self._services: list[Service] = []  # a heap by where on the clock they end
        self._forsaken = 0  # jobs present whose clients have gone

    def forsake(self, service: Service) -> None:  # noqa: ARG002 (all share alike)
        """Take note that the client of a job in service has gone."""
        self.account()
        self._forsaken += 1
        self._wasted_share = self._forsaken / self._present

    def jobs(self) -> list[Job]:
        """Return the jobs present, in order of arrival."""
        present = [service for service in self._services if service[JOB] is not None]
        return [service[JOB] for service in sorted(present, key=lambda s: s[SEQUENCE])]

    def _enter(self, service: Service) -> None:
        service[END] += self._virtual
        heappush(self._services, service)
        if service[JOB].abandoned:
            self._forsaken += 1

    def _leave(self, service: Service) -> None:
        if service[JOB].abandoned:
            self._forsaken -= 1
        service[JOB] = None

    def _arm(self) -> None:
        services = self._services
        while services and services[0][JOB] is None:
            heappop(services)
        if not services:
            self._rest()
            return
        self._rate = self._total_rate() / self._present
        self._wasted_share = self._forsaken / self._present
        head = services[0]
        ahead_s = (head[END] - self._virtual) / self._rate
        self._wait(ahead_s, (head[SEQUENCE], self._rate))

    def _due(self, reason: Reason | None) -> None:  # noqa: ARG002 (there is only one)
        head = heappop(self._services)
        if head[JOB].abandoned:
            self._forsaken -= 1
        # The head is done by construction; rounding may have left it a hair short.
        self._virtual = max(self._virtual, head[END])
        self._done(head)
