"""Load tests at an arrival rate: requests come whatever the system does."""

import numpy as np

from capsim.errors import InputError
from capsim.experiments.demands import demands
from capsim.model.model import Model
from capsim.model.workload import Arrivals, RateStage, Scenario

MOST_ARRIVALS = 2_000_000  # each is simulated
_NAME = "arrivals"  # of those that stand for users


def peak_rate(scenario: Scenario) -> float:
    """Return the highest arrival rate of a scenario at any time, in requests per second."""
    begins = {0.0}
    for arrivals in scenario.arrivals.values():
        begins.update(np.cumsum([stage.duration_s for stage in arrivals.stages]).tolist())
    return max(sum(_rate_at(a, time) for a in scenario.arrivals.values()) for time in begins)


def _rate_at(arrivals: Arrivals, time_s: float) -> float:
    ends = np.cumsum([stage.duration_s for stage in arrivals.stages])
    number = int(np.searchsorted(ends, time_s, side="right"))
    return arrivals.stages[number].rate if number < len(arrivals.stages) else 0.0


def at_rate(model: Model, scenario: str, rate: float) -> Scenario:
    """Return a scenario with an arrival rate.

    Arrivals of its own are scaled, so that their highest rate is this one. Users are replaced by
    Poisson arrivals of the same mix of requests, for as long.

    Args:
        model: the system, which decides how often users of each class ask.
        scenario: of the model.
        rate: requests per second.

    Raises:
        InputError: its arrivals have no rate at all, or are too many to be simulated.
    """
    spec = model.scenario(scenario)
    if spec.arrivals:
        sources = dict(spec.arrivals)
    else:
        stage = RateStage(duration_s=spec.duration_s, rate=1.0)
        sources = {_NAME: Arrivals(stages=(stage,), tasks=request_mix(model, scenario))}
        users: dict[str, object] = {
            "users": 0,
            "spawn_rate": None,
            "stages": (),
            "user_classes": {},
        }
        spec = spec.model_copy(update=users)
    peak = peak_rate(spec.model_copy(update={"arrivals": sources}))
    if not peak:
        raise InputError(f"scenario {scenario!r}: its arrivals have no rate; give them one")
    if rate > most_rate(spec):
        raise InputError(
            f"{rate:g} requests/s for {spec.duration_s:g} s: more than {MOST_ARRIVALS} arrivals "
            f"cannot be simulated; ask for {most_rate(spec):.0f} at most"
        )
    scaled = {name: _scaled(each, rate / peak) for name, each in sources.items()}
    return spec.model_copy(update={"arrivals": scaled})


def most_rate(spec: Scenario) -> float:
    """Return the highest arrival rate that a load test can be simulated at all the way."""
    return MOST_ARRIVALS / spec.duration_s


def _scaled(arrivals: Arrivals, factor: float) -> Arrivals:
    stages = [{"duration_s": s.duration_s, "rate": s.rate * factor} for s in arrivals.stages]
    return Arrivals.model_validate({**arrivals.model_dump(), "stages": stages})


def request_mix(model: Model, scenario: str) -> dict[str, float]:
    """Return the share of each request class among what the users of a scenario ask for.

    User classes are mixed in the proportions in which they ask while the system is idle.
    """
    active = [user for user in model.scenario(scenario).user_classes.values() if user.tasks]
    mix: dict[str, float] = {}
    for user, (share, _) in zip(active, demands(model, scenario).classes, strict=True):
        total = sum(user.tasks.values())
        for name, weight in user.tasks.items():
            mix[name] = mix.get(name, 0.0) + share * weight / total
    return mix
