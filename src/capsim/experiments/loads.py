"""Levels of load: numbers of users, or arrival rates, and how each is simulated."""

import math
from dataclasses import dataclass

from capsim.errors import InputError
from capsim.experiments.demands import Demands, demands
from capsim.experiments.open_load import at_rate, most_rate, peak_rate
from capsim.experiments.search import Scale
from capsim.experiments.targets import Targets
from capsim.experiments.trials import Trial
from capsim.metrics.look import ramp_s
from capsim.model.model import Model
from capsim.model.workload import Scenario

MOST_USERS = 100_000  # that are tried where nobody says how many
_TIMES_CAPACITY = 10.0  # the same for arrival rates, of what theory says is carried at most
_RAMP = 0.5  # of a load test: later, the users who came last have hardly been there
_FEWEST_REQUESTS = 10.0  # in a load test, so that there is something to judge
_WITHOUT_THEORY = 100.0  # requests per second to begin with, where nothing limits

_ANSWERS = 4000  # in a quick look
_SHORTEST = 5.0  # times the longest response time that a target allows
_LONGEST_S = 30.0
_CROWDED = 1.2  # of what theory says is carried at most: beyond it any look shows the queue grow


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is varied in a scenario."""

    scenario: str
    is_rate: bool = False  # arrivals per second; otherwise closed users

    @property
    def unit(self) -> str:
        """What a level counts."""
        return "requests/s" if self.is_rate else "users"

    def users(self, level: float) -> int:
        """Return the closed users of a level; with arrivals alone there are none."""
        return 0 if self.is_rate else round(level)

    def trial(
        self,
        model: Model,
        level: float,
        *,
        look_s: float | None = None,
        seed: int = 1,
        replication: int = 0,
    ) -> Trial:
        """Return what to simulate at a level.

        Args:
            model: the system.
            level: of load.
            look_s: only this much after the ramp; none: the whole load test.
            seed: names the luck, which is the same at every level.
            replication: another number gives independent luck.

        Raises:
            InputError: so many users never come, or so many arrivals cannot be simulated.
        """
        self._check(model, level)
        users: int | None = round(level)
        if self.is_rate:
            spec = at_rate(model, self.scenario, level)
            scenarios = {**model.scenarios, self.scenario: spec}
            model, users = model.model_copy(update={"scenarios": scenarios}), None
            # A look at the whole of it: requests that queue beyond its end count by their ages.
            whole_s = math.nextafter(spec.duration_s - ramp_s(spec), 0.0)
            look_s = whole_s if look_s is None else min(look_s, whole_s)
        return Trial(
            model=model,
            scenario=self.scenario,
            users=users,
            steady_s=look_s,
            seed=seed,
            replication=replication,
        )

    def look_s(self, model: Model, level: float, targets: Targets) -> float | None:
        """Return how long a quick look at a level lasts; none: only the whole will do."""
        spec = model.scenario(self.scenario)
        if spec.stages or (self.is_rate and spec.arrivals):
            return None
        known = demands(model, self.scenario)
        if self.is_rate and level < _CROWDED * known.capacity_rps < math.inf:
            return _LONGEST_S  # near saturation queues take their time to grow
        rps = level if self.is_rate else float(known.bounds(level)[0])
        shortest_s = min(_LONGEST_S, _SHORTEST * (allowed_s(targets) or 1.0))
        return min(max(_ANSWERS / rps, shortest_s), _LONGEST_S)

    def start(self, model: Model, targets: Targets) -> float:
        """Return the level to begin a search at.

        It is the knee of the asymptotic bounds (Denning & Buzen 1978), where the line of light load
        meets the throughput that nothing exceeds: capacity times the cycle of a user. Where a
        target allows a longer response time, half of that is part of the cycle.
        """
        known = self._demands(model)
        spec = model.scenario(self.scenario)
        if known is None:
            return peak_rate(spec)
        carried = known.capacity_rps if known.capacity_rps < math.inf else _WITHOUT_THEORY
        if self.is_rate:  # the knee of an open system
            return carried
        cycle_s = known.think_s + max(known.alone_s, (allowed_s(targets) or 0.0) / 2)
        return max(1.0, carried * cycle_s / known.active_share)

    def scale(self, model: Model, most: float | None) -> Scale:
        """Return the levels that may be tried; `most`: the highest; none: chosen here."""
        spec = model.scenario(self.scenario)
        if not self.is_rate:
            highest = most or _users_at_most(spec)
            self._check(model, highest)
            return Scale(lowest=1.0, highest=float(highest), whole=True)
        known = self._demands(model)
        carried = peak_rate(spec) if known is None else known.capacity_rps
        limit = _TIMES_CAPACITY * (carried if carried < math.inf else _WITHOUT_THEORY)
        lowest = _FEWEST_REQUESTS / spec.duration_s
        highest = max(min(most or limit, most_rate(spec)), lowest)
        return Scale(lowest=lowest, highest=highest, whole=False)

    def _check(self, model: Model, level: float) -> None:
        """Make sure that so many users come before the load test is over.

        Raises:
            InputError: they do not: what is measured would be the ramp of fewer.
        """
        spec = model.scenario(self.scenario)
        if self.is_rate or spec.stages or spec.spawn_rate is None:
            return
        come = math.floor(spec.spawn_rate * spec.duration_s)
        if level > come:
            raise InputError(
                f"{level:.0f} users: only {come} come in the {spec.duration_s:g} s of "
                f"scenarios.{self.scenario} at {spec.spawn_rate:g} a second; ask for fewer, or set "
                f"scenarios.{self.scenario}.duration_s or spawn_rate"
            )

    def _demands(self, model: Model) -> Demands | None:
        """Return what theory knows: with open arrivals only, nothing.

        Raises:
            InputError: numbers of users are asked for where there are none.
        """
        if model.scenario(self.scenario).peak_users:
            return demands(model, self.scenario)
        if self.is_rate:
            return None
        raise InputError(
            f"scenario {self.scenario!r} has open arrivals only; ask for a rate (--rate), or "
            "choose one with users"
        )


def allowed_s(targets: Targets) -> float | None:
    """Return the longest response time that the targets allow; none: they are about none."""
    times = [p.value for p in targets.parts if p.metric.endswith("_s") and not p.is_floor]
    return max(times, default=None)


def _users_at_most(spec: Scenario) -> float:
    """Return how many users a load test can hold: they have all come by its middle."""
    if spec.spawn_rate is None:
        return MOST_USERS
    held = round(spec.spawn_rate * spec.duration_s * _RAMP)
    return max(min(MOST_USERS, held), spec.peak_users)
