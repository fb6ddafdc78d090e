"""One core that jobs take in turns: the threads of a Python process under the GIL.

CPython (`take_gil` and `drop_gil`, Python/ceval_gil.c, since 3.2) lets a running thread go on until
another has waited one switch interval for the lock; it then gives way to one of those that wait.
Which of them gets the lock is the operating system's choice, not the order in which they came.
"""

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
from capsim.plan.ops import NO_COLUMN, SAME_INSTANT_S
from capsim.plan.plan import INFINITE, Station


class TimeSlicing(ServiceStation):
    """A station where one job runs at a time, for a slice at most while others wait."""

    def __init__(self, env: Environment, station: Station, group: CoreGroup | None) -> None:
        """Start idle."""
        super().__init__(env, station, group)
        self._waiting: list[Service] = []  # in order of arrival
        self._running: Service | None = None
        self._slice_end = INFINITE
        self._last: Job | None = None  # who left; its luck says who is next

    def jobs(self) -> list[Job]:
        """Return the jobs present, in order of arrival."""
        present = [*self._waiting, *([] if self._running is None else [self._running])]
        return [service[JOB] for service in sorted(present, key=lambda s: s[SEQUENCE])]

    def _enter(self, service: Service) -> None:
        self._waiting.append(service)

    def _leave(self, service: Service) -> None:
        if service is self._running:
            self._stop(service)
        else:
            self._waiting.remove(service)

    def _arm(self) -> None:
        if self._running is None:
            if not self._waiting:
                self._rest()
                return
            self._start_next()
        running = self._running
        assert running is not None  # noqa: S101 (just started)
        now = self.env._now
        if not self._waiting:
            self._slice_end = INFINITE  # the only waiter may have been killed
        elif self._slice_end == INFINITE:
            self._slice_end = now + self.station.quantum_s
        self._rate = self._total_rate()
        ahead_s = (running[END] - self._virtual) / self._rate
        if now + ahead_s <= self._slice_end + SAME_INSTANT_S:
            self._wait(ahead_s, (running[SEQUENCE], self._rate))
        else:
            self._wait(self._slice_end - now, (-1, self._slice_end))

    def _due(self, reason: Reason | None) -> None:
        running = self._running
        assert running is not None  # noqa: S101 (the timer is for it)
        self._stop(running)
        if reason is not None and reason[0] == running[SEQUENCE]:
            self._done(running)
            return
        running[END] = max(0.0, running[END] - self._virtual)
        self._start_next()  # never the one that gave way
        self._waiting.append(running)
        self._arm()

    def forsake(self, service: Service) -> None:
        """Take note that the client of a job in service has gone."""
        self.account()
        if service is self._running:
            self._wasted_share = 1.0

    def _stop(self, running: Service) -> None:
        self._running = None
        self._wasted_share = 0.0
        self._last = running[JOB]

    def _start_next(self) -> None:
        chosen = self._waiting.pop(self._choice())
        chosen[END] += self._virtual
        self._running = chosen
        self._wasted_share = float(chosen[JOB].abandoned)
        self._slice_end = INFINITE

    def _choice(self) -> int:
        """Return the place of the next one among those that wait, as rule 8 has it."""
        waiting, last = len(self._waiting), self._last
        if waiting == 1 or last is None or self.station.turn_column == NO_COLUMN:
            return 0
        return int(last.luck(self.station.turn_column) * waiting)
