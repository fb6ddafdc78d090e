"""The listen backlog: where the kernel keeps connections that no worker has accepted yet."""

from collections.abc import Callable
from itertools import pairwise

from capsim.model.front import Network
from capsim.model.laws import Constant
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import Status

_SECOND = Constant(value=1.0)


def places(backlog: int) -> int:
    """Return how many connections fit: the kernel refuses when more than the limit wait.

    (`sk_acceptq_is_full`, include/net/sock.h, Linux 6: the queue's length > its limit.)
    """
    return backlog + 1


def accept(
    builder: PlanBuilder,
    listen: int,
    network: Network,
    *,
    per_route: int = 0,
    choose_again: Callable[[], None] = lambda: None,
) -> None:
    """Add the steps from a client's connect to its acceptance, SYNs sent again included.

    `choose_again` adds what finds out who may accept when a SYN is sent again.
    """
    tried = builder.acquire(listen, per_route=per_route)
    accepted = [builder.jump()]
    builder.land(tried)
    if network.overflow == "retransmit":
        second = builder.column("SYN retransmission", _SECOND)
        for before, at in pairwise((0.0, *network.syn_retries_s)):
            builder.delay(second, scale=at - before, by_client=True)
            choose_again()
            tried = builder.acquire(listen, per_route=per_route)
            accepted.append(builder.jump())
            builder.land(tried)
    builder.fail(Status.BACKLOG_FULL, builder.here + 1)
    builder.end()
    for step in accepted:
        builder.land(step)
