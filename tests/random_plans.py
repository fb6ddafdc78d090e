"""Plans drawn at random over every primitive: what two engines have to agree on."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from capsim.model.laws import Constant, Exponential, Geometric
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import NO_GATES, Jitter, Order, Owner, Policy, Status
from capsim.plan.plan import (
    INFINITE,
    UNLIMITED,
    Blackout,
    Flush,
    Gauge,
    Loss,
    Outage,
    Plan,
    Resource,
    Retries,
    Station,
)

SLOTS = ("thread", "connection", "lock")


class Dice:
    """Draws the pieces of a plan; on a grid, so that everything ties, or off it."""

    def __init__(self, seed: int) -> None:
        """Begin with a seed; half of them are on a grid."""
        self.random = np.random.default_rng(seed)
        self.grid = seed % 2 == 0

    def one_of(self, values: Sequence[Any]) -> Any:
        """One of some values."""
        return values[int(self.random.integers(len(values)))]

    def chance(self, probability: float) -> bool:
        """Whether something is so."""
        return bool(self.random.random() < probability)

    def time_s(self, mean_s: float) -> float:
        """A time; on a grid of quarters of a second, at times zero."""
        if self.grid:
            return float(self.random.integers(0, 4)) * 0.25
        return float(self.random.exponential(mean_s)) + 1e-3

    def law(self, mean_s: float) -> Any:
        """A law of times."""
        if self.grid or self.chance(0.3):
            return Constant(law="constant", value=self.time_s(mean_s))
        return Exponential(law="exponential", mean=mean_s)


class Writer:
    """Writes one random plan."""

    def __init__(self, seed: int) -> None:
        """Begin with a seed."""
        self.dice = Dice(seed)
        self.seed = seed
        self.builder = PlanBuilder()
        self.luck = self.builder.column("luck", None)
        self.count = self.builder.column("count", Geometric(law="geometric", mean=2.0))
        self.resources: dict[str, tuple[int, int]] = {}
        self.stations: list[tuple[int, int]] = []
        self.owned = -1
        self.gates = NO_GATES
        self.servers = self.dice.one_of([1, 2, 3])
        self.in_loop = False
        self.may_be_down = False
        self.told_apart: set[str] = set()
        # What ends requests from outside: in less than half of all plans, so that the others have
        # the rest of the rules to themselves.
        self.fails = self.dice.chance(0.45)

    def plan(self) -> Plan:
        """Write the resources, the request classes and the sources."""
        dice, builder = self.dice, self.builder
        for name in SLOTS:
            self._resource(name)
        self._lines()
        for _ in range(dice.one_of([1, 2])):
            self._station()
        if self.fails:
            self._failures()
        self.cells = builder.cells([0.0, 1.5])
        task = self._request_class("task", forks=None)
        classes = [self._request_class(f"class {n}", forks=task) for n in range(2)]
        for number in range(dice.one_of([1, 1, 2])):
            self._source(f"source {number}", classes)
        if dice.chance(0.2):
            builder.flush(Flush(time_s=dice.one_of([0.0, 2.0, 5.3]), first=self.cells, count=2))
        return builder.build(horizon_s=dice.one_of([6.0, 10.5, 20.0]), seed=self.seed)

    # What requests need.

    def _resource(self, name: str) -> None:
        dice = self.dice
        order = dice.one_of([Order.FIFO, Order.FIFO, Order.RANDOM, Order.LIFO])
        replicas = self.servers if name == "thread" else 1
        limited = name == "thread" and dice.chance(0.3)
        limited |= self.fails and name == "lock" and dice.chance(0.2)
        herd = name == "lock" and dice.chance(0.5)
        spec = Resource(
            name=name,
            capacity=dice.one_of([1, 2, 3]),
            order=Order.RANDOM if herd else order,
            turn_column=self.luck,
            herd=herd,
            queue_limit=dice.one_of([UNLIMITED, UNLIMITED, 0, 2]),
            wait_limit_s=dice.one_of([INFINITE, 0.25, 0.5, 1.0]) if dice.chance(0.6) else INFINITE,
            check_s=dice.one_of([0.0, 0.0, 0.5]),
            identified=self._is_told_apart(name),
            of_client=name == "connection" and dice.chance(0.2),
            outlives=name == "lock" and dice.chance(0.5),
            hold_limit_s=dice.one_of([0.5, 0.75]) if limited else INFINITE,
            restart_s=dice.one_of([0.0, 0.25, 1.1]),
            **self._uses(name),
        )
        self.resources[name] = self.builder.resource(spec, replicas), replicas
        if spec.identified:
            self.told_apart.add(name)
        if name == "thread":
            self.gates = self.resources[name][0] if dice.chance(0.6) else NO_GATES
        if name == "connection" and dice.chance(0.5):
            self.owned = self.builder.resource(
                Resource(name="kept", capacity=dice.one_of([2, 100]))
            )

    def _is_told_apart(self, name: str) -> bool:
        if name == "thread":
            return self.dice.chance(0.6)
        return name == "lock" and self.fails and self.dice.chance(0.2)

    def _uses(self, name: str) -> dict[str, Any]:
        """How often a slot may be used, at times, and what is lost with it."""
        dice = self.dice
        if not self.fails or not dice.chance(0.6 if name == "thread" else 0.15):
            return {}
        number = self.builder.next_resource
        return {
            "uses": dice.one_of([(1,), (3,), (2, 5, 3)]),
            "whole": dice.chance(0.4),
            "loss": Loss(slots_of=(number,)) if dice.chance(0.5) else Loss(),
        }

    def _lines(self) -> None:
        """Servers of one line, at times: whoever of them is free first takes from it."""
        self.shared = -1
        if self.dice.chance(0.25):
            first = self.builder.next_resource
            for number in range(2):
                self.builder.resource(
                    Resource(
                        name="worker",
                        capacity=self.dice.one_of([1, 2]),
                        shares_line=first,
                        route_base=first if self.servers > 1 and self.dice.chance(0.7) else -1,
                        queue_limit=self.dice.one_of([UNLIMITED, 3]),
                        wait_limit_s=self.dice.one_of([INFINITE, 0.5]) if number == 0 else INFINITE,
                    )
                )
            self.shared = first

    def _station(self) -> None:
        dice, builder = self.dice, self.builder
        sliced = dice.chance(0.5)
        group = builder.group(dice.one_of([1.0, 1.5])) if dice.chance(0.3) else -1
        replicas = dice.one_of([1, self.servers])
        spec = Station(
            name=f"station {len(self.stations)}",
            cores=1.0 if sliced else dice.one_of([1.0, 2.0, 1.5]),
            contention=dice.one_of([0.0, 0.1]),
            coherency=dice.one_of([0.0, 0.01]),
            idle_overhead=dice.one_of([0.0, 0.2]),
            quantum_s=dice.one_of([0.005, 0.25]) if sliced else 0.0,
            turn_column=self.luck if dice.chance(0.7) else -1,
            group=group,
            outlives=(not sliced or self.fails) and dice.chance(0.4),
            speeds=((2.0, 0.5), (4.0, 1.0)) if dice.chance(0.3) else (),
        )
        self.stations.append((builder.station(spec, replicas), replicas))

    # What ends requests from outside.

    def _failures(self) -> None:
        """Outages, stations that are down, and memory that runs out."""
        dice = self.dice
        for _ in range(dice.one_of([0, 0, 1, 1, 2])):
            self._outage()
        for _ in range(dice.one_of([0, 0, 0, 1, 2])):
            self._blackout()
        for number in range(dice.one_of([0, 0, 1, 1, 2])):
            self._gauge(f"memory {number}")

    def _some(self, numbers: Sequence[int]) -> tuple[int, ...]:
        return tuple(number for number in numbers if self.dice.chance(0.5))

    def _threads(self) -> range:
        first, replicas = self.resources["thread"]
        return range(first, first + replicas)

    def _loss(self) -> Loss:
        """What goes with some threads, or with the users of some servers."""
        first = self.dice.one_of([0, 1])
        routes = (first, first + self.dice.one_of([0, 1, 5]))
        return Loss(slots_of=self._some(self._threads()), routes=routes)

    def _when_s(self) -> float:
        return self.dice.one_of([0.0, 1.0, 2.0, 2.25, 4.0]) + (
            0.0 if self.dice.grid else self.dice.time_s(0.3)
        )

    def _outage(self) -> None:
        dice = self.dice
        every = range(self.builder.next_resource)
        anywhere = dice.chance(0.4)
        self.builder.outage(
            Outage(
                time_s=0.0 if dice.chance(0.1) else self._when_s(),
                resource=dice.one_of(every if anywhere else self._threads()),
                duration_s=dice.time_s(1.0),
                kill=dice.chance(0.4),
                drains=dice.chance(0.5),
                refuses=dice.chance(0.5),
                inside=self._some(every) if dice.chance(0.4) else (),
                loss=self._loss() if dice.chance(0.5) else Loss(),
            )
        )

    def _blackout(self) -> None:
        dice = self.dice
        station, replicas = dice.one_of(self.stations)
        self.may_be_down = True
        locks = [self.resources[name][0] for name in ("lock", "connection")]
        self.builder.blackout(
            Blackout(
                time_s=0.0 if dice.chance(0.1) else self._when_s(),
                duration_s=dice.time_s(1.0),
                station=station + dice.one_of(range(replicas)),
                status=dice.one_of([Status.DATABASE_LOST, 503]),
                lines=self._some(locks),
            )
        )

    def _gauge(self, name: str) -> None:
        """A level that a few slots in use lift above its limit."""
        dice = self.dice
        weighing = self._some(range(self.builder.next_resource)) or tuple(self._threads())
        among = dice.one_of([tuple(self._threads()), (self.resources["lock"][0],)])
        self.builder.gauge(
            Gauge(
                name=name,
                limit=dice.one_of([1.0, 2.0, 3.5]),
                weights=tuple((n, dice.one_of([0.5, 1.0, 0.3])) for n in weighing),
                victims=self._some(among) or among,
                restart_s=dice.time_s(0.5),
                whole=dice.chance(0.3),
                loss=self._loss() if dice.chance(0.5) else Loss(),
            )
        )

    # What requests go through.

    def _request_class(self, name: str, forks: int | None) -> int:
        dice, builder = self.dice, self.builder
        self.repeated = [
            builder.column(f"{name} part", dice.law(0.1), count=self.count) for _ in range(2)
        ]
        number = builder.request_class(name)
        if forks is not None and dice.chance(0.6):
            self._route()
        if dice.chance(0.3):
            patience = builder.column(f"{name} hurry", Constant(law="constant", value=0.5))
            self._use("connection", patience=patience)
        for _ in range(dice.one_of([1, 2, 3])):
            self._part(name, forks)
        builder.end()
        if dice.chance(0.6):
            builder.error_path()
            if dice.chance(0.5) and not self.may_be_down:  # it would fail there over and over
                self._work(name)
            if dice.chance(0.5):
                builder.release(self.resources["connection"][0])
            builder.end()
        return number

    def _route(self) -> None:
        policy = self.dice.one_of(list(Policy))
        if self.gates == NO_GATES and policy in {Policy.LEAST, Policy.TWO}:
            policy = Policy.TURN
        self.builder.route(
            self.servers,
            self.luck,
            gates=self.gates,
            keepalive_s=self.dice.one_of([0.0, 0.25, 0.5, INFINITE]),
            policy=policy,
        )

    def _part(self, name: str, forks: int | None) -> None:
        dice = self.dice
        parts: list[Callable[[], None]] = [
            lambda: self._work(name),
            lambda: self._work(name),
            lambda: self._use(dice.one_of(SLOTS), inside=lambda: self._work(name)),
            lambda: self._use(dice.one_of(SLOTS), inside=lambda: self._loop(name)),
            lambda: self._loop(name),
            lambda: self._branch(name),
            lambda: self._cache(name),
            lambda: self._limited(name),
            self._note,
            lambda: self._keep(name),
            lambda: self._line(name),
        ]
        if forks is not None:
            parts += [lambda: self.builder.fork(forks)] * 2
        dice.one_of(parts)()

    def _work(self, name: str) -> None:
        """A delay or a service."""
        dice, builder = self.dice, self.builder
        column = builder.column(f"{name} work {builder.here}", dice.law(0.2))
        if dice.chance(0.4):
            builder.delay(column, by_client=dice.chance(0.3), outlives=dice.chance(0.3))
            return
        station, replicas = dice.one_of(self.stations)
        if replicas > 1 and dice.chance(0.4):
            builder.serve(station, column, among=replicas, pick=self.luck)
        else:
            builder.serve(station, column, per_route=1 if replicas == self.servers > 1 else 0)

    def _use(
        self, name: str, *, inside: Callable[[], None] | None = None, patience: int = -1
    ) -> None:
        """Take a slot, do something with it, and mostly give it back."""
        dice, builder = self.dice, self.builder
        resource, replicas = self.resources[name]
        where: dict[str, Any] = {"per_route": 1 if replicas > 1 else 0}
        if replicas > 1 and name not in self.told_apart and dice.chance(0.3):
            where = {"among": replicas, "pick": self.luck}
        if name in self.told_apart:  # a slot that is told apart is taken once
            builder.release(resource, **where)
        taken = builder.acquire(resource, expired=Status.POOL_TIMEOUT, patience=patience, **where)
        if inside is not None:
            inside()
        if dice.chance(0.8) or name in self.told_apart:
            builder.release(resource, **where)
        if dice.chance(0.3):
            builder.land(taken)

    def _loop(self, name: str) -> None:
        builder = self.builder
        begin = builder.here
        if self.dice.chance(0.5):
            builder.delay(self.repeated[0], repeated=True)
        else:
            builder.serve(self.stations[0][0], self.repeated[1], repeated=True)
        if self.dice.chance(0.3):
            self._work(name)
        builder.repeat(self.count, begin, most=self.dice.one_of([0, 0, 3]))

    def _branch(self, name: str) -> None:
        dice, builder = self.dice, self.builder
        taken = builder.branch(0.4, self.luck)
        self._work(name)
        if dice.chance(0.3):
            builder.fail(dice.one_of([500, Status.BACKLOG_FULL, Status.UNREACHABLE]))
        builder.land(taken)

    def _cache(self, name: str) -> None:
        builder = self.builder
        where: dict[str, Any] = {"among": 2, "pick": self.luck} if self.dice.chance(0.5) else {}
        hit = builder.fresh(self.cells, **where)
        self._work(name)
        builder.store(self.cells, self.dice.one_of([0.25, 2.0]), **where)
        builder.land(hit)

    def _limited(self, name: str) -> None:
        builder = self.builder
        builder.deadline(self.dice.one_of([0.25, 0.5]), Status.STATEMENT_TIMEOUT)
        self._work(name)
        if self.dice.chance(0.5):
            self._use("lock", inside=lambda: self._work(name))
        if self.dice.chance(0.8):
            builder.clear()

    def _note(self) -> None:
        self.builder.note(self.stations[0][0])

    def _keep(self, name: str) -> None:
        """Have a kept connection, of the user or of a slot that is told apart."""
        builder = self.builder
        if self.owned < 0:
            return
        if "thread" in self.told_apart and self.dice.chance(0.5):
            thread, replicas = self.resources["thread"]
            per_route = 1 if replicas > 1 else 0
            builder.release(thread, per_route=per_route)
            skip = builder.acquire(thread, per_route=per_route)
            had = builder.hold(
                self.owned,
                status=Status.CONNECTION_REFUSED,
                owner=Owner.SLOT,
                owner_resource=thread,
                per_route=per_route,
            )
            self._work(name)
            builder.land(had)
            builder.release(thread, per_route=per_route)
            builder.land(skip)
        else:
            had = builder.hold(self.owned, status=Status.CONNECTION_REFUSED)
            self._work(name)
            builder.land(had)

    def _line(self, name: str) -> None:
        if self.shared < 0:
            return
        builder = self.builder
        among: dict[str, Any] = {"among": 2, "pick": self.luck}
        builder.acquire(self.shared, **among)
        self._work(name)
        builder.release(self.shared, **among)

    # Who asks.

    def _source(self, name: str, classes: list[int]) -> None:
        dice, builder = self.dice, self.builder
        settings: dict[str, Any] = {
            "classes": [(number, dice.one_of([1.0, 3.0])) for number in classes][
                : dice.one_of([1, 2])
            ],
            "client_timeout_s": dice.one_of([INFINITE, 0.5, 1.0, 2.0]),
            "retries": self._retries(name) if dice.chance(0.4) else None,
        }
        if dice.chance(0.35):
            gaps = [dice.time_s(0.2) for _ in range(dice.one_of([20, 60]))]
            builder.arrivals(name, times=np.cumsum(gaps), **settings)
            return
        users = dice.one_of([1, 5, 20])
        starts = np.array([dice.time_s(0.5) for _ in range(users)])
        stops = starts + np.array([dice.one_of([5.0, INFINITE]) for _ in range(users)])
        builder.users(
            name,
            think=Constant(law="constant", value=0.25) if dice.grid else dice.law(0.5),
            starts=starts,
            stops=stops if dice.chance(0.5) else None,
            pacing=dice.chance(0.3),
            **settings,
        )

    def _retries(self, name: str) -> Retries:
        dice = self.dice
        column = self.builder.column(f"{name} jitter", None, per_attempt=True)
        return Retries(
            most=dice.one_of([1, 3]),
            base_s=dice.one_of([0.0, 0.25]),
            cap_s=0.5,
            jitter=Jitter.NONE if dice.grid else dice.one_of(list(Jitter)),
            luck_column=column,
            statuses=frozenset({Status.CLIENT_TIMEOUT, Status.POOL_TIMEOUT, 500, 2, 10, 11, 13}),
            ratio=dice.one_of([INFINITE, 0.2]),
            burst=dice.one_of([INFINITE, 3.0]),
        )


def random_plan(seed: int) -> Plan:
    """Return a random plan; equal seeds give equal ones."""
    return Writer(seed).plan()
