"""Application servers: where a request waits for a thread, and whose CPU it then uses."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.model.model import Model
from capsim.model.stack import DevelopmentServer, SyncGunicorn, ThreadedGunicorn
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.drift import Speeds, speeds
from capsim.plan.ops import NO_COLUMN, Owner, Status
from capsim.plan.plan import INFINITE, Resource, Station

THREAD, WORKER, ACCEPTED, CPU = "thread", "worker", "accepted connection", "app CPU"
TURN = "turn under the GIL"


@dataclass(frozen=True, kw_only=True)
class LoweredServer:
    """What the rest of the stack needs to know of the server."""

    enter: Callable[[], None]  # adds the steps from the client's connect to a running thread
    cpu: int  # the first station of the application's CPU
    per_route: int  # 1 where each worker process has a GIL and a pool of its own
    processes: int
    owner: Owner  # who owns a persistent database connection
    owner_resource: int = -1


def lower_server(builder: PlanBuilder, model: Model, scenario: Scenario) -> LoweredServer:
    """Add the server's resources and CPU."""
    schedule = speeds(scenario, "app")
    match model.server:
        case SyncGunicorn():
            return _sync(builder, model, model.server, schedule)
        case ThreadedGunicorn():
            return _threaded(builder, model, model.server, schedule)
        case DevelopmentServer():
            return _development(builder, model, schedule)


def _sync(
    builder: PlanBuilder,
    model: Model,
    server: SyncGunicorn,
    schedule: Speeds,
) -> LoweredServer:
    """One request per process: no GIL to share, only the machine's cores.

    Idle workers accept from one listening socket, so there is one queue, the listen backlog.
    """
    worker = builder.resource(
        Resource(
            name=WORKER,
            capacity=server.workers,
            queue_limit=server.backlog,
            hold_limit_s=server.timeout_s or INFINITE,
            restart_s=server.boot_time_s,
            identified=True,
        )
    )
    cpu = builder.station(
        Station(
            name=CPU,
            cores=model.machine.cores,
            idle_overhead=model.app.idle_overhead,
            speeds=schedule,
        )
    )
    refused = _refusal(builder)
    return LoweredServer(
        enter=lambda: builder.acquire(worker, otherwise=refused),
        cpu=cpu,
        per_route=0,
        processes=server.workers,
        owner=Owner.SLOT,
        owner_resource=worker,
    )


def _threaded(
    builder: PlanBuilder,
    model: Model,
    server: ThreadedGunicorn,
    schedule: Speeds,
) -> LoweredServer:
    """Worker processes with a GIL each; whichever accepts a connection keeps it.

    A worker accepts up to `worker_connections` and queues them for its threads without limit;
    what it does not accept waits in the listen backlog.
    """
    workers = server.workers
    accepted = builder.resource(
        Resource(name=ACCEPTED, capacity=server.worker_connections, queue_limit=server.backlog),
        workers,
    )
    thread = builder.resource(
        Resource(name=THREAD, capacity=server.threads, identified=True), workers
    )
    shared = workers > model.machine.cores
    group = builder.group(model.machine.cores) if shared else -1
    cpu = builder.station(_interpreter(builder, model, schedule, group), workers)
    choice = builder.column("worker process", None)
    refused = _refusal(builder)

    def enter() -> None:
        builder.route(workers, choice, keepalive_s=server.keepalive_s)
        builder.acquire(accepted, per_route=1, otherwise=refused)
        builder.acquire(thread, per_route=1)

    return LoweredServer(
        enter=enter,
        cpu=cpu,
        per_route=1,
        processes=workers,
        owner=Owner.SLOT,
        owner_resource=thread,
    )


def _interpreter(builder: PlanBuilder, model: Model, schedule: Speeds, group: int = -1) -> Station:
    """Return the CPU of a process whose threads share one GIL."""
    interval_s = model.app.switch_interval_s
    return Station(
        name=CPU,
        quantum_s=interval_s,
        turn_column=builder.column(TURN, None) if interval_s else NO_COLUMN,
        idle_overhead=model.app.idle_overhead,
        group=group,
        speeds=schedule,
    )


def _refusal(builder: PlanBuilder) -> int:
    """Add what a full listen backlog does: it refuses, and none of the application's code runs."""
    first = builder.here
    builder.fail(Status.BACKLOG_FULL, first + 1)
    builder.end()
    return first


def _development(builder: PlanBuilder, model: Model, schedule: Speeds) -> LoweredServer:
    """One process; a thread per client connection, so no thread is ever waited for.

    The thread lives as long as the client's connection, and so does its database connection.
    """
    cpu = builder.station(_interpreter(builder, model, schedule))
    return LoweredServer(enter=lambda: None, cpu=cpu, per_route=0, processes=1, owner=Owner.USER)
