"""The search for the capacity of one draw of the parameters, and for what surrounds it."""

from dataclasses import dataclass, field

from capsim.experiments.bottleneck import limiting_resource
from capsim.experiments.draw_capacity import DrawCapacity, Tried
from capsim.experiments.hysteresis import Return, after_burst
from capsim.experiments.left_behind import falls_behind
from capsim.experiments.loads import Load
from capsim.experiments.migration import next_limit
from capsim.experiments.search import WIDTH, Ending, Found, Scale, Search
from capsim.experiments.targets import Targets
from capsim.experiments.trials import Outcome, run_trial
from capsim.model.model import Model
from capsim.provenance import fingerprint

_BELOW, _ABOVE = (0.5, 0.8), (1.25, 2.0, 4.0)  # times the capacity: is it the only crossing?
_NEAR = 1.1  # ratio: a level as near as this has been tried
_STEP = 1 + WIDTH  # ratio of the first step away from what the quick looks found


@dataclass(frozen=True, kw_only=True)
class DrawTask:
    """What to search, with which luck."""

    model: Model
    load: Load
    targets: Targets
    scale: Scale
    factor: float  # on response times: the model's error
    seed: int
    replication: int
    has_burst: bool  # whether to try a burst, too

    @property
    def name(self) -> str:
        """What the search is called in a journal: equal ones alike, others otherwise."""
        return fingerprint({**vars(self), "model": self.model.model_dump(mode="json")})


def search_draw(task: DrawTask) -> DrawCapacity:
    """Find the capacity of a draw, and look around it.

    Quick looks find the place; whole load tests alone decide on the capacity, and on whatever would
    make the answer not monotone.
    """
    draw = _Draw(task=task)
    search = Search(judge=draw.whole, scale=task.scale)
    found = search.largest(*draw.place())
    if found.ending in {Ending.FOUND, Ending.MORE}:
        draw.look_around(found)
    return draw.result(found)


@dataclass(kw_only=True)
class _Draw:
    """The simulations of one draw, each made once."""

    task: DrawTask
    outcomes: dict[float, Outcome] = field(default_factory=dict)  # of whole load tests
    looks: dict[float, Tried] = field(default_factory=dict)

    def whole(self, level: float) -> Tried:
        if level not in self.outcomes:
            self.outcomes[level] = self._simulated(level, None)
        return self._tried(level, self.outcomes[level], is_look=False)

    def quick(self, level: float) -> Tried:
        """Judge a level by a part of its load test, where a part may speak for it."""
        look_s = self.task.load.look_s(self.task.model, level, self.task.targets)
        if look_s is None:
            return self.whole(level)
        if level not in self.looks:
            self.looks[level] = self._tried(level, self._simulated(level, look_s), is_look=True)
        return self.looks[level]

    def place(self) -> tuple[float, float]:
        """Return where whole load tests should begin to search, and with which step."""
        start = self.task.load.start(self.task.model, self.task.targets)
        found = Search(judge=self.quick, scale=self.task.scale).largest(start)
        if found.ending in {Ending.FOUND, Ending.MORE}:
            # A queue that grows slowly is not seen by a look.
            is_grown = self.task.load.is_rate and found.ending == Ending.FOUND
            return (min(found.level, start) if is_grown else found.level), _STEP
        return (found.beyond, _STEP) if found.ending == Ending.LESS else (start, 2.0)

    def look_around(self, found: Found) -> None:
        """Try levels on both sides; what contradicts the capacity found is simulated whole."""
        beyond = found.level if found.ending == Ending.MORE else found.beyond
        for factor in _BELOW:
            self._check(found.level * factor, expected=True)
        for factor in _ABOVE if found.level < self.task.scale.highest else ():
            self._check(beyond * factor, expected=False)
        missed = [n for n, t in self.looks.items() if n < found.level and not t.is_met]
        met = [n for n, t in self.looks.items() if n > found.beyond and t.is_met]
        for level in sorted({*missed, *met}):
            self._check(level, expected=level < found.level)

    def _check(self, value: float, *, expected: bool) -> None:
        level = self.task.scale.level(value)
        if any(1 / _NEAR < level / known < _NEAR for known in self.outcomes):
            return
        seen = self.quick(level)
        if seen.is_met != expected and not seen.lacks_load:
            self.whole(level)

    def result(self, found: Found) -> DrawCapacity:
        task = self.task
        ending, level, beyond = found.ending, found.level, found.beyond
        is_found = ending == Ending.FOUND
        return DrawCapacity(
            ending=ending,
            level=level,
            beyond=beyond,
            tried=tuple(self._all()),
            limit=self._limit(level),
            limit_beyond=self._limit(beyond),
            next_limit=self._next_limit(beyond if beyond in self.outcomes else level),
            behind=self._behind(level),
            after_burst=self._after_burst(level) if is_found and task.has_burst else None,
        )

    def _all(self) -> list[Tried]:
        """Return what speaks for each level: the whole load test where there is one."""
        known = {**self.looks, **{level: self.whole(level) for level in self.outcomes}}
        return [known[level] for level in sorted(known)]

    def _limit(self, level: float) -> str | None:
        return limiting_resource(self.outcomes[level].usages) if level in self.outcomes else None

    def _behind(self, level: float) -> tuple[str, ...]:
        tasks = self.outcomes[level].tasks if level in self.outcomes else ()
        return tuple(task.name for task in tasks if falls_behind(task))

    def _next_limit(self, level: float) -> str | None:
        if level not in self.outcomes:
            return None
        task = self.task
        return next_limit(task.model, task.load.scenario, self.outcomes[level])

    def _after_burst(self, capacity: float) -> Return:
        task = self.task
        return after_burst(
            task.model,
            task.load,
            task.targets,
            capacity,
            factor=task.factor,
            seed=task.seed,
            replication=task.replication,
        )

    def _simulated(self, level: float, look_s: float | None) -> Outcome:
        task = self.task
        trial = task.load.trial(
            task.model, level, look_s=look_s, seed=task.seed, replication=task.replication
        )
        return run_trial(trial).with_discrepancy(task.factor, task.load.users(level))

    def _tried(self, level: float, outcome: Outcome, *, is_look: bool) -> Tried:
        targets = self.task.targets
        return Tried(
            level=level,
            is_met=targets.are_met(outcome.metrics),
            lacks_load=targets.lack_load(outcome.metrics),
            margin=targets.margin(outcome.metrics),
            metrics=dict(outcome.metrics),
            thin=tuple(name for name in outcome.thin if name in targets.metrics),
            is_look=is_look,
        )
