"""Assemble a plan step by step; what components lower themselves with."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capsim.model.laws import AnyLaw
from capsim.plan.draws import Column
from capsim.plan.ops import NO_COLUMN, Status
from capsim.plan.plan import (
    INFINITE,
    Blackout,
    Flush,
    Gauge,
    Outage,
    Plan,
    Resource,
    Retries,
    Source,
    Station,
)
from capsim.plan.step_table import StepTable

Floats = NDArray[np.float64]
THINK_PURPOSE = "think"
CLASS_PURPOSE = "request class"


class PlanBuilder(StepTable):
    """Collects resources, stations, draws and steps; `build` freezes them into a plan."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._resources: list[Resource] = []
        self._stations: list[Station] = []
        self._groups: list[float] = []
        self._sources: list[Source] = []
        self._columns: list[Column] = []
        self._outages: list[Outage] = []
        self._blackouts: list[Blackout] = []
        self._gauges: list[Gauge] = []
        self._cells: list[float] = []
        self._flushes: list[Flush] = []

    # What steps refer to.

    def resource(self, resource: Resource, replicas: int = 1) -> int:
        """Add a resource, or `replicas` equal ones; return the index of the first."""
        self._resources += [resource] * replicas
        return len(self._resources) - replicas

    @property
    def next_resource(self) -> int:
        """The index of the resource that is added next."""
        return len(self._resources)

    def station(self, station: Station, replicas: int = 1) -> int:
        """Add a station, or `replicas` equal ones; return the index of the first."""
        self._stations += [station] * replicas
        return len(self._stations) - replicas

    def group(self, cores: float) -> int:
        """Add a group of cores that stations share; return its index."""
        self._groups.append(cores)
        return len(self._groups) - 1

    def cells(self, fresh_until_s: Iterable[float]) -> int:
        """Add cells that remember until when something is fresh; return the index of the first."""
        first = len(self._cells)
        self._cells += fresh_until_s
        return first

    def column(
        self,
        purpose: str,
        law: AnyLaw | None,
        *,
        count: int | None = None,
        sources: Iterable[str] | None = None,
        per_attempt: bool = False,
    ) -> int:
        """Add a drawn quantity (law none: uniform on [0, 1)); return its index.

        With `per_attempt` a request that is sent again has another one.
        """
        names = None if sources is None else frozenset(sources)
        column = Column(
            purpose=purpose, law=law, count=count, sources=names, per_attempt=per_attempt
        )
        self._columns.append(column)
        return len(self._columns) - 1

    # What happens at its time, or at a limit.

    def outage(self, outage: Outage) -> None:
        """Have a resource close for a while."""
        self._outages.append(outage)

    def blackout(self, blackout: Blackout) -> None:
        """Have a station go down for a while."""
        self._blackouts.append(blackout)

    def flush(self, flush: Flush) -> None:
        """Have cells emptied."""
        self._flushes.append(flush)

    def gauge(self, gauge: Gauge) -> None:
        """Have somebody killed when slots in use weigh too much."""
        self._gauges.append(gauge)

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
        timeout_status: int = Status.CLIENT_TIMEOUT,
        retries: Retries | None = None,
    ) -> None:
        """Add closed users; `classes` are (request class, weight)."""
        self._sources.append(
            Source(
                name=name,
                starts=starts,
                stops=np.full(len(starts), INFINITE) if stops is None else stops,
                pacing=pacing,
                client_timeout_s=client_timeout_s,
                timeout_status=timeout_status,
                retries=retries,
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
        timeout_status: int = Status.CLIENT_TIMEOUT,
        retries: Retries | None = None,
    ) -> None:
        """Add open arrivals at the given times, in order."""
        self._sources.append(
            Source(
                name=name,
                starts=times,
                stops=np.full(len(times), INFINITE),
                open=True,
                client_timeout_s=client_timeout_s,
                timeout_status=timeout_status,
                retries=retries,
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
            outages=tuple(self._outages),
            blackouts=tuple(self._blackouts),
            gauges=tuple(self._gauges),
            cells=tuple(self._cells),
            flushes=tuple(self._flushes),
            horizon_s=horizon_s,
            seed=seed,
            replication=replication,
        )
