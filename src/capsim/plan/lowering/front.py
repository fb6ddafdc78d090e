"""What a request meets first: load shedding, then the balancer that chooses an instance."""

from collections.abc import Callable
from dataclasses import dataclass

from capsim.model.faults import InstanceLost, Restart
from capsim.model.front import Balancer, Shedding
from capsim.model.model import Model
from capsim.model.server import DevelopmentServer
from capsim.model.workload import Scenario
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import Policy, Status
from capsim.plan.plan import UNLIMITED, Resource

INSTANCE, ADMITTED = "instance", "admitted request"
UNAVAILABLE = 503  # RFC 9110, section 15.6.4
NEVER_KEPT = -1.0  # as a keep-alive: the balancer chooses anew for each request

POLICIES = {
    "random": Policy.RANDOM,
    "round-robin": Policy.TURN,
    "least-connections": Policy.LEAST,
    "two-choices": Policy.TWO,
}


@dataclass(frozen=True, kw_only=True)
class LoweredFront:
    """What the rest of the stack needs to know of what stands before it."""

    enter: Callable[[], None]  # adds the steps from the client to the instance
    instances: int
    gate: int | None  # the first instance's gate: all of an instance's requests hold it
    keeps_users: bool  # a user's own connection ends at the application, not at a balancer


def lower_front(builder: PlanBuilder, model: Model, scenario: Scenario) -> LoweredFront:
    """Add what stands before the application."""
    balancer = model.balancer
    instances = balancer.instances if balancer else 1
    gate = None
    if _needs_gates(model, scenario):
        gate = builder.resource(Resource(name=INSTANCE, capacity=UNLIMITED), instances)
    shed = None
    if model.shedding and model.shedding.place == "front":
        shed = shedding(builder, model.shedding)
    choice = builder.column("instance", None, per_attempt=True) if balancer else None

    def enter() -> None:
        if shed:
            shed()
        if balancer and choice is not None and gate is not None:
            _balance(builder, balancer, choice, gate)
        if gate is not None:
            _reach(builder, gate, per_route=1 if balancer else 0)

    return LoweredFront(enter=enter, instances=instances, gate=gate, keeps_users=balancer is None)


def shedding(
    builder: PlanBuilder, settings: Shedding, answer: Callable[[], None] = lambda: None
) -> Callable[[], None]:
    """Return what adds the steps that admit a request, or `answer` it with a 503."""
    # A balancer forgets a request when its client goes; the application does when it is done.
    admitted = builder.resource(
        Resource(
            name=ADMITTED,
            capacity=settings.limit,
            queue_limit=0,
            of_client=settings.place == "front",
        )
    )

    def admit() -> None:
        refused = builder.acquire(admitted)
        passed = builder.jump()
        builder.land(refused)
        answer()
        builder.fail(UNAVAILABLE, builder.here + 1)
        builder.end()
        builder.land(passed)

    return admit


def _needs_gates(model: Model, scenario: Scenario) -> bool:
    """Whether something happens to an instance as a whole, or between several."""
    dies = any(isinstance(fault, InstanceLost | Restart) for fault in scenario.faults)
    memory = model.memory
    killed = memory is not None and (
        memory.kills == "instance" or isinstance(model.server, DevelopmentServer)
    )
    return model.balancer is not None or dies or killed


def _balance(builder: PlanBuilder, balancer: Balancer, choice: int, gate: int) -> None:
    builder.route(
        balancer.instances,
        choice,
        gates=gate,
        keepalive_s=NEVER_KEPT,
        policy=POLICIES[balancer.policy],
    )


def _reach(builder: PlanBuilder, gate: int, *, per_route: int) -> None:
    """Add the steps from the network to an instance, which refuses while it is down."""
    refused = builder.acquire(gate, per_route=per_route)
    reached = builder.jump()
    builder.land(refused)
    builder.fail(Status.UNREACHABLE, builder.here + 1)
    builder.end()
    builder.land(reached)
