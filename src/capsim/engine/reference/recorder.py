"""Writes down what happens: every answer, and samples of every resource and station."""

from collections.abc import Sequence

import numpy as np
from simpy import Environment

from capsim.engine.reference.fifo import Fifo
from capsim.engine.reference.job import Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.station import ServiceStation
from capsim.engine.trace import Trace
from capsim.plan.ops import Status
from capsim.plan.plan import Plan

_SAMPLE_S = 1.0  # as load generators write their history

Record = tuple[int, int, int, int, float, float, int, dict[int, float] | None]


class Recorder:
    """Collects the trace of one run."""

    def __init__(
        self,
        env: Environment,
        plan: Plan,
        resources: Sequence[Fifo | Owned],
        stations: Sequence[ServiceStation],
    ) -> None:
        """Start with nothing recorded, and sample from time zero on."""
        self._env = env
        self._plan = plan
        self._resources = resources
        self._stations = stations
        self._records: list[Record] = []
        self._live: dict[Job, None] = {}
        self._issued = 0
        self._sampled_s: list[float] = []
        self._samples: list[tuple[list[float], list[float], list[float], list[float]]] = []
        self._next_sample(None)

    def issue(self, job: Job) -> None:
        """Note that a request was sent."""
        self._issued += 1
        self._live[job] = None

    def answer(self, job: Job, status: int) -> None:
        """Record that a request ends now for its client: with an answer, or because it gave up."""
        job.live = False
        del self._live[job]
        session = job.session
        # A zombie goes on to wait, for nobody: what its client waited is fixed here.
        waits = job.waits if job.finished else job.waits_until(self._env._now)
        self._records.append(
            (
                session.source,
                session.user,
                job.index,
                job.request_class,
                job.start,
                self._env._now,
                status,
                waits,
            )
        )

    def trace(self) -> Trace:
        """Return what was recorded, with the requests still in flight last."""
        if self._sampled_s[-1] < self._plan.horizon_s:
            self._sample()
        records = self._records + self._in_flight()
        source, user, index, request_class, start, end, status, waits = (
            zip(*records, strict=True) if records else [()] * 8
        )
        wait_names = self._plan.wait_names
        in_use, queued, busy, present = zip(*self._samples, strict=True)
        return Trace(
            source=np.array(source, dtype=np.int64),
            user=np.array(user, dtype=np.int64),
            index=np.array(index, dtype=np.int64),
            request_class=np.array(request_class, dtype=np.int64),
            start=np.array(start, dtype=np.float64),
            end=np.array(end, dtype=np.float64),
            status=np.array(status, dtype=np.int64),
            waits=_wait_columns(waits, len(wait_names)),
            class_names=self._plan.class_names,
            wait_names=wait_names,
            resource_names=tuple(resource.name for resource in self._plan.resources),
            station_names=tuple(station.name for station in self._plan.stations),
            issued=self._issued,
            horizon_s=self._plan.horizon_s,
            sampled_s=np.array(self._sampled_s),
            in_use=np.array(in_use).reshape(len(in_use), -1),
            queued=np.array(queued).reshape(len(queued), -1),
            busy=np.array(busy).reshape(len(busy), -1),
            present=np.array(present).reshape(len(present), -1),
        )

    def _in_flight(self) -> list[Record]:
        never = float("nan")
        flying: list[Record] = []
        for job in self._live:
            user = (job.session.source, job.session.user)
            waits = job.waits_until(self._env._now)
            flying.append(
                (*user, job.index, job.request_class, job.start, never, Status.IN_FLIGHT, waits)
            )
        return flying

    def _next_sample(self, _timer: object) -> None:
        self._sample()
        self._env.timeout(_SAMPLE_S).callbacks.append(self._next_sample)

    def _sample(self) -> None:
        for station in self._stations:
            station.account()
        self._sampled_s.append(self._env._now)
        self._samples.append(
            (
                [resource.in_use_s for resource in self._resources],
                [resource.queued_s for resource in self._resources],
                [station.busy_s for station in self._stations],
                [station.present_s for station in self._stations],
            )
        )


def _wait_columns(
    waits: Sequence[dict[int, float] | None], count: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    columns = np.zeros((len(waits), count))
    for row, waited in enumerate(waits):
        if waited is not None:
            for column, time_s in waited.items():
                columns[row, column] = time_s
    return columns
