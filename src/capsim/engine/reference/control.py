"""The instructions that decide where a job goes on, and when it ends."""

from collections.abc import Callable

from simpy import Environment, Event

from capsim.engine.reference.events import Deadlines
from capsim.engine.reference.instructions import Instruction
from capsim.engine.reference.job import Job, Timer
from capsim.plan.ops import FAILS, Step


class Branch(Instruction):
    """Jump with a probability."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        if self.drawn(job) < self.step.limit:
            job.pc = self.step.jump
        return None


class Repeat(Instruction):
    """Jump back until the drawn count is reached; the next loop goes on from a limit before it."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.repetition += 1
        if job.repetition >= job.row[self.step.column]:
            job.repetition = 0
        elif job.repetition != self.step.count:
            job.pc = self.step.jump
        return None


class Jump(Instruction):
    """Jump always."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.pc = self.step.jump
        return None


class Fail(Instruction):
    """Set the status and leave the normal path."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.fail(self.step.status)
        if self.step.jump != FAILS:
            job.pc = self.step.jump
        return None


class End(Instruction):
    """Release what is held, in reverse order, and answer."""

    def __init__(self, step: Step, answer: Callable[[Job, int], None]) -> None:
        """`answer` records the job: its client still waits, or it never had one."""
        super().__init__(step)
        self.answer = answer

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.finished = True
        for slots in reversed(job.held):
            slots.release(job)
        job.held.clear()
        if job.live or job.background:
            self.answer(job, job.status)
        if job.background and job.session.over:
            job.session.close()  # nobody else would give back what the task has made it own
        return None


class Fork(Instruction):
    """Start a job of another class that nobody waits for."""

    def __init__(
        self,
        step: Step,
        env: Environment,
        door: tuple[int, int],
        start: Callable[[Job], None],
    ) -> None:
        """`door` is where the class begins, normally and on its error path."""
        super().__init__(step)
        self.env = env
        self.door = door
        self.start = start

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        entry, error = self.door
        child = Job(job.session, job.index, self.step.target, self.env._now, job.row, entry, error)
        child.route, child.background, child.live = job.route, True, False
        self.start(child)
        return None


class Deadline(Instruction):
    """Have the job interrupted after a time, unless the deadline is cleared before."""

    def __init__(
        self, step: Step, env: Environment, interrupt: Callable[[Job, int, int], None]
    ) -> None:
        """`interrupt` is given the job, its new status, and where it goes on."""
        super().__init__(step)
        self.interrupt = interrupt
        self.deadlines: Deadlines[Timer] = Deadlines(env, step.limit, _is_set, self._pass)

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.deadline = Timer(job)
        self.deadlines.add(job.deadline)
        return None

    def _pass(self, timer: Timer) -> None:
        self.interrupt(timer.job, self.step.status, timer.job.error)


def _is_set(timer: Timer) -> bool:
    return timer.job.deadline is timer and not timer.job.finished


class Clear(Instruction):
    """Forget the deadline."""

    def __call__(self, job: Job) -> Event | None:
        """Act on a job; return what it has to wait for."""
        job.deadline = None
        return None


class Note(Instruction):
    """Write the time down."""

    def __init__(self, step: Step, env: Environment, times: list[float]) -> None:
        """Bind to the clock and the list of times."""
        super().__init__(step)
        self.env = env
        self.times = times

    def __call__(self, job: Job) -> Event | None:  # noqa: ARG002 (whoever it is)
        """Act on a job; return what it has to wait for."""
        self.times.append(self.env._now)
        return None
