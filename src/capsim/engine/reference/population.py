"""Users and arrivals: each sends a request, lives through the answer or gives up, and goes on."""

from bisect import bisect_right
from collections.abc import Generator, Sequence

from simpy import Environment, Event

from capsim.engine.reference.events import Deadlines, wake
from capsim.engine.reference.instructions import Instruction
from capsim.engine.reference.job import Job, Session
from capsim.engine.reference.recorder import Recorder
from capsim.engine.reference.retrying import Retrying
from capsim.errors import RunError
from capsim.plan.draws import DrawTable, Row
from capsim.plan.ops import CONNECTION_LOST, NO_COLUMN
from capsim.plan.plan import INFINITE, Source

_MOST_REQUESTS_AT_ONE_TIME = 10_000  # of one user; more means that no time passes

Life = Generator[Event, None, None]


class Population:
    """All users, or all arrivals, of one source."""

    def __init__(  # noqa: PLR0913 (wired up once, by the engine)
        self,
        env: Environment,
        number: int,
        source: Source,
        draws: DrawTable,
        code: Sequence[Instruction],
        doors: Sequence[tuple[int, int]],
        recorder: Recorder,
    ) -> None:
        """Wire up; `doors` are the first steps (normal, error) of each request class."""
        self._env = env
        self._number = number
        self._source = source
        self._draws = draws
        self._code = code
        self._doors = doors
        self._recorder = recorder
        self._retrying = None if source.retries is None else Retrying(source.retries)
        self._patience: Deadlines[Job] | None = None
        if source.client_timeout_s < INFINITE:
            self._patience = Deadlines(env, source.client_timeout_s, _is_live, self._give_up)

    def begin(self) -> None:
        """Start every user, or the stream of arrivals."""
        if self._source.open:
            self._env.process(self._arrive())
        else:
            for user in range(len(self._source.starts)):
                start_s = float(self._source.starts[user])
                self._env.process(self._live(Session(self._number, user), 0, start_s))

    def _arrive(self) -> Life:
        for index, time_s in enumerate(self._source.starts.tolist()):
            ahead = time_s - self._env.now
            if ahead > 0.0:
                yield self._env.timeout(ahead)
            self._env.process(self._visit(index))

    def _visit(self, index: int, before: Job | None = None) -> Life:
        """Live through one arrival, a user that comes once, or through another attempt of it."""
        while True:
            if before is not None and before.retry_in_s is not None:
                yield self._env.timeout(before.retry_in_s)
            session = Session(self._number, 0)
            block, number = divmod(index, self._draws.requests_of(0))
            job = self._send(session, index, self._draws.rows(0, block)[number], before)
            yield from through(job, self._code)
            session.end()
            if job.abandoned or job.retry_in_s is None:
                return
            before = job

    def _live(
        self, session: Session, index: int, ahead_s: float, before: Job | None = None
    ) -> Life:
        """Send requests from number `index` on, in `ahead_s`, until stopping or giving up.

        With `before`, the first of them is another attempt of that request.

        One generator for all of it: each level of `yield from` would be passed at every event.
        """
        env, code, pacing = self._env, self._code, self._source.pacing
        draws, think = self._draws, self._source.think_column
        per_block = draws.requests_of(session.user)
        rows = draws.rows(session.user, index // per_block)
        stop_s = session.stop_s = float(self._source.stops[session.user])
        stalled = 0
        if ahead_s > 0.0:
            yield env.timeout(ahead_s)
        while env._now < stop_s:
            row = rows[index % per_block]
            job = self._send(session, index, row, before)
            while not job.finished:  # `through`, written out: it is the innermost loop
                pc = job.pc
                job.pc = pc + 1
                event = code[pc](job)
                if event is not None:
                    job.waiting = event
                    yield event
            if job.abandoned:
                break  # the server is done with a zombie; its user went on elsewhere
            session.idle_since = env._now
            if job.status and job.status in CONNECTION_LOST:
                session.close()
            before = None
            if job.retry_in_s is not None:
                before = job
                yield env.timeout(job.retry_in_s)
                continue
            index += 1
            if index % per_block == 0:
                rows = draws.rows(session.user, index // per_block)
            think_s = self._think_s(row, job.asked) if pacing else row[think]
            stalled = 0 if think_s > 0.0 or env._now > job.start else stalled + 1
            self._check_clock(stalled)
            leaving = think_s >= stop_s - env._now
            yield env.timeout(max(0.0, stop_s - env._now) if leaving else think_s)
            if leaving:
                break
        session.end()

    def _check_clock(self, stalled: int) -> None:
        if stalled > _MOST_REQUESTS_AT_ONE_TIME:
            raise RunError(
                f"{self._source.name}: requests and thinking take no time, so the clock stands "
                "still; give the users a think time or the requests a demand"
            )

    def _send(self, session: Session, index: int, row: Row, before: Job | None) -> Job:
        source = self._source
        choice = 0
        if source.class_column != NO_COLUMN:
            choice = bisect_right(source.cumulative, row[source.class_column])
        request_class = source.classes[choice]
        entry, error = self._doors[request_class]
        job = Job(session, index, request_class, self._env._now, row, entry, error)
        if self._retrying is not None:
            job.retrying = self._retrying
            self._retrying.begin(job, before)
            if before is not None:
                job.row = self._draws.row_again(session.user, index, job.attempt)
        self._recorder.issue(job)
        if self._patience is not None:
            self._patience.add(job)
        return job

    def _give_up(self, job: Job) -> None:
        """Let the client of a job stop waiting; a closed user goes on with a new connection."""
        self._recorder.answer(job, self._source.timeout_status)
        job.forsake()
        if job.client_delay is not None and not job.client_delay.triggered:
            job.pc = len(self._code) - 1  # its end: a client that goes sends no SYN any more
            wake(job.client_delay)
        again = job.retry_in_s is not None
        if self._source.open:
            if again:
                self._env.process(self._visit(job.index, job))
            return
        session = Session(self._number, job.session.user)
        if again:
            life = self._live(session, job.index, job.retry_in_s or 0.0, job)
        else:
            life = self._live(session, job.index + 1, self._think_s(job.row, job.asked))
        self._env.process(life)

    def _think_s(self, row: Row, started_at: float) -> float:
        drawn: float = row[self._source.think_column]
        return max(0.0, started_at + drawn - self._env._now) if self._source.pacing else drawn


def through(job: Job, code: Sequence[Instruction]) -> Life:
    """Take a job through the step table to its end."""
    while not job.finished:
        pc = job.pc
        job.pc = pc + 1
        event = code[pc](job)
        if event is not None:
            job.waiting = event
            yield event


def _is_live(job: Job) -> bool:
    return job.live
