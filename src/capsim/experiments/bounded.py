"""What bounds say of a system: the result of `capsim.experiments.bounds`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from capsim.calibration.scalability import UslFit
from capsim.experiments.bottleneck import shares
from capsim.experiments.closed_systems import ClosedSystem
from capsim.experiments.envelopes import Envelope
from capsim.experiments.readings import Reading
from capsim.experiments.visits import Visits
from capsim.metrics.intervals import Interval, interval


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
