"""Runs a plan: sets up resources, stations and code, and lets every population live."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from simpy import Environment, Event

from capsim import stopping
from capsim.engine.reference import cells, control, instructions
from capsim.engine.reference.failures import Failures
from capsim.engine.reference.gauge import Gauge
from capsim.engine.reference.job import Job
from capsim.engine.reference.owned import Owned
from capsim.engine.reference.population import Life, Population, through
from capsim.engine.reference.processor_sharing import ProcessorSharing
from capsim.engine.reference.recorder import Recorder
from capsim.engine.reference.route import Route
from capsim.engine.reference.slots import Slots
from capsim.engine.reference.station import CoreGroup, ServiceStation
from capsim.engine.reference.time_slicing import TimeSlicing
from capsim.engine.trace import Receive
from capsim.plan.draws import DrawTable
from capsim.plan.ops import FAILS, Op, Step
from capsim.plan.plan import Flush, Plan, Resource

_CHECKS = 200  # of a run, whether it is still wanted: a long one, of minutes, asks every second
_collector = threading.Lock()  # of garbage: it is the process's, and one thread at a time pauses it


def run(plan: Plan, receive: Receive) -> None:
    """Interpret a plan up to its horizon, and hand over the trace in parts.

    Raises:
        RunError: requests and thinking take no time at all, so that the clock stands still; or the
            run is not wanted any more.
    """
    with _without_garbage_collection():
        _Engine(plan, receive).run()


class _Engine:
    def __init__(self, plan: Plan, receive: Receive) -> None:
        self.plan = plan
        self.env = Environment()
        self.finish = len(plan.steps)  # an END of the engine's own, for jobs without an error path
        owned = {step.target for step in plan.steps if step.op == Op.HOLD}
        owned |= {n for n, spec in enumerate(plan.resources) if spec.owned}
        self.owned = {n: Owned(self.env, plan.resources[n], n) for n in sorted(owned)}
        self.slots: dict[int, Slots] = {}
        self.stations: list[ServiceStation] = []
        self.failures = Failures(
            self.env, self.slots, self.owned, self.stations, self.finish, self._go_on
        )
        for number, spec in enumerate(plan.resources):
            if number not in self.owned:
                self.slots[number] = self._slots(number, spec)
        for slots in self.slots.values():
            if slots.spec.shares_line >= 0:
                slots.line = self.slots[slots.spec.shares_line].line
        self.groups = [CoreGroup(cores) for cores in plan.group_cores]
        self.stations += [self._station(n) for n in range(len(plan.stations))]
        self.cells = list(plan.cells)
        self.turns: dict[int, dict[int, int]] = {}  # by the first gate
        everything: dict[int, Slots | Owned] = {**self.slots, **self.owned}
        resources = [everything[n] for n in range(len(plan.resources))]
        self.recorder = Recorder(self.env, plan, resources, self.stations, receive)
        self._prepare_kills()
        for gauge in plan.gauges:
            level = Gauge(gauge, self.failures.out_of_memory)
            for number, weight in gauge.weights:
                everything[number].weigh(level, weight)
        self.kills = (
            bool(plan.blackouts)
            or any(slots.killable for slots in self.slots.values())
            or any(step.op == Op.DEADLINE for step in plan.steps)
        )
        self.may_be_down = {self.stations[blackout.station] for blackout in plan.blackouts}
        errors = [self.finish if error == FAILS else error for error in plan.errors]
        self.doors = list(zip(plan.entries, errors, strict=True))
        self.code = [self._instruction(step) for step in (*plan.steps, Step(op=Op.END))]

    def run(self) -> None:
        self._schedule()
        if stopping.may_be_stopped():
            self._check(self.plan.horizon_s / _CHECKS)
        for number, source in enumerate(self.plan.sources):
            draws = DrawTable(self.plan, source)
            Population(
                self.env, number, source, draws, self.code, self.doors, self.recorder
            ).begin()
        self.env.run(self.plan.horizon_s)
        self.recorder.finish()

    def _schedule(self) -> None:
        """Set the timers of what happens at a fixed time."""
        for spec, station in zip(self.plan.stations, self.stations, strict=True):
            for time_s, speed in spec.speeds:
                self._at(time_s, partial(station.set_speed, speed))
        for outage in self.plan.outages:
            self._at(outage.time_s, partial(self.failures.begin, outage))
        for blackout in self.plan.blackouts:
            self._at(blackout.time_s, partial(self.failures.black_out, blackout))
        for flush in self.plan.flushes:
            self._at(flush.time_s, partial(self._empty, flush))

    def _check(self, every_s: float) -> None:
        """Ask now and every so often whether the run is still wanted; it changes nothing."""
        stopping.check()
        self.env.timeout(every_s).callbacks.append(lambda _: self._check(every_s))

    def _at(self, time_s: float, happens: Callable[[], None]) -> None:
        if time_s == 0.0:
            happens()
        elif time_s < self.plan.horizon_s:
            self.env.timeout(time_s).callbacks.append(lambda _: happens())

    def _empty(self, flush: Flush) -> None:
        for number in range(flush.first, flush.first + flush.count):
            self.cells[number] = self.env.now

    def _prepare_kills(self) -> None:
        killed = {outage.resource for outage in self.plan.outages}
        for number in killed.union(*(gauge.victims for gauge in self.plan.gauges)):
            if number in self.slots:
                self.slots[number].make_killable()

    def _slots(self, number: int, spec: Resource) -> Slots:
        wait_column = self.plan.wait_names.index(spec.name)
        return Slots(self.env, spec, number, wait_column, self.failures)

    def _station(self, number: int) -> ServiceStation:
        spec = self.plan.stations[number]
        group = self.groups[spec.group] if spec.group >= 0 else None
        if spec.quantum_s == 0:
            return ProcessorSharing(self.env, spec, group)
        return TimeSlicing(self.env, spec, group)

    def _start(self, job: Job) -> None:
        """Begin a forked job."""
        self.recorder.begin(job)
        self.env.process(through(job, self.code))

    def _go_on(self, job: Job, event: Event) -> None:
        """Have a job go on when an event comes."""

        def life() -> Life:
            yield event
            yield from through(job, self.code)

        self.env.process(life())

    def _serve(self, step: Step) -> instructions.Serve:
        """Return a service; one that looks whether the station is down, where it may be."""
        serve = instructions.Serve(step, self.stations)
        if self.may_be_down.isdisjoint(serve.stations):
            return serve
        return instructions.ServeUnlessDown(step, self.stations)

    def _gates(self, step: Step) -> list[Slots]:
        """Return the gates of all servers of a choice: resources of one name, in a row."""
        if step.target < 0:
            return []
        name, found = self.plan.resources[step.target].name, []
        for number in range(step.target, len(self.plan.resources)):
            if self.plan.resources[number].name != name:
                break
            found.append(self.slots[number])
        return found

    def _turns(self, step: Step) -> dict[int, int]:
        """Return whose turn it is at these gates, whatever the class of the request."""
        return {} if step.target < 0 else self.turns.setdefault(step.target, {})

    def _instruction(self, step: Step) -> instructions.Instruction:
        env = self.env
        make: dict[Op, Callable[[], instructions.Instruction]] = {
            Op.ACQUIRE: lambda: instructions.Acquire(step, self.slots),
            Op.RELEASE: lambda: instructions.Release(step, self.slots),
            Op.HOLD: lambda: instructions.Hold(step, self.owned[step.target]),
            Op.DELAY: lambda: instructions.Delay(step, env, killable=self.kills),
            Op.SERVE: lambda: self._serve(step),
            Op.ROUTE: lambda: Route(step, self._gates(step), self._turns(step), env),
            Op.BRANCH: lambda: control.Branch(step),
            Op.REPEAT: lambda: control.Repeat(step),
            Op.JUMP: lambda: control.Jump(step),
            Op.FAIL: lambda: control.Fail(step),
            Op.END: lambda: control.End(step, self.recorder.answer),
            Op.FORK: lambda: control.Fork(step, env, self.doors[step.target], self._start),
            Op.DEADLINE: lambda: control.Deadline(step, env, self.failures.interrupt),
            Op.CLEAR: lambda: control.Clear(step),
            Op.FRESH: lambda: cells.Fresh(step, self.cells, env),
            Op.STORE: lambda: cells.Store(step, self.cells, env),
            Op.NOTE: lambda: control.Note(step, env, self.recorder.noted(step.target)),
        }
        return make[step.op]()


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Pause the collector: a run makes millions of objects and next to no cycles worth finding.

    A run beside another one in this process leaves it alone, so that it comes back between runs.
    """
    if not gc.isenabled() or not _collector.acquire(blocking=False):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        _collector.release()
