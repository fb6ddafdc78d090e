"""Memory that runs out: a level that processes, requests and connections add up to."""

from capsim.errors import InputError
from capsim.model.memory import Memory
from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.database import LoweredDatabase
from capsim.plan.lowering.front import LoweredFront
from capsim.plan.lowering.server import LoweredServer
from capsim.plan.ops import Owner
from capsim.plan.plan import Gauge

_BYTES = 1 << 20  # of a MiB: whole numbers add up exactly


def lower_memory(
    builder: PlanBuilder,
    model: Model,
    front: LoweredFront,
    server: LoweredServer,
    database: LoweredDatabase,
) -> None:
    """Add a gauge for each instance's machine.

    Raises:
        InputError: the processes alone need more than there is.
    """
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
                limit=_left(memory, model, server.process_count // front.instances),
                weights=(
                    *((number, _bytes(memory.per_request_mb)) for number in requests),
                    *((number, _bytes(memory.per_connection_mb)) for number in connections),
                ),
                victims=gate if whole else server.processes[instance],
                restart_s=memory.restart_s,
                whole=whole,
                owners=requests if server.owner == Owner.SLOT else (),
            )
        )


def _left(memory: Memory, model: Model, processes: int) -> int:
    """Return what is left for requests and connections, in bytes."""
    left_mb = memory.limit_mb - memory.base_mb - processes * memory.per_process_mb
    if left_mb <= 0:
        raise InputError(
            f"{model.name}: memory.limit_mb = {memory.limit_mb:g} is used up by base_mb and "
            f"{processes} processes; give it more, or start fewer"
        )
    return _bytes(left_mb)


def _bytes(megabytes: float) -> int:
    return round(megabytes * _BYTES)
