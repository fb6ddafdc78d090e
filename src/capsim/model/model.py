"""The model: frozen, complete, every parameter a number. It is the whole input of a simulation."""

from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Self

from pydantic import Field, model_validator

from capsim.errors import InputError
from capsim.model import consistency
from capsim.model.cache import Cache
from capsim.model.celery import Celery
from capsim.model.database import Database
from capsim.model.faults import CacheFlush, Fault, InstanceLost, Restart
from capsim.model.front import Balancer, Network, Shedding
from capsim.model.memory import Memory
from capsim.model.server import App, Machine, Server
from capsim.model.spec import Positive, Spec
from capsim.model.workload import RequestClass, Scenario


class Targets(Spec):
    """What counts as good enough."""

    p95_s: Positive = 1.0


class Model(Spec):
    """A system and the load tests that are run on it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    description: str = ""
    dataset: str = ""  # the load-test data that calibrate it: a path or a shipped name
    default_scenario: str
    network: Network = Network()
    balancer: Balancer | None = None
    shedding: Shedding | None = None
    machine: Machine = Machine()
    memory: Memory | None = None
    server: Server
    app: App = App()
    cache: Cache | None = None
    database: Database = Database()
    celery: Celery | None = None
    targets: Targets = Targets()
    requests: Annotated[dict[str, RequestClass], Field(min_length=1)]
    scenarios: Annotated[dict[str, Scenario], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if self.default_scenario not in self.scenarios:
            msg = (
                f"default_scenario = {self.default_scenario!r} is not one of the scenarios "
                f"({', '.join(self.scenarios)})"
            )
            raise ValueError(msg)
        for name, scenario in self.scenarios.items():
            twice = sorted(set(scenario.user_classes) & set(scenario.arrivals))
            if twice:
                msg = f"scenarios.{name}: {twice[0]} names both users and arrivals; rename one"
                raise ValueError(msg)
            for source, tasks in scenario.tasks_by_source().items():
                unknown = sorted(set(tasks) - set(self.requests))
                if unknown:
                    msg = (
                        f"scenarios.{name}: {source} asks for {', '.join(unknown)}, which is no "
                        f"request class (known: {', '.join(self.requests)})"
                    )
                    raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _parts_exist(self) -> Self:
        tasks = self.celery.tasks if self.celery else {}
        for name, request in self.requests.items():
            key = f"requests.{name}"
            if request.lock is not None:
                _one_of(
                    self.database.locks, f"{key}.lock.name", request.lock.name, "database.locks"
                )
            if request.task is not None:
                _one_of(tasks, f"{key}.task", request.task, "celery.tasks")
        for name, scenario in self.scenarios.items():
            for number, fault in enumerate(scenario.faults):
                self._fault_has_its_part(f"scenarios.{name}.faults.{number}", fault)
        return self

    def _fault_has_its_part(self, key: str, fault: Fault) -> None:
        instances = self._instances
        if isinstance(fault, InstanceLost | Restart) and fault.instance > instances:
            msg = (
                f"{key}.instance = {fault.instance}: there is no such instance; "
                f"choose 1 to {instances}, or raise balancer.instances"
            )
            raise ValueError(msg)
        if isinstance(fault, CacheFlush) and self.cache is None:
            msg = (
                f"{key}.kind = '{fault.kind}': there is no cache; add [cache], or remove the fault"
            )
            raise ValueError(msg)

    @model_validator(mode="after")
    def _processes_fit_into_memory(self) -> Self:
        memory, processes = self.memory, getattr(self.server, "workers", 1)
        if memory is not None and memory.left_mb(processes) <= 0:
            msg = (
                f"memory.limit_mb = {memory.limit_mb:g}: base_mb and {processes} processes of "
                f"{memory.per_process_mb:g} MB use it up; raise it, or start fewer"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _every_key_has_an_effect(self) -> Self:
        requests, scenarios, database = self.requests, self.scenarios, self.database
        checks = (
            consistency.names(requests),
            consistency.cache_use(self.cache, requests),
            consistency.replica_use(database, requests),
            consistency.lock_use(database, requests),
            consistency.fault_times(scenarios),
            consistency.retry_budgets(scenarios),
            consistency.replacement(self.server),
            consistency.memory_use(self.memory, self.server, self._instances),
            consistency.connection_shares(database, self.celery, self.server, self._instances),
        )
        for problem in chain.from_iterable(checks):
            raise ValueError(problem)
        return self

    @property
    def _instances(self) -> int:
        return self.balancer.instances if self.balancer else 1

    def scenario(self, name: str | None = None) -> Scenario:
        """Return a scenario by name; none: the default one.

        Raises:
            InputError: there is no such scenario.
        """
        return self.scenarios[self.scenario_name(name)]

    def scenario_name(self, name: str | None = None) -> str:
        """Return the name of a scenario that there is; none: that of the default one.

        Raises:
            InputError: there is no such scenario.
        """
        chosen = self.default_scenario if name is None else name
        if chosen not in self.scenarios:
            known = ", ".join(self.scenarios)
            raise InputError(f"scenario {chosen!r} is unknown; choose one of {known}")
        return chosen


def _one_of(known: Mapping[str, object], key: str, name: str, table: str) -> None:
    if name not in known:
        msg = (
            f"{key} = {name!r}: is none of {table} ({', '.join(known) or 'none'}); "
            f"correct it, or add [{table}.{name}]"
        )
        raise ValueError(msg)


def with_users(scenario: Scenario, users: int) -> Scenario:
    """Return the scenario at another number of users; stages keep their shape.

    Raises:
        InputError: fewer than one user, or a scenario without closed users.
    """
    if users < 1:
        raise InputError(f"users = {users}: at least 1 user is needed")
    if scenario.peak_users == 0:
        raise InputError("this scenario has open arrivals only; choose one with users")
    if not scenario.stages:
        return scenario.model_copy(update={"users": users})
    ratio = users / scenario.peak_users
    stages = tuple(
        stage.model_copy(update={"users": round(stage.users * ratio)}) for stage in scenario.stages
    )
    return scenario.model_copy(update={"stages": stages})
