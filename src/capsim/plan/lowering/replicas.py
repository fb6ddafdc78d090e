"""Read replicas: cores for reads, and one process each that replays what the primary commits."""

from dataclasses import dataclass

from capsim.model.database import Replicas
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import NO_COLUMN
from capsim.plan.plan import INFINITE, Station

CPU, REPLAY = "replica CPU", "replica replay"
REPLICATION = "replication"  # the background class of what is on its way to a replica


@dataclass(frozen=True, kw_only=True)
class LoweredReplicas:
    """Where reads go, and what a COMMIT sets in motion."""

    builder: PlanBuilder
    cpu: int
    count: int
    pick: int
    replays: tuple[int, ...]  # the background class of each replica

    def read(self, time: int) -> None:
        """Have a query served by one of the replicas."""
        self.builder.note(self.cpu)
        self.builder.serve(self.cpu, time, repeated=True, among=self.count, pick=self.pick)

    def replay(self) -> None:
        """Send what was committed to every replica; the COMMIT does not wait for that."""
        for replay in self.replays:
            self.builder.fork(replay)


def lower_replicas(builder: PlanBuilder, replicas: Replicas | None) -> LoweredReplicas | None:
    """Add the replicas, where there are any."""
    if replicas is None:
        return None
    count = replicas.count
    cpu = builder.station(Station(name=CPU, cores=replicas.cores, outlives=True), count)
    # One startup process replays, in order: first come, first served.
    replay = builder.station(Station(name=REPLAY, quantum_s=INFINITE), count)
    lag = builder.column("replication lag", replicas.lag_s)
    demand = builder.column("replay", replicas.replay_s)
    replays = []
    for number in range(count):
        replays.append(builder.request_class(REPLICATION))
        builder.delay(lag)
        builder.serve(replay + number, demand)
        builder.end()
    pick = builder.column("replica", None) if count > 1 else NO_COLUMN
    return LoweredReplicas(builder=builder, cpu=cpu, count=count, pick=pick, replays=tuple(replays))
