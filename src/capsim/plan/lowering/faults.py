"""Faults at a given time: an instance that dies or restarts, a database that does."""

from capsim.model.faults import DatabaseRestart, InstanceLost, Restart
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.database import LoweredDatabase
from capsim.plan.lowering.front import LoweredFront
from capsim.plan.lowering.server import LoweredServer
from capsim.plan.ops import Status
from capsim.plan.plan import Blackout, Outage


def lower_faults(
    builder: PlanBuilder,
    scenario: Scenario,
    front: LoweredFront,
    server: LoweredServer,
    database: LoweredDatabase,
) -> None:
    """Add the outages of a scenario; what slows down is in the stations' speeds."""
    for fault in scenario.faults:
        match fault:
            case InstanceLost() | Restart() if front.gate is not None:
                builder.outage(_of_instance(fault, front.gate, server))
            case DatabaseRestart():
                _of_database(builder, fault, database)


def _of_instance(fault: InstanceLost | Restart, gate: int, server: LoweredServer) -> Outage:
    """An instance that is lost takes its requests with it; one that restarts finishes them.

    Those who wait in the backlog of one that restarts have not come in: its socket closes.
    """
    index = fault.instance - 1
    lost = isinstance(fault, InstanceLost)
    inside = {*server.running[index], *server.processes[index]} - {gate + index}
    return Outage(
        time_s=fault.at_s,
        resource=gate + index,
        duration_s=fault.duration_s if isinstance(fault, InstanceLost) else fault.boot_time_s,
        kill=lost,
        drains=not lost,
        refuses=True,
        inside=() if lost else tuple(sorted(inside)),
        loss=server.loss(index),
    )


def _of_database(builder: PlanBuilder, fault: DatabaseRestart, database: LoweredDatabase) -> None:
    """The database goes down: queries fail, and so does who waits for a row; nobody connects.

    What a pool has lent out fails with its next query. An empty pool waits for the database.
    """
    builder.blackout(
        Blackout(
            time_s=fault.at_s,
            duration_s=fault.duration_s,
            station=database.cpu,
            status=Status.DATABASE_LOST,
            lines=tuple(
                lock.first + row for lock in database.locks.values() for row in range(lock.rows)
            ),
        )
    )
    for connection in database.connections.resources:
        builder.outage(Outage(time_s=fault.at_s, resource=connection, duration_s=fault.duration_s))
