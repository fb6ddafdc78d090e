"""Slots that outlive a request: a connection kept by a user's server thread or a worker."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from simpy import Environment

from capsim.engine.reference.job import Session
from capsim.plan.plan import Loss, Resource

if TYPE_CHECKING:
    from capsim.engine.reference.gauge import Gauge
    from capsim.engine.reference.job import Job


class Owned:
    """Slots held by owners; an owner either has one or is refused, nobody waits."""

    def __init__(self, env: Environment, resource: Resource, number: int) -> None:
        """Start with no owner; `number` is the resource's index in the plan."""
        self.env = env
        self.number = number
        self.capacity = resource.capacity
        self._closed_until = 0.0
        self.gauges: list[tuple[Gauge, float]] = []
        self._owners: set[Hashable] = set()
        self.queued_s = 0.0  # always: here so that all resources are sampled alike
        self.wasted_s = 0.0  # likewise: a connection that is kept is nobody's waste
        self._held_s = 0.0  # accounted as in Slots

    @property
    def in_use_s(self) -> float:
        """Slot-seconds held since the start."""
        return self._held_s + self.env._now * len(self._owners)

    def holds(self, owner: Hashable) -> bool:
        """Return whether the owner has a slot."""
        return owner in self._owners

    def take(self, owner: Hashable, job: "Job") -> bool:
        """Give the owner a slot; return whether there was one. The job is the one that asks."""
        if self.env._now < self._closed_until or len(self._owners) >= self.capacity:
            return False
        self._held_s -= self.env._now
        self._owners.add(owner)
        for gauge, weight in self.gauges:
            gauge.add(weight, job)
        return True

    def drop(self, owner: Hashable) -> None:
        """Take the owner's slot back, if it has one."""
        if owner in self._owners:
            self._held_s += self.env._now
            self._owners.remove(owner)
            for gauge, weight in self.gauges:
                gauge.remove(weight)

    def weigh(self, gauge: "Gauge", weight: float) -> None:
        """Have every slot in use add to a gauge."""
        self.gauges.append((gauge, weight))

    def lose(self, loss: Loss) -> None:
        """Take the slots back whose owners are lost."""
        first, end = loss.routes
        for owner in list(self._owners):
            if isinstance(owner, Session):
                lost = first <= max(0, owner.route) < end
            else:
                lost = isinstance(owner, tuple) and owner[0] in loss.slots_of
            if lost:
                self.drop(owner)

    def close(self, until_s: float) -> None:
        """Take every slot back, and give none before a time."""
        for owner in list(self._owners):
            self.drop(owner)
        self._closed_until = max(self._closed_until, until_s)
