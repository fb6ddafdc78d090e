"""Lowering: each component turns itself into primitive steps; engines know only those."""

from functools import partial

from capsim.model.model import Model
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering.requests import lower_request
from capsim.plan.lowering.stack import lower_stack
from capsim.plan.lowering.workload import lower_workload
from capsim.plan.plan import Plan
from capsim.plan.streams import stream


def lower(model: Model, scenario: Scenario, *, seed: int, replication: int = 0) -> Plan:
    """Turn a model and one of its load tests into a plan.

    Args:
        model: the system.
        scenario: the load test, of this model.
        seed: names the luck; equal seeds give equal luck to every system.
        replication: another number gives independent luck under the same seed.

    Raises:
        InputError: the system cannot start.
    """
    builder = PlanBuilder()
    luck = partial(stream, seed, replication)
    stack = lower_stack(builder, model, scenario, luck)
    needed = {task for tasks in scenario.tasks_by_source().values() for task in tasks}
    classes = {
        name: lower_request(builder, name, request, stack)
        for name, request in model.requests.items()
        if name in needed
    }
    lower_workload(builder, model, scenario, classes, luck)
    return builder.build(horizon_s=scenario.duration_s, seed=seed, replication=replication)


__all__ = ["lower"]
