"""Does a system come back after a burst? A load test that goes up, down again, and stays there."""

from enum import StrEnum

from capsim.experiments.loads import Load, allowed_s
from capsim.experiments.open_load import at_rate
from capsim.experiments.targets import Targets
from capsim.experiments.trials import Outcome
from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from capsim.model.workload import RateStage, Scenario, Stage

BELOW = 0.9  # of the capacity: what is carried before the burst and after it
BURST = 2.0  # times the capacity

# Parts of the load test. Arrivals at twice what is carried leave a queue that is as long as the
# burst brought; a tenth of the capacity is left to work it off, so that takes ten times as long.
_BEFORE, _DURING, _JUDGED = 0.05, 0.05, 0.25
_SHORTEST_S = 60.0
_ALLOWED = 60.0  # times the longest response time that a target allows
_PATIENCES = 200.0  # times a client's timeout: a burst of ten, since retries need time to pile up


class Return(StrEnum):
    """What became of a system after a burst."""

    BACK = "back"  # within the targets again
    STUCK = "stuck"  # not, though it is without the burst
    UNCLEAR = "unclear"  # not, with the burst or without


def after_burst(  # noqa: PLR0913 (what a draw needs)
    model: Model,
    load: Load,
    targets: Targets,
    capacity: float,
    *,
    factor: float,
    seed: int,
    replication: int,
) -> Return:
    """Say whether a system at 90 % of its capacity meets the targets again after a burst.

    The last quarter of the load test is judged. Where it does not, the same load test without the
    burst says whether the burst is why.

    Args:
        model: the system.
        load: what is varied.
        targets: to meet.
        capacity: level of load at which they are just met.
        factor: on response times, the model's error.
        seed: names the luck.
        replication: another number gives independent luck.
    """

    def is_met(peak: float) -> bool:
        spec = _shaped(model, load, targets, _below(load, capacity), peak)
        run = simulate(model, scenario=spec, seed=seed, replication=replication)
        begin_s = (1 - _JUDGED) * spec.duration_s
        outcome = _late(run, begin_s).with_discrepancy(factor, load.users(_below(load, capacity)))
        return targets.are_met(outcome.metrics)

    if is_met(BURST * capacity):
        return Return.BACK
    return Return.STUCK if is_met(_below(load, capacity)) else Return.UNCLEAR


def _below(load: Load, capacity: float) -> float:
    level = BELOW * capacity
    return level if load.is_rate else max(1.0, round(level))


def _late(run: Run, begin_s: float) -> Outcome:
    summary = run.summary(begin_s=begin_s, ages_count=True)
    return Outcome(
        metrics=summary.metrics(), failures=summary.failures, usages=(), thin=summary.thin
    )


def _shaped(model: Model, load: Load, targets: Targets, level: float, peak: float) -> Scenario:
    """Return the load test: a level, a burst, and the level again."""
    whole = model.scenario(load.scenario)
    total_s = _length_s(whole, targets)
    if load.is_rate:
        return _with_rates(at_rate(model, load.scenario, level), peak / level, total_s)
    stages = [
        Stage(duration_s=share * total_s, users=round(users), spawn_rate=max(1.0, users))
        for share, users in _parts(level, peak)
    ]
    update = {"users": 0, "spawn_rate": None, "stages": tuple(stages), "duration_s": total_s}
    return whole.model_copy(update=update)


def _length_s(whole: Scenario, targets: Targets) -> float:
    """Return how long the load test lasts: at most as long as the scenario's own."""
    lengths = (
        _SHORTEST_S,
        _ALLOWED * (allowed_s(targets) or 0.0),
        _PATIENCES * (whole.client.timeout_s or 0.0),
    )
    return min(whole.duration_s, max(lengths))


def _with_rates(spec: Scenario, burst: float, total_s: float) -> Scenario:
    arrivals = {}
    for name, source in spec.arrivals.items():
        rate = max(stage.rate for stage in source.stages)
        stages = tuple(
            RateStage(duration_s=share * total_s, rate=each)
            for share, each in _parts(rate, rate * burst)
        )
        arrivals[name] = source.model_copy(update={"stages": stages})
    return spec.model_copy(update={"arrivals": arrivals, "duration_s": total_s})


def _parts(level: float, peak: float) -> tuple[tuple[float, float], ...]:
    """Return (share of the load test, level) of each part."""
    return (_BEFORE, level), (_DURING, peak), (1 - _BEFORE - _DURING, level)
