"""Bounds without simulation: of a model over its draws, of measured data, of a given network."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capsim.calibration.scalability import UslFit
from capsim.experiments import readings as reading
from capsim.experiments.beliefs import Belief
from capsim.experiments.bottleneck import shares
from capsim.experiments.closed_systems import ClosedSystem, of_model, of_single_queue
from capsim.experiments.curve import levels as geometric
from capsim.experiments.envelopes import Envelope, envelope
from capsim.experiments.readings import Reading
from capsim.experiments.slowdowns import left_out, unbounded
from capsim.experiments.visits import Visits, visits
from capsim.loadtest.observations import Dataset
from capsim.metrics.intervals import Interval, interval
from capsim.model.model import Model

DRAWS = 60
ROWS = 10  # of the table
_POINTS = 48  # of a curve
_TIMES_KNEE = 3  # the numbers of users shown, where nobody says which
_FEWEST, _MOST = 10, 1_000_000  # the same


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What a request needs of one resource, over the systems."""

    name: str
    kind: str  # `work`, `delay`, or `held`: a slot, which limits and adds nothing
    seconds: Interval
    servers: Interval
    capacity_rps: Interval


@dataclass(frozen=True, kw_only=True, eq=False)
class Levels:
    """What holds at several numbers of users.

    Attributes:
        envelope: bounds and mean values, at enough numbers of users for a curve.
        shown: those of them that tables have.
        visits: of stations and user classes; empty unless one number of users was asked for.
    """

    envelope: Envelope
    shown: tuple[int, ...]
    visits: Visits

    @property
    def rows(self) -> tuple[tuple[int, Mapping[str, Interval]], ...]:
        """Every metric that is known anywhere, at the numbers of users shown."""
        known = self.envelope
        columns = {name: known.intervals(name) for name in known.values if known.has(name)}
        places = {int(users): place for place, users in enumerate(known.users)}
        return tuple(
            (users, {name: column[places[users]] for name, column in columns.items()})
            for users in self.shown
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounds:
    """What bounds a system, and what mean value analysis says of it.

    Attributes:
        kind: `model`, `data` or `network`.
        name: of the model, the dataset or the network.
        scenario: of a model; none: it is no model.
        systems: one per draw, per load test, or just one; none: no think time is known.
        levels: what holds over users; none: there is no system, and `no_curve` says why.
        leaves_out: in words, what the system has and a network of queues has not.
        no_floor: in words, why there is no bound from below; empty: there is one.
        readings: of load tests under this workload.
        contradicted: load tests that cannot be of one queue: it would carry less than another one
            measured.
        usl: the scalability law fitted to them; none: `usl_note` says why.
        usl_note: what to know of the fit.
        no_curve: in words, why there are no bounds over users; empty: there are.
    """

    kind: str
    name: str
    scenario: str | None
    systems: tuple[ClosedSystem, ...]
    levels: Levels | None
    leaves_out: tuple[str, ...] = ()
    no_floor: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    contradicted: tuple[str, ...] = ()
    usl: UslFit | None = None
    usl_note: str = ""
    no_curve: str = ""

    @property
    def knee(self) -> Interval:
        """Users N* at which the optimistic asymptotes cross."""
        return interval([system.knee for system in self.systems])

    @property
    def alone_s(self) -> Interval:
        """Mean response time of a request that waits for nothing."""
        return interval([system.demands.alone_s for system in self.systems])

    @property
    def think_s(self) -> Interval:
        """Mean think time."""
        return interval([system.demands.think_s for system in self.systems])

    @property
    def capacity_rps(self) -> Interval:
        """Requests per second that no number of users exceeds, in the mix of an idle system."""
        return interval([system.demands.capacity_rps for system in self.systems])

    @property
    def has_classes(self) -> bool:
        """Whether users differ: under load, the mix of their requests then changes."""
        return any(len(system.demands.classes) > 1 for system in self.systems)

    @property
    def bottlenecks(self) -> Mapping[str, float]:
        """In which share of the systems each resource limits, the most frequent first."""
        return shares([system.demands.bottleneck for system in self.systems])

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What a request needs of each resource, those that only limit last."""
        found = []
        for field in ("stations", "slots"):
            each = [getattr(system.demands, field) for system in self.systems]
            for name in dict.fromkeys(demand.resource for row in each for demand in row):
                rows = [demand for row in each for demand in row if demand.resource == name]
                is_delay = all(math.isinf(demand.servers) for demand in rows)
                kind = "held" if field == "slots" else "delay" if is_delay else "work"
                found.append(
                    Resource(
                        name=name,
                        kind=kind,
                        seconds=interval([demand.seconds for demand in rows]),
                        servers=interval([demand.servers for demand in rows]),
                        capacity_rps=interval([demand.capacity_rps for demand in rows]),
                    )
                )
        return tuple(found)


def bounds(
    belief: Belief,
    users: tuple[int, int] | None = None,
    *,
    scenario: str | None = None,
    dataset: Dataset | None = None,
    draws: int = DRAWS,
) -> Bounds:
    """Return the bounds of a model's scenario, with intervals over the draws.

    Args:
        belief: the model and its posterior.
        users: the fewest and the most; none: from 1 to beyond the knee and the scenario's own.
        scenario: whose workload; none: the model's default.
        dataset: load tests; those of the same workload are held against the bounds.
        draws: parameter draws.

    Raises:
        InputError: the scenario is unknown, or has no closed users.
    """
    central = belief.central()
    name = central.scenario_name(scenario)
    spec = central.scenario(name)
    systems = tuple(of_model(model, name) for model in belief.models(draws))
    found = () if dataset is None else _of_same_workload(dataset, central, name)
    usl, note = reading.fitted(found)
    return Bounds(
        kind="model",
        name=central.name,
        scenario=name,
        systems=systems,
        levels=_over(systems, users or _ends(systems, spec.peak_users), found),
        leaves_out=tuple(dict.fromkeys(left_out(central, spec))),
        no_floor=tuple(dict.fromkeys(unbounded(central, spec))),
        readings=found,
        usl=usl,
        usl_note=note,
    )


def bounds_of_data(
    dataset: Dataset,
    users: tuple[int, int] | None = None,
    *,
    think_s: float | None = None,
    load_tests: Sequence[str] = (),
) -> Bounds:
    """Return what load tests say by themselves, each read as one queue.

    A queue that would carry less than another load test measured is none, and is left out.

    Args:
        dataset: the load tests; held-out ones are shown and used for nothing.
        users: the fewest and the most; none: from 1 to beyond the knee and the load tests.
        think_s: mean think time; none: that of each load test, if it is known.
        load_tests: names of those to read; none: all.

    Raises:
        InputError: an unknown name, or nothing was measured.
    """
    found = reading.readings(dataset, think_s=think_s, only=load_tests)
    differ = reading.different_workloads(dataset, found)
    usl, note = (None, "") if differ else reading.fitted(found)
    used = [] if differ else [r for r in found if not r.held_out]
    carried = max((r.rps for r in used), default=0.0)
    possible = [r for r in used if r.capacity_rps is not None and r.capacity_rps >= carried]
    pairs = [(r.demand_s, r.think_s) for r in possible]
    systems = tuple(of_single_queue(d, z) for d, z in pairs if d is not None and z is not None)
    most = max((r.users for r in found if r.users), default=1.0)
    ends = users or _ends(systems, math.ceil(most))
    return Bounds(
        kind="data",
        name=dataset.name,
        scenario=None,
        systems=systems,
        levels=_over(systems, ends, found) if systems else None,
        readings=found,
        contradicted=tuple(
            dict.fromkeys(r.load_test for r in used if r.demand_s and r not in possible)
        ),
        usl=usl,
        usl_note=note,
        no_curve="" if systems else _why(differ, used),
    )


def _why(differ: str | None, used: Sequence[Reading]) -> str:
    """Say why load tests have no bounds over users."""
    if differ is not None:
        return f"No curve over users: {differ}; choose load tests of one workload by --load-test."
    if not used:
        return "No curve over users: all of the load tests are held out."
    if all(r.demand_s is None for r in used):
        return "No curve over users: no load test has a mean response time (mean_ms)."
    return "No curve over users: the think time is not known; give it by --think SECONDS."


def bounds_of_network(
    system: ClosedSystem, users: tuple[int, int] | None = None, *, name: str = "network"
) -> Bounds:
    """Return the bounds of a network of queues, and its exact mean values.

    Args:
        system: see `of_network`.
        users: the fewest and the most; none: from 1 to beyond the knee.
        name: for headings.
    """
    systems = (system,)
    return Bounds(
        kind="network",
        name=name,
        scenario=None,
        systems=systems,
        levels=_over(systems, users or _ends(systems, 1), ()),
    )


def _over(
    systems: Sequence[ClosedSystem], ends: tuple[int, int], found: Sequence[Reading]
) -> Levels:
    """Return what holds from the fewest to the most users, measured numbers among them."""
    lowest, highest = ends
    is_one = lowest == highest
    shown = (highest,) if is_one else geometric(lowest, highest, ROWS)
    points = {*geometric(1 if is_one else lowest, highest, _POINTS), *shown}
    points |= {round(r.users) for r in found if r.users and lowest <= r.users <= highest}
    known = envelope(systems, sorted(points))
    is_exact = is_one and not known.contradicted[-1]
    return Levels(
        envelope=known,
        shown=shown,
        visits=visits(systems, highest) if is_exact else Visits(),
    )


def _ends(systems: Sequence[ClosedSystem], least: int) -> tuple[int, int]:
    """Return numbers of users among which the knee lies, and those that were measured."""
    knees = np.array([system.knee for system in systems])
    known = knees[np.isfinite(knees)]
    wanted = math.ceil(_TIMES_KNEE * float(np.median(known))) if len(known) else 0
    return 1, min(_MOST, max(wanted, least, _FEWEST))


def _of_same_workload(dataset: Dataset, model: Model, scenario: str) -> tuple[Reading, ...]:
    """Return the readings of load tests whose scenario has the same users as this one."""
    workload = model.scenario(scenario).user_classes
    found = []
    for name, test in dataset.load_tests.items():
        spec = model.scenarios.get(name)
        if spec is not None and spec.user_classes == workload:
            found += list(reading.of_load_test(name, test, None))
    return tuple(found)
