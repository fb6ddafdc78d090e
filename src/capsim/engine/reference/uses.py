"""How often a worker may be used before another one takes its place."""

from capsim.plan.plan import Resource


class Uses:
    """How often each slot, or the resource as a whole, may still be used."""

    def __init__(self, resource: Resource) -> None:
        """Give the first ones the first limits."""
        self._limits = resource.uses
        self._whole = resource.whole
        self._births = 0
        count = 1 if resource.whole else resource.capacity
        self._left = [self._born() for _ in range(count)]

    def _born(self) -> int:
        self._births += 1
        return self._limits[(self._births - 1) % len(self._limits)]

    def count(self, slot: int) -> bool:
        """Count a use; return whether it was the last."""
        place = 0 if self._whole else slot
        self._left[place] -= 1
        return self._left[place] == 0

    def used_up(self, slot: int) -> bool:
        """Return whether a slot has been used as often as it may be."""
        return self._left[slot] <= 0

    def renew(self, slot: int) -> None:
        """Take note that another one has taken the place of a slot, or of them all."""
        self._left[0 if self._whole else slot] = self._born()
