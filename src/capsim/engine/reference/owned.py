"""Slots that outlive a request: a connection kept by a user's server thread or a worker."""

from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING

from simpy import Environment

from capsim.plan.plan import Resource

if TYPE_CHECKING:
    from capsim.engine.reference.gauge import Gauge
    from capsim.engine.reference.job import Job


class Owned:
    """Slots held by owners; an owner either has one or is refused, nobody waits."""

    def __init__(self, env: Environment, resource: Resource) -> None:
        """Start with no owner."""
        self.env = env
        self.capacity = resource.capacity
        self.closed = False
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
        if self.closed or len(self._owners) >= self.capacity:
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

    def drop_all(self, resources: Collection[int]) -> None:
        """Take the slots back that are owned by slots of these resources."""
        for owner in [o for o in self._owners if isinstance(o, tuple) and o[0] in resources]:
            self.drop(owner)

    def close(self, away_s: float, *, refuse: bool = False) -> None:  # noqa: ARG002 (nobody waits)
        """Take every slot back and give none for a while."""
        self.closed = True
        for owner in list(self._owners):
            self.drop(owner)
        timer = self.env.timeout(away_s)
        timer.callbacks.append(self._open)

    def _open(self, _timer: object) -> None:
        self.closed = False
