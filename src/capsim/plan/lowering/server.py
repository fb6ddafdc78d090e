"""Application servers: where a request waits for a worker or thread, and whose CPU it uses."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.model.model import Model
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.front import LoweredFront
from capsim.plan.lowering.speeds import Speeds, speeds
from capsim.plan.ops import NO_COLUMN, Owner
from capsim.plan.plan import INFINITE, Loss, Station

CPU = "app CPU"
TURN = "turn under the GIL"


@dataclass(frozen=True, kw_only=True)
class LoweredServer:
    """What the rest of the stack needs to know of the server.

    Resources are given by instance: `running[i]` are those whose slots are requests that instance
    i works on, `processes[i]` those that stand for its processes when one of them is killed.
    """

    enter: Callable[[], object]  # adds the steps from the instance to a running thread
    cpu: int  # the first station of the application's CPU
    per_route: int  # 1 where each choice of a server has a CPU of its own
    process_count: int  # of all instances together
    pool_per_route: int = 0  # 1 where each choice of a server has a connection pool to wait for
    owner: Owner  # who owns a persistent database connection
    owner_resource: int = -1
    running: tuple[tuple[int, ...], ...]
    processes: tuple[tuple[int, ...], ...]
    routes_each: int = 1  # how many choices of a server an instance has

    def loss(self, instance: int) -> Loss:
        """Return what is lost with an instance: every connection that it owned."""
        first = instance * self.routes_each
        return Loss(
            slots_of=self.running[instance] if self.owner == Owner.SLOT else (),
            routes=(first, first + self.routes_each),
        )


def interpreters(
    builder: PlanBuilder,
    model: Model,
    schedule: Speeds,
    *,
    instances: int,
    processes: int,
    cooperative: bool = False,
) -> int:
    """Add the CPU of processes with a GIL each; return the first station.

    Threads take turns under the GIL. Greenlets (`cooperative`) run until they wait, in the order
    in which they became ready. Processes of a machine with fewer cores share those.
    """
    interval_s = INFINITE if cooperative else model.app.switch_interval_s
    turn = NO_COLUMN if cooperative or not interval_s else builder.column(TURN, None)
    first = -1
    for _ in range(instances):
        shared = processes > model.machine.cores
        station = Station(
            name=CPU,
            quantum_s=interval_s,
            turn_column=turn,
            idle_overhead=model.app.idle_overhead,
            group=builder.group(model.machine.cores) if shared else -1,
            speeds=schedule,
        )
        added = builder.station(station, processes)
        first = added if first < 0 else first
    return first


def lower_development(
    builder: PlanBuilder, model: Model, scenario: Scenario, front: LoweredFront
) -> LoweredServer:
    """One process; a thread per client connection, so no thread is ever waited for.

    The thread lives as long as the client's connection, and so does its database connection.
    """
    schedule = speeds(scenario, "app")
    cpu = interpreters(builder, model, schedule, instances=front.instances, processes=1)
    several = 1 if front.instances > 1 else 0
    gates = tuple(() if front.gate is None else (front.gate + i,) for i in range(front.instances))
    return LoweredServer(
        enter=lambda: None,
        cpu=cpu,
        per_route=several,
        process_count=front.instances,
        pool_per_route=several,
        owner=Owner.USER,
        running=gates,
        processes=gates,
    )
