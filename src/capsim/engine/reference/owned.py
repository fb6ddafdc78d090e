"""Slots that outlive a request: a connection kept by a user's server thread or a worker."""

from collections.abc import Hashable

from simpy import Environment

from capsim.plan.plan import Resource


class Owned:
    """Slots held by owners; an owner either has one or is refused, nobody waits."""

    def __init__(self, env: Environment, resource: Resource) -> None:
        """Start with no owner."""
        self.env = env
        self.capacity = resource.capacity
        self._owners: set[Hashable] = set()
        self.queued_s = 0.0  # always: here so that all resources are sampled alike
        self._held_s = 0.0  # accounted as in Fifo

    @property
    def in_use_s(self) -> float:
        """Slot-seconds held since the start."""
        return self._held_s + self.env._now * len(self._owners)

    def holds(self, owner: Hashable) -> bool:
        """Return whether the owner has a slot."""
        return owner in self._owners

    def take(self, owner: Hashable) -> bool:
        """Give the owner a slot; return whether there was one."""
        if len(self._owners) >= self.capacity:
            return False
        self._held_s -= self.env._now
        self._owners.add(owner)
        return True

    def drop(self, owner: Hashable) -> None:
        """Take the owner's slot back, if it has one."""
        if owner in self._owners:
            self._held_s += self.env._now
            self._owners.remove(owner)
