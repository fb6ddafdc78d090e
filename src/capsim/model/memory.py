"""Memory of the machine that the application runs on, and what happens when it runs out."""

from typing import Literal

from capsim.model.spec import NonNegative, Positive, Spec


class Memory(Spec):
    """A limit of memory (a container's, or the machine's), and what uses it up.

    Past the limit the kernel kills: the largest process, whose requests are lost and which is
    forked anew, or everything in the container (memory.oom.group, as Kubernetes sets it).
    """

    limit_mb: Positive
    base_mb: NonNegative = 0.0  # of everything that is always there
    per_process_mb: NonNegative = 0.0
    per_request_mb: NonNegative = 0.0  # while it has a worker, thread or greenlet
    per_connection_mb: NonNegative = 0.0  # a PostgreSQL backend, where it shares the machine
    kills: Literal["process", "instance"] = "process"
    restart_s: NonNegative = 1.0  # until it is back; a sync worker's own boot time is the server's

    def left_mb(self, processes: int) -> float:
        """Return what so many processes leave for requests and connections."""
        return self.limit_mb - self.base_mb - processes * self.per_process_mb
