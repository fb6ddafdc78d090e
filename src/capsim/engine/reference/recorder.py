"""Writes down what happens: every answer, and samples of every resource and station."""

from collections.abc import Sequence, Sized

import numpy as np
from simpy import Environment

from capsim.engine.reference.job import Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.slots import Slots
from capsim.engine.reference.station import ServiceStation
from capsim.engine.trace import NUMBERS, PART_ROWS, SAMPLE_S, Part, Receive, Tasks, Trace
from capsim.plan.ops import Status
from capsim.plan.plan import Plan

_NEVER = float("nan")

Record = tuple[int, int, int, int, int, float, float, float, int, bool, dict[int, float] | None]
Task = tuple[int, int, int, int, float, float, int]
Sample = list[float]


class Recorder:
    """Collects the trace of one run, and hands it over in parts."""

    def __init__(
        self,
        env: Environment,
        plan: Plan,
        resources: Sequence[Slots | Owned],
        stations: Sequence[ServiceStation],
        receive: Receive,
    ) -> None:
        """Start with nothing recorded, and sample from time zero on."""
        self._env = env
        self._receive = receive
        self._plan = plan
        self._resources = resources
        self._stations = stations
        self._records: list[Record] = []
        self._live: dict[Job, None] = {}
        self._issued = 0
        self._sampled_s: list[float] = []
        self._samples: list[tuple[Sample, Sample, Sample, Sample, Sample, Sample]] = []
        self._tasks: list[Task] = []
        self._begun: dict[Job, None] = {}
        self._notes: dict[str, list[float]] = {}
        self._next_sample(None)

    def issue(self, job: Job) -> None:
        """Note that a request was sent."""
        self._issued += 1
        self._live[job] = None

    def noted(self, station: int) -> list[float]:
        """Return the list of times that are noted under a station's name."""
        return self._notes.setdefault(self._plan.stations[station].name, [])

    def begin(self, job: Job) -> None:
        """Note that a background task was put in hand."""
        self._begun[job] = None

    def answer(self, job: Job, status: int) -> None:
        """Record that a request ends now for its client: with an answer, or because it gave up."""
        if job.background:
            del self._begun[job]
            self._tasks.append(_task(job, self._env._now, status))
            return
        job.live = False
        del self._live[job]
        if status and job.retrying is not None:
            job.retry_in_s = job.retrying.decide(job, status, self._env._now)
        # A zombie goes on to wait, for nobody: what its client waited is fixed here.
        waits = job.waits if job.finished else job.waits_until(self._env._now)
        final = job.retry_in_s is None
        self._records.append(_record(job, self._env._now, status, waits, final=final))

    def finish(self) -> None:
        """Hand over what was not yet, with the requests still in flight last."""
        if not self._sampled_s or self._sampled_s[-1] < self._plan.horizon_s:
            self._sample()
        self._records += self._in_flight()
        self._tasks += self._tasks_in_hand()
        self._begun.clear()
        self._hand_over()

    def _hand_over(self) -> None:
        """Hand over what was recorded since the last time."""
        in_hand = self._tasks_in_hand() if self._notes else []
        self._receive(Part(trace=self._trace(), in_hand=_task_table(in_hand)))
        for written in (self._records, self._tasks, self._sampled_s, self._samples):
            written.clear()
        for times in self._notes.values():
            times.clear()

    def _trace(self) -> Trace:
        source, user, index, attempt, request_class, asked, start, end, status, final, waits = (
            zip(*self._records, strict=True) if self._records else [()] * 11
        )
        in_use, queued, wasted_slots, busy, present, wasted_cores = map(
            _rows, zip(*self._samples, strict=True)
        )
        return Trace(
            source=np.array(source, dtype=NUMBERS["source"]),
            user=np.array(user, dtype=NUMBERS["user"]),
            index=np.array(index, dtype=NUMBERS["index"]),
            attempt=np.array(attempt, dtype=NUMBERS["attempt"]),
            request_class=np.array(request_class, dtype=NUMBERS["request_class"]),
            asked=np.array(asked, dtype=np.float64),
            start=np.array(start, dtype=np.float64),
            end=np.array(end, dtype=np.float64),
            status=np.array(status, dtype=NUMBERS["status"]),
            final=np.array(final, dtype=np.bool_),
            wait_columns=_wait_columns(waits, self._plan.wait_names),
            tasks=_task_table(self._tasks),
            notes={name: np.array(times, dtype=np.float64) for name, times in self._notes.items()},
            class_names=self._plan.class_names,
            resource_names=tuple(resource.name for resource in self._plan.resources),
            station_names=tuple(station.name for station in self._plan.stations),
            issued=self._issued,
            horizon_s=self._plan.horizon_s,
            sampled_s=np.array(self._sampled_s),
            in_use=in_use,
            queued=queued,
            wasted_slots=wasted_slots,
            busy=busy,
            present=present,
            wasted_cores=wasted_cores,
        )

    def _tasks_in_hand(self) -> list[Task]:
        return [_task(job, _NEVER, Status.IN_FLIGHT) for job in self._begun]

    def _in_flight(self) -> list[Record]:
        return [
            _record(job, _NEVER, Status.IN_FLIGHT, job.waits_until(self._env._now), final=True)
            for job in self._live
        ]

    def _next_sample(self, _timer: object) -> None:
        self._sample()
        written: tuple[Sized, ...] = (self._records, self._tasks, *self._notes.values())
        if max(map(len, written)) >= PART_ROWS:
            self._hand_over()
        self._env.timeout(SAMPLE_S).callbacks.append(self._next_sample)

    def _sample(self) -> None:
        for station in self._stations:
            station.account()
        self._sampled_s.append(self._env._now)
        self._samples.append(
            (
                [resource.in_use_s for resource in self._resources],
                [resource.queued_s for resource in self._resources],
                [resource.wasted_s for resource in self._resources],
                [station.busy_s for station in self._stations],
                [station.present_s for station in self._stations],
                [station.wasted_s for station in self._stations],
            )
        )


def _record(
    job: Job, end: float, status: int, waits: dict[int, float] | None, *, final: bool
) -> Record:
    who = (job.session.source, job.session.user, job.index, job.attempt)
    return (*who, job.request_class, job.asked, job.start, end, status, final, waits)


def _task(job: Job, end: float, status: int) -> Task:
    who = (job.session.source, job.session.user, job.index)
    return (*who, job.request_class, job.start, end, status)


def _task_table(rows: Sequence[Task]) -> Tasks:
    source, user, index, request_class, start, end, status = (
        zip(*rows, strict=True) if rows else [()] * 7
    )
    return Tasks(
        source=np.array(source, dtype=NUMBERS["source"]),
        user=np.array(user, dtype=NUMBERS["user"]),
        index=np.array(index, dtype=NUMBERS["index"]),
        request_class=np.array(request_class, dtype=NUMBERS["request_class"]),
        start=np.array(start, dtype=np.float64),
        end=np.array(end, dtype=np.float64),
        status=np.array(status, dtype=NUMBERS["status"]),
    )


def _rows(samples: Sequence[Sample]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(samples).reshape(len(samples), -1)


def _wait_columns(
    waits: Sequence[dict[int, float] | None], names: Sequence[str]
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    columns = np.zeros((len(waits), len(names)))
    for row, waited in enumerate(waits):
        if waited is not None:
            for column, time_s in waited.items():
                columns[row, column] = time_s
    return {name: columns[:, column] for column, name in enumerate(names)}
