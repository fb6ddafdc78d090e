"""How often slots may be used, as rows of limits by birth, and of what is left to each slot."""

import numpy as np

from capsim.engine.compiled.layout.rows import Row, Tables
from capsim.plan.plan import Resource


class Usage:
    """The limits of all resources behind one another, and the uses that are left."""

    def __init__(self) -> None:
        """Start without any."""
        self._limits: list[int] = []
        self._left: list[int] = []

    def add(self, spec: Resource) -> Row:
        """Give the first slots of a resource the first limits; return where they begin."""
        if not spec.uses:
            return {}
        births = 1 if spec.whole else spec.capacity
        row = {
            "uses": len(self._limits),
            "uses_count": len(spec.uses),
            "births": births,
            "left": len(self._left),
        }
        self._limits += spec.uses
        self._left += [spec.uses[birth % len(spec.uses)] for birth in range(births)]
        return row

    def tables(self) -> Tables:
        """Return them all."""
        return {
            "use_limits": np.array(self._limits, np.int64),
            "uses_left": np.array(self._left, np.int64),
        }
