"""gunicorn's three kinds of workers."""

from collections.abc import Callable

from capsim.model.model import Model
from capsim.model.server import GeventGunicorn, Gunicorn, SyncGunicorn, ThreadedGunicorn
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.backlog import accept, places
from capsim.plan.lowering.front import NEVER_KEPT, LoweredFront
from capsim.plan.lowering.server import CPU, LoweredServer, interpreters
from capsim.plan.lowering.speeds import speeds
from capsim.plan.ops import Owner
from capsim.plan.plan import INFINITE, Loss, Resource, Station
from capsim.plan.streams import Luck

WORKER, ACCEPTED, THREAD = "worker", "accepted connection", "thread"
_MASTER_LOOKS_S = 1.0  # gunicorn/arbiter.py, run(): the master sleeps up to 1 s between looks
_BIRTHS = 1024  # limits drawn for max_requests; later workers have the first ones' again


def lower_sync(
    builder: PlanBuilder,
    model: Model,
    server: SyncGunicorn,
    scenario: Scenario,
    front: LoweredFront,
    luck: Luck,
) -> LoweredServer:
    """One request per process: no GIL to share, only the machine's cores.

    Idle workers accept from one listening socket, so there is one queue, the listen backlog. A
    worker that recycles or is killed is away while another one boots.
    """
    instances = front.instances
    worker, *_ = (
        builder.resource(
            Resource(
                name=WORKER,
                capacity=server.workers,
                queue_limit=places(server.backlog),
                hold_limit_s=server.timeout_s or INFINITE,
                check_s=_MASTER_LOOKS_S,
                restart_s=server.boot_time_s,
                identified=True,
                uses=_uses(server, luck, number),
            )
        )
        for number in range(instances)
    )
    station = Station(
        name=CPU,
        cores=model.machine.cores,
        idle_overhead=model.app.idle_overhead,
        speeds=speeds(scenario, "app"),
    )
    several = 1 if instances > 1 else 0
    each = tuple((worker + i,) for i in range(instances))
    return LoweredServer(
        enter=lambda: accept(builder, worker, model.network, per_route=several),
        cpu=builder.station(station, instances),
        per_route=several,
        process_count=server.workers * instances,
        owner=Owner.SLOT,
        owner_resource=worker,
        running=each,
        processes=each,
    )


def lower_threaded(
    builder: PlanBuilder,
    model: Model,
    server: ThreadedGunicorn,
    scenario: Scenario,
    front: LoweredFront,
    luck: Luck,
) -> LoweredServer:
    """Worker processes with a GIL each; whichever accepts a connection keeps it.

    A worker accepts up to `worker_connections` and queues them for its threads without limit;
    what nobody accepts waits in the listen backlog.
    """
    accepted, enter = _accepting(builder, model, server, front, luck)
    every = server.workers * front.instances
    thread = builder.resource(
        Resource(name=THREAD, capacity=server.threads, identified=True), every
    )
    cpu = interpreters(
        builder,
        model,
        speeds(scenario, "app"),
        instances=front.instances,
        processes=server.workers,
    )

    def enter_thread() -> None:
        enter()
        builder.acquire(thread, per_route=1)

    return LoweredServer(
        enter=enter_thread,
        cpu=cpu,
        per_route=1,
        process_count=every,
        pool_per_route=1,
        owner=Owner.SLOT,
        owner_resource=thread,
        running=_by_instance(thread, server.workers, front.instances),
        processes=_by_instance(accepted, server.workers, front.instances),
        routes_each=server.workers,
    )


def lower_gevent(
    builder: PlanBuilder,
    model: Model,
    server: GeventGunicorn,
    scenario: Scenario,
    front: LoweredFront,
    luck: Luck,
) -> LoweredServer:
    """Worker processes that run a greenlet per connection, one at a time, until it waits.

    Django's connections belong to a greenlet, and so to the client's connection that it serves.
    """
    accepted, enter = _accepting(builder, model, server, front, luck)
    cpu = interpreters(
        builder,
        model,
        speeds(scenario, "app"),
        instances=front.instances,
        processes=server.workers,
        cooperative=True,
    )
    each = _by_instance(accepted, server.workers, front.instances)
    return LoweredServer(
        enter=enter,
        cpu=cpu,
        per_route=1,
        process_count=server.workers * front.instances,
        pool_per_route=1,
        owner=Owner.USER,
        running=each,
        processes=each,
        routes_each=server.workers,
    )


def _accepting(
    builder: PlanBuilder,
    model: Model,
    server: ThreadedGunicorn | GeventGunicorn,
    front: LoweredFront,
    luck: Luck,
) -> tuple[int, Callable[[], None]]:
    """Add the connections that workers accept; return the first resource, and what enters one.

    The backlog is shared by an instance's workers: whoever has room takes the first one. A worker
    that is to be recycled accepts no more, serves what it has, and then boots anew.
    """
    workers, every = server.workers, server.workers * front.instances
    first = builder.next_resource
    # The threads of a process, which are added next, own its database connections; greenlets are
    # their users' own.
    threads = first + every if isinstance(server, ThreadedGunicorn) else None
    for number in range(every):
        slots_of = () if threads is None else (threads + number,)
        builder.resource(
            Resource(
                name=ACCEPTED,
                capacity=server.worker_connections,
                queue_limit=places(server.backlog),
                shares_line=first + number - number % workers,
                route_base=first,
                restart_s=server.boot_time_s,
                uses=_uses(server, luck, number),
                whole=True,
                loss=Loss(slots_of=slots_of, routes=(number, number + 1)),
            )
        )
    choice = builder.column("worker process", None, per_attempt=True)
    keepalive_s = server.keepalive_s if front.keeps_users else NEVER_KEPT

    def choose(*, again: bool = False) -> None:
        builder.route(workers, choice, gates=first, keepalive_s=keepalive_s, again=again)

    def enter() -> None:
        choose()
        accept(
            builder,
            first,
            model.network,
            per_route=1,
            choose_again=lambda: choose(again=True),
        )

    return first, enter


def _by_instance(first: int, workers: int, instances: int) -> tuple[tuple[int, ...], ...]:
    """Return resources, one per worker process, grouped by instance."""
    return tuple(
        tuple(range(first + i * workers, first + (i + 1) * workers)) for i in range(instances)
    )


def _uses(server: Gunicorn, luck: Luck, number: int) -> tuple[int, ...]:
    """Return how many requests each worker serves, in order of birth; empty: no limit.

    `number` tells apart what counts its births by itself: each with luck of its own.
    """
    if not server.max_requests:
        return ()
    extra = luck("max_requests_jitter", number).integers(
        0, server.max_requests_jitter, size=_BIRTHS, endpoint=True
    )
    return tuple((server.max_requests + extra).tolist())
