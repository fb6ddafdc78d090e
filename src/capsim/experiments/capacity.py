"""How much load a system carries: the largest level that meets the targets, with a confidence."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from capsim.errors import InputError
from capsim.executors import OnDone, part, run_all
from capsim.experiments import extrapolation
from capsim.experiments.beliefs import Belief
from capsim.experiments.discrepancy import response_factors
from capsim.experiments.draw_capacity import DrawCapacity
from capsim.experiments.draw_search import DrawTask, search_draw
from capsim.experiments.found_capacity import Capacity, at_confidence
from capsim.experiments.kept import about_search
from capsim.experiments.levels_met import Level, met_at
from capsim.experiments.loads import Load, allowed_s
from capsim.experiments.running import run_trials
from capsim.experiments.search import Scale
from capsim.experiments.targets import Targets, default_targets, parse_targets
from capsim.experiments.trials import Trial
from capsim.journal import Journal
from capsim.loadtest.observations import Dataset
from capsim.model.model import Model

# The fewest whose lowest value bounds the capacity at 90 % confidence from below (David &
# Nagaraja, as in `quantile_bounds`).
DRAWS = 29
CONFIDENCE = 0.9
BURST_DRAWS = 6  # in which a burst is tried, too


@dataclass(frozen=True, kw_only=True)
class _Work:
    """How the simulations are done."""

    draws: int
    seed: int
    executor: Executor | None
    on_done: OnDone | None
    journal: Journal | None
    total: int

    def counted(self, before: int) -> OnDone | None:
        """Return the progress of what comes after so many pieces of work."""
        return part(self.on_done, before, self.total)


def capacity(  # noqa: PLR0913 (the public entry; all but one have defaults)
    belief: Belief,
    targets: Targets | str | None = None,
    *,
    scenario: str | None = None,
    confidence: float = CONFIDENCE,
    at: Sequence[float] = (),
    is_rate: bool = False,
    most: float | None = None,
    dataset: Dataset | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    executor: Executor | None = None,
    on_done: OnDone | None = None,
    journal: Journal | None = None,
) -> Capacity:
    """Find the largest number of users, or arrival rate, at which targets are met.

    Each draw of the parameters is searched by itself, with the same luck at every level.

    Args:
        belief: the model and its posterior.
        targets: such as `p95 < 1s and failed < 1%`; none: the model's own.
        scenario: whose workload; none: the model's default.
        confidence: share of the draws in which the targets have to be met.
        at: levels at which the share of the draws that meets the targets is asked for, too.
        is_rate: search an arrival rate, not a number of users.
        most: the highest level to try; none: what the load test can hold.
        dataset: load tests that tell extrapolation from interpolation.
        draws: of the parameters.
        seed: names the luck.
        executor: where simulations run; none: in this process.
        on_done: told of (finished, of how many) pieces of work.
        journal: keeps what is done, and knows what an earlier, stopped command has done.

    Raises:
        InputError: unknown scenario, a target that breaks a rule, a level that cannot be simulated.
        RunError: the clock stands still in the model.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence = {confidence:g}: is no share between 0 and 1; e.g. 0.9")
    central = belief.central()
    load = Load(scenario=scenario or central.default_scenario, is_rate=is_rate)
    wanted = _targets(targets, central, central.scenario(load.scenario).duration_s)
    for level in at:  # before any long work: can it be simulated?
        load.trial(central, level)
    tests = extrapolation.calibration_trials(belief, dataset, seed)
    work = _Work(
        draws=draws,
        seed=seed,
        executor=executor,
        on_done=on_done,
        journal=journal,
        total=draws * (2 + len(at)) + len(tests),
    )
    scale = load.scale(central, most)
    found = _search(belief, load, wanted, scale, work)
    value = at_confidence(found, confidence)
    shown = [value] if 0 < value < math.inf else []
    levels = _levels(belief, load, wanted, [*at, *shown], work)
    confirmed = levels[-1] if shown else None
    return Capacity(
        model=belief.template.name,
        load=load,
        targets=wanted,
        confidence=confidence,
        calibrated=belief.is_calibrated,
        scale=scale,
        draws=tuple(found),
        levels=levels[: len(at)],
        confirmed=confirmed,
        extrapolations=tuple(_doubts(belief, dataset, load, confirmed, tests, work)),
    )


def _targets(asked: Targets | str | None, model: Model, duration_s: float) -> Targets:
    """Return what has to hold; a load test lasts long enough to miss any of it."""
    read = parse_targets(asked) if isinstance(asked, str) else asked
    targets = read or default_targets(model)
    longest_s = allowed_s(targets)
    if longest_s is not None and longest_s >= duration_s:
        raise InputError(
            f"{targets}: the load test lasts {duration_s:g} s, so nobody can wait that long in it; "
            "set a shorter time, or a longer duration_s"
        )
    return targets


def _search(
    belief: Belief, load: Load, targets: Targets, scale: Scale, work: _Work
) -> list[DrawCapacity]:
    """Return the capacity of each draw; what a journal knows is not searched again."""
    factors = response_factors(work.draws, work.seed).tolist()
    tasks = [
        DrawTask(
            model=model,
            load=load,
            targets=targets,
            scale=scale,
            factor=factor,
            seed=work.seed,
            replication=number,
            has_burst=number < BURST_DRAWS,
        )
        for number, (model, factor) in enumerate(
            zip(belief.models(work.draws), factors, strict=True)
        )
    ]
    journal = work.journal or Journal(None, "")
    names = [task.name for task in tasks]
    new = [number for number, name in enumerate(names) if journal.get(name) is None]

    def keep(place: int, found: DrawCapacity) -> None:
        number = new[place]
        about = about_search(tasks[number], found)
        journal.put(names[number], found.to_keep(), kind="searches", about=about)

    run_all(
        search_draw,
        [tasks[number] for number in new],
        executor=work.executor,
        on_result=keep,
        on_done=work.counted(len(tasks) - len(new)),
    )
    return [DrawCapacity.kept(journal.get(name)) for name in names]


def _levels(
    belief: Belief, load: Load, targets: Targets, levels: Sequence[float], work: _Work
) -> tuple[Level, ...]:
    return met_at(
        belief,
        load.scenario,
        targets,
        levels,
        draws=work.draws,
        seed=work.seed,
        is_rate=load.is_rate,
        executor=work.executor,
        on_done=work.counted(work.draws),
        journal=work.journal,
    )


def _doubts(
    belief: Belief,
    dataset: Dataset | None,
    load: Load,
    level: Level | None,
    tests: Sequence[Trial],
    work: _Work,
) -> list[str]:
    """Say what the load tests cannot vouch for at a level; none: there is no such level."""
    if level is None:
        return []
    before = run_trials(tests, work.executor, work.counted(work.total - len(tests)), work.journal)
    influences = extrapolation.influences(belief, belief.draws(work.draws), level.outcomes)
    known = None if load.is_rate else dataset  # which knows numbers of users
    users = load.users(level.level)
    return extrapolation.extrapolations(belief, known, users, level.outcomes, before, influences)
