"""Assemble a plan step by step; what components lower themselves with."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capsim.model.laws import AnyLaw
from capsim.plan.draws import Column
from capsim.plan.ops import FAILS, NO_COLUMN, Op, Owner, Status, Step
from capsim.plan.plan import INFINITE, Plan, Resource, Source, Station

Floats = NDArray[np.float64]
THINK_PURPOSE = "think"
CLASS_PURPOSE = "request class"


class PlanBuilder:
    """Collects resources, stations, draws and steps; `build` freezes them into a plan."""

    def __init__(self) -> None:
        """Start empty."""
        self._steps: list[Step] = []
        self._resources: list[Resource] = []
        self._stations: list[Station] = []
        self._groups: list[float] = []
        self._sources: list[Source] = []
        self._columns: list[Column] = []
        self._classes: list[tuple[str, int, int]] = []

    # What steps refer to.

    def resource(self, resource: Resource, replicas: int = 1) -> int:
        """Add a resource, or `replicas` equal ones; return the index of the first."""
        self._resources += [resource] * replicas
        return len(self._resources) - replicas

    def station(self, station: Station, replicas: int = 1) -> int:
        """Add a station, or `replicas` equal ones; return the index of the first."""
        self._stations += [station] * replicas
        return len(self._stations) - replicas

    def group(self, cores: float) -> int:
        """Add a group of cores that stations share; return its index."""
        self._groups.append(cores)
        return len(self._groups) - 1

    def column(
        self,
        purpose: str,
        law: AnyLaw | None,
        *,
        count: int | None = None,
        sources: Iterable[str] | None = None,
    ) -> int:
        """Add a drawn quantity (law none: uniform on [0, 1)); return its index."""
        names = None if sources is None else frozenset(sources)
        self._columns.append(Column(purpose=purpose, law=law, count=count, sources=names))
        return len(self._columns) - 1

    # Who sends requests.

    def users(  # noqa: PLR0913 (the settings of one source)
        self,
        name: str,
        *,
        think: AnyLaw,
        classes: Iterable[tuple[int, float]],
        starts: Floats,
        stops: Floats | None = None,
        pacing: bool = False,
        client_timeout_s: float = INFINITE,
    ) -> None:
        """Add closed users; `classes` are (request class, weight)."""
        self._sources.append(
            Source(
                name=name,
                starts=starts,
                stops=np.full(len(starts), INFINITE) if stops is None else stops,
                pacing=pacing,
                client_timeout_s=client_timeout_s,
                think_column=self.column(THINK_PURPOSE, think, sources=[name]),
                **self._choice(name, classes),
            )
        )

    def arrivals(
        self,
        name: str,
        *,
        classes: Iterable[tuple[int, float]],
        times: Floats,
        client_timeout_s: float = INFINITE,
    ) -> None:
        """Add open arrivals at the given times, in order."""
        self._sources.append(
            Source(
                name=name,
                starts=times,
                stops=np.full(len(times), INFINITE),
                open=True,
                client_timeout_s=client_timeout_s,
                **self._choice(name, classes),
            )
        )

    def _choice(self, name: str, classes: Iterable[tuple[int, float]]) -> dict[str, Any]:
        """Return how a source chooses among its request classes."""
        indices, weights = zip(*classes, strict=True)
        column = NO_COLUMN
        if len(indices) > 1:
            column = self.column(CLASS_PURPOSE, None, sources=[name])
        return {
            "classes": indices,
            "cumulative": tuple((np.cumsum(weights) / sum(weights)).tolist()),
            "class_column": column,
        }

    # Steps.

    @property
    def here(self) -> int:
        """The index of the step that is added next."""
        return len(self._steps)

    def request_class(self, name: str) -> int:
        """Begin a request class at the next step; return its index."""
        self._classes.append((name, self.here, FAILS))
        return len(self._classes) - 1

    def error_path(self) -> None:
        """Begin the current request class's error path at the next step."""
        name, entry, _ = self._classes[-1]
        self._classes[-1] = (name, entry, self.here)

    def acquire(
        self,
        resource: int,
        *,
        per_route: int = 0,
        refused: Status = Status.BACKLOG_FULL,
        expired: Status = Status.QUEUE_TIMEOUT,
        patience: int = NO_COLUMN,
        otherwise: int = FAILS,
    ) -> None:
        """Take a slot; `patience` is a drawn wait limit, `otherwise` where to go without a slot."""
        self._add(
            Op.ACQUIRE,
            target=resource,
            per_route=per_route,
            status=refused,
            expired_status=expired,
            column=patience,
            jump=otherwise,
        )

    def release(self, resource: int, *, per_route: int = 0) -> None:
        """Give a slot back."""
        self._add(Op.RELEASE, target=resource, per_route=per_route)

    def hold(
        self,
        resource: int,
        *,
        status: Status,
        owner: Owner = Owner.USER,
        owner_resource: int = -1,
        per_route: int = 0,
    ) -> int:
        """Have the owner hold a slot; return the step, to be given the target when it has one."""
        self._add(
            Op.HOLD,
            target=resource,
            status=status,
            owner=owner,
            owner_resource=owner_resource,
            per_route=per_route,
        )
        return self.here - 1

    def delay(self, column: int, *, scale: float = 1.0, repeated: bool = False) -> None:
        """Wait for a drawn time, in seconds."""
        self._add(Op.DELAY, column=column, scale=scale, repeated=repeated)

    def serve(
        self,
        station: int,
        column: int,
        *,
        scale: float = 1.0,
        repeated: bool = False,
        per_route: int = 0,
    ) -> None:
        """Have a drawn demand served, in seconds of one core."""
        self._add(
            Op.SERVE,
            target=station,
            column=column,
            scale=scale,
            repeated=repeated,
            per_route=per_route,
        )

    def route(self, count: int, column: int, *, keepalive_s: float) -> None:
        """Choose one of `count` servers at each new connection of the user."""
        self._add(Op.ROUTE, count=count, column=column, limit=keepalive_s)

    def branch(self, limit: float, column: int) -> int:
        """Jump when the draw lies below `limit`; return the step, to be given its target."""
        self._add(Op.BRANCH, limit=limit, column=column)
        return self.here - 1

    def repeat(self, count: int, target: int) -> None:
        """Jump back to `target` until it has run as often as the drawn count says."""
        self._add(Op.REPEAT, column=count, jump=target)

    def jump(self, target: int = FAILS) -> int:
        """Jump always; return the step, to be given its target."""
        self._add(Op.JUMP, jump=target)
        return self.here - 1

    def fail(self, status: int, target: int = FAILS) -> None:
        """Set the status and take the error path, or go to `target`."""
        self._add(Op.FAIL, status=status, jump=target)

    def end(self) -> None:
        """Answer."""
        self._add(Op.END)

    def land(self, step: int) -> None:
        """Let a jump go to the step that is added next."""
        self._steps[step] = dataclasses.replace(self._steps[step], jump=self.here)

    def _add(self, op: Op, **fields: Any) -> None:
        self._steps.append(Step(op=op, **fields))

    def build(self, *, horizon_s: float, seed: int, replication: int = 0) -> Plan:
        """Freeze what was collected into a plan."""
        return Plan(
            steps=tuple(self._steps),
            entries=tuple(entry for _, entry, _ in self._classes),
            errors=tuple(error for _, _, error in self._classes),
            class_names=tuple(name for name, _, _ in self._classes),
            resources=tuple(self._resources),
            stations=tuple(self._stations),
            group_cores=tuple(self._groups),
            sources=tuple(self._sources),
            columns=tuple(self._columns),
            horizon_s=horizon_s,
            seed=seed,
            replication=replication,
        )
