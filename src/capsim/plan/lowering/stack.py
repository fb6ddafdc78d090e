"""The whole stack, lowered: what request classes are made of."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.model.laws import AnyLaw, Constant
from capsim.model.model import Model
from capsim.model.server import (
    DevelopmentServer,
    GeventGunicorn,
    SyncGunicorn,
    ThreadedGunicorn,
)
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.cache import LoweredCache, lower_cache
from capsim.plan.lowering.celery import LoweredCelery, lower_celery
from capsim.plan.lowering.database import LoweredDatabase, lower_database
from capsim.plan.lowering.faults import lower_faults
from capsim.plan.lowering.front import LoweredFront, lower_front, shedding
from capsim.plan.lowering.gunicorn import lower_gevent, lower_sync, lower_threaded
from capsim.plan.lowering.memory import lower_memory
from capsim.plan.lowering.server import LoweredServer, lower_development
from capsim.plan.streams import Luck


@dataclass(frozen=True, kw_only=True)
class LoweredStack:
    """Every component, as far as a request meets it."""

    enter: Callable[[], None]  # adds the steps from the client to a running thread
    server: LoweredServer
    database: LoweredDatabase
    cache: LoweredCache | None
    celery: LoweredCelery | None
    error_cpu_s: AnyLaw


def lower_stack(builder: PlanBuilder, model: Model, scenario: Scenario, luck: Luck) -> LoweredStack:
    """Add every component's resources, stations and faults."""
    front = lower_front(builder, model, scenario)
    server = _lower_server(builder, model, scenario, front, luck)
    database = lower_database(builder, model, server, scenario)
    cache = lower_cache(builder, model.cache, scenario)
    celery = lower_celery(builder, model.celery, database)
    lower_memory(builder, model, front, server, database)
    lower_faults(builder, scenario, front, server, database)
    return LoweredStack(
        enter=_enter(builder, model, front, server),
        server=server,
        database=database,
        cache=cache,
        celery=celery,
        error_cpu_s=model.app.error_cpu_s,
    )


def _lower_server(
    builder: PlanBuilder, model: Model, scenario: Scenario, front: LoweredFront, luck: Luck
) -> LoweredServer:
    """Add the server's resources and CPU."""
    match model.server:
        case SyncGunicorn():
            return lower_sync(builder, model, model.server, scenario, front, luck)
        case ThreadedGunicorn():
            return lower_threaded(builder, model, model.server, scenario, front, luck)
        case GeventGunicorn():
            return lower_gevent(builder, model, model.server, scenario, front, luck)
        case DevelopmentServer():
            return lower_development(builder, model, scenario, front)


def _enter(
    builder: PlanBuilder, model: Model, front: LoweredFront, server: LoweredServer
) -> Callable[[], None]:
    """Return what adds the steps up to the application's own code."""
    shed = None
    settings = model.shedding
    if settings is not None and settings.place == "application":
        cpu = builder.column("shedding", Constant(value=settings.cpu_s))

        def answer() -> None:
            builder.serve(server.cpu, cpu, per_route=server.per_route)

        shed = shedding(builder, settings, answer)

    def enter() -> None:
        front.enter()
        server.enter()
        if shed:
            shed()

    return enter
