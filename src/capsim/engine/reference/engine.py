"""Runs a plan: sets up resources, stations and code, and lets every population live."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from simpy import Environment

from capsim.engine.reference import instructions
from capsim.engine.reference.events import wake
from capsim.engine.reference.fifo import Fifo
from capsim.engine.reference.job import Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.population import Population
from capsim.engine.reference.processor_sharing import ProcessorSharing
from capsim.engine.reference.recorder import Recorder
from capsim.engine.reference.station import CoreGroup, ServiceStation
from capsim.engine.reference.time_slicing import TimeSlicing
from capsim.engine.trace import Trace
from capsim.plan.draws import DrawTable
from capsim.plan.ops import FAILS, Op, Status, Step
from capsim.plan.plan import Plan, Resource


def run(plan: Plan) -> Trace:
    """Interpret a plan up to its horizon.

    Raises:
        RunError: requests and thinking take no time at all, so that the clock stands still.
    """
    with _without_garbage_collection():
        return _Engine(plan).run()


class _Engine:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.env = Environment()
        owned = {step.target for step in plan.steps if step.op == Op.HOLD}
        self.owned = {n: Owned(self.env, plan.resources[n]) for n in sorted(owned)}
        self.fifos = {
            n: self._fifo(n, spec) for n, spec in enumerate(plan.resources) if n not in owned
        }
        self.groups = [CoreGroup(cores) for cores in plan.group_cores]
        self.stations = [self._station(n) for n in range(len(plan.stations))]
        everything: dict[int, Fifo | Owned] = {**self.fifos, **self.owned}
        resources = [everything[n] for n in range(len(plan.resources))]
        self.recorder = Recorder(self.env, plan, resources, self.stations)
        self.kills = any(fifo.kills for fifo in self.fifos.values())
        finish = len(plan.steps)  # an END of the engine's own, for jobs without an error path
        self.finish = finish
        errors = [finish if error == FAILS else error for error in plan.errors]
        self.doors = list(zip(plan.entries, errors, strict=True))
        self.code = [self._instruction(step) for step in (*plan.steps, Step(op=Op.END))]

    def run(self) -> Trace:
        for number, source in enumerate(self.plan.sources):
            draws = DrawTable(self.plan, source)
            Population(
                self.env, number, source, draws, self.code, self.doors, self.recorder
            ).begin()
        for spec, station in zip(self.plan.stations, self.stations, strict=True):
            for time_s, speed in spec.speeds:
                if time_s < self.plan.horizon_s:
                    change = self.env.timeout(time_s)
                    change.callbacks.append(partial(_change_speed, station, speed))
        self.env.run(self.plan.horizon_s)
        return self.recorder.trace()

    def _fifo(self, number: int, spec: Resource) -> Fifo:
        wait_column = self.plan.wait_names.index(spec.name)
        return Fifo(self.env, spec, number, wait_column, kill=self._kill)

    def _station(self, number: int) -> ServiceStation:
        spec = self.plan.stations[number]
        group = self.groups[spec.group] if spec.group >= 0 else None
        if spec.quantum_s == 0:
            return ProcessorSharing(self.env, spec, group)
        return TimeSlicing(self.env, spec, group)

    def _kill(self, worker: Fifo, job: Job) -> None:
        """Kill the worker that a job holds: the client sees a reset, the slot boots anew."""
        job.status, job.pc = Status.WORKER_TIMEOUT, self.finish
        if job.waiter is not None:
            job.waiter.fifo.withdraw(job.waiter)
        if job.service is not None:
            station, service = job.service
            station.withdraw(service)
        job.held.remove(worker)
        for owned in self.owned.values():
            owned.drop((worker.number, job.slots[worker.number] if job.slots else None))
        worker.restart(job)
        if job.waiting is not None and not job.waiting.triggered:
            wake(job.waiting)

    def _instruction(self, step: Step) -> instructions.Instruction:
        make: dict[Op, Callable[[], instructions.Instruction]] = {
            Op.ACQUIRE: lambda: instructions.Acquire(step, self.fifos),
            Op.RELEASE: lambda: instructions.Release(step, self.fifos),
            Op.HOLD: lambda: instructions.Hold(step, self.owned[step.target]),
            Op.DELAY: lambda: instructions.Delay(step, self.env, killable=self.kills),
            Op.SERVE: lambda: instructions.Serve(step, self.stations),
            Op.ROUTE: lambda: instructions.Route(step, self.env),
            Op.BRANCH: lambda: instructions.Branch(step),
            Op.REPEAT: lambda: instructions.Repeat(step),
            Op.JUMP: lambda: instructions.Jump(step),
            Op.FAIL: lambda: instructions.Fail(step),
            Op.END: lambda: instructions.End(step, self.recorder.answer),
        }
        return make[step.op]()


def _change_speed(station: ServiceStation, speed: float, _timer: object) -> None:
    station.set_speed(speed)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Pause the collector: a run makes millions of objects and next to no cycles worth finding."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
