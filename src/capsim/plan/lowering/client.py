"""The client: how long it waits, who ends its wait, and when it asks again."""

from capsim.model.client import Client, Failure, Retries
from capsim.model.front import Balancer
from capsim.plan import plan as plans
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.front import UNAVAILABLE
from capsim.plan.ops import Jitter, Status
from capsim.plan.plan import INFINITE

BAD_GATEWAY, GATEWAY_TIMEOUT = 502, 504  # RFC 9110, sections 15.6.3 and 15.6.5
_SERVER_ERRORS = frozenset(range(500, 600)) - {BAD_GATEWAY, UNAVAILABLE, GATEWAY_TIMEOUT}

_JITTERS = {"none": Jitter.NONE, "full": Jitter.FULL, "equal": Jitter.EQUAL}
_STATUSES: dict[Failure, frozenset[int]] = {
    "timeout": frozenset({Status.CLIENT_TIMEOUT, GATEWAY_TIMEOUT}),
    "connection": frozenset({Status.BACKLOG_FULL, Status.SERVER_LOST}),
    "unavailable": frozenset({Status.UNREACHABLE, BAD_GATEWAY, UNAVAILABLE}),
    "error": frozenset(
        {
            Status.WORKER_TIMEOUT,  # a sync worker that is killed answers 500 and closes
            Status.POOL_TIMEOUT,
            Status.POOL_FULL,
            Status.CONNECTION_REFUSED,
            Status.QUEUE_TIMEOUT,
            Status.LOCK_TIMEOUT,
            Status.STATEMENT_TIMEOUT,
            Status.DATABASE_LOST,
            *_SERVER_ERRORS,
        }
    ),
}


def patience(client: Client, balancer: Balancer | None) -> tuple[float, int]:
    """Return after how many seconds somebody gives a request up, and with which status.

    That is the client, or before it the balancer, which answers 504. Either way the server goes
    on with the request for nobody.
    """
    client_s = client.timeout_s or INFINITE
    balancer_s = (balancer.timeout_s if balancer else None) or INFINITE
    return (
        (balancer_s, GATEWAY_TIMEOUT)
        if balancer_s < client_s
        else (
            client_s,
            Status.CLIENT_TIMEOUT,
        )
    )


def lower_retries(builder: PlanBuilder, retries: Retries | None) -> plans.Retries | None:
    """Return a client's retry policy, where it has one."""
    if retries is None:
        return None
    return plans.Retries(
        most=retries.attempts,
        base_s=retries.base_s,
        cap_s=retries.cap_s,
        jitter=_JITTERS[retries.jitter],
        luck_column=builder.column("retry", None, per_attempt=True),
        statuses=frozenset().union(*(_STATUSES[failure] for failure in retries.after)),
        ratio=INFINITE if retries.budget is None else retries.budget,
        burst=INFINITE if retries.budget is None else retries.budget_burst,
    )
