"""What a client's `retries.after` means: every way to fail belongs to one of its groups."""

import pytest

from capsim.model.client import Retries
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.client import lower_retries
from capsim.plan.ops import Status

UNAVAILABLE = {Status.UNREACHABLE, 502, 503}
OF_DJANGO = {
    Status.POOL_TIMEOUT,
    Status.POOL_FULL,
    Status.CONNECTION_REFUSED,
    Status.QUEUE_TIMEOUT,
    Status.LOCK_TIMEOUT,
    Status.STATEMENT_TIMEOUT,
    Status.DATABASE_LOST,
}
GROUPS: dict[str, set[int]] = {
    "timeout": {Status.CLIENT_TIMEOUT, 504},
    "connection": {Status.BACKLOG_FULL, Status.SERVER_LOST},
    "unavailable": UNAVAILABLE,
    # A sync worker that is killed answers 500 before it goes.
    "error": {*OF_DJANGO, Status.WORKER_TIMEOUT, *range(500, 600)} - UNAVAILABLE - {504},
}
NO_FAILURES = {Status.OK, Status.IN_FLIGHT, Status.TASK_TIMEOUT}


def statuses(*after: str) -> frozenset[int]:
    """After which statuses a client with these groups asks again."""
    policy = lower_retries(PlanBuilder(), Retries.model_validate({"attempts": 1, "after": after}))
    assert policy is not None
    return policy.statuses


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_what_its_name_says(group: str) -> None:
    """Each has its statuses, and no other."""
    assert statuses(group) == GROUPS[group]


def test_every_failure_belongs_to_one_group() -> None:
    """Groups do not overlap; together they are all that may go wrong, and no answer below 500."""
    assert sum(len(group) for group in GROUPS.values()) == len(statuses(*GROUPS))
    assert statuses(*GROUPS) == (set(Status) | set(range(500, 600))) - NO_FAILURES
