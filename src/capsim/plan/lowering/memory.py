"""Memory that runs out: a level that processes, requests and connections add up to."""

from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.database import LoweredDatabase
from capsim.plan.lowering.front import LoweredFront
from capsim.plan.lowering.server import LoweredServer
from capsim.plan.plan import Gauge, Loss

_BYTES = 1 << 20  # of a MiB: whole numbers add up exactly


def lower_memory(
    builder: PlanBuilder,
    model: Model,
    front: LoweredFront,
    server: LoweredServer,
    database: LoweredDatabase,
) -> None:
    """Add a gauge for each instance's machine."""
    memory = model.memory
    if memory is None:
        return
    for instance in range(front.instances):
        requests = server.running[instance]
        connections = database.connections.resources if memory.per_connection_mb else ()
        gate = () if front.gate is None else (front.gate + instance,)
        whole = memory.kills == "instance" or server.processes[instance] == gate
        builder.gauge(
            Gauge(
                name="memory",
                limit=_bytes(memory.left_mb(server.process_count // front.instances)),
                weights=(
                    *((number, _bytes(memory.per_request_mb)) for number in requests),
                    *((number, _bytes(memory.per_connection_mb)) for number in connections),
                ),
                victims=gate if whole else server.processes[instance],
                restart_s=memory.restart_s,
                whole=whole,
                loss=server.loss(instance) if whole else Loss(),
            )
        )


def _bytes(megabytes: float) -> int:
    return round(megabytes * _BYTES)
