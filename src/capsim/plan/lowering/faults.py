"""Faults at a given time: an instance that dies or restarts, a database that does."""

from capsim.model.faults import DatabaseRestart, InstanceLost, Restart
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.database import LoweredDatabase
from capsim.plan.lowering.front import LoweredFront
from capsim.plan.lowering.server import LoweredServer
from capsim.plan.ops import Owner, Status
from capsim.plan.plan import Outage


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
                for connection in database.connections.resources:
                    builder.outage(_of_database(fault, connection, database.cpu))


def _of_instance(fault: InstanceLost | Restart, gate: int, server: LoweredServer) -> Outage:
    """An instance that is lost takes its requests with it; one that restarts finishes them."""
    lost = isinstance(fault, InstanceLost)
    index = fault.instance - 1
    return Outage(
        time_s=fault.at_s,
        resource=gate + index,
        duration_s=fault.duration_s if isinstance(fault, InstanceLost) else fault.boot_time_s,
        kill=lost,
        refuses=True,
        owners=server.running[index] if server.owner == Owner.SLOT else (),
    )


def _of_database(fault: DatabaseRestart, connection: int, cpu: int) -> Outage:
    """Queries fail, and the application answers with an error."""
    return Outage(
        time_s=fault.at_s,
        resource=connection,
        duration_s=fault.duration_s,
        kill=True,
        status=Status.DATABASE_LOST,
        station=cpu,
        fails=True,
    )
