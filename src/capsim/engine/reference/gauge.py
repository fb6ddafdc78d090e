"""A level that slots in use add up to, e.g. the memory of a machine."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from capsim.plan.plan import Gauge as GaugeSpec

if TYPE_CHECKING:
    from capsim.engine.reference.job import Job

Passed = Callable[[GaugeSpec, "Job"], None]


class Gauge:
    """The level, and what happens when it passes its limit; once until it has come back."""

    def __init__(self, spec: GaugeSpec, passed: Passed) -> None:
        """Start at zero; `passed` is told of the job whose grant was too much."""
        self.spec = spec
        self.level = 0.0
        self._passed = passed
        self._armed = True

    def add(self, weight: float, job: "Job") -> None:
        """Count a slot that is granted to a job."""
        self.level += weight
        if self._armed and self.level > self.spec.limit:
            self._armed = False
            self._passed(self.spec, job)

    def remove(self, weight: float) -> None:
        """Count a slot that is given back."""
        self.level -= weight
        if self.level <= self.spec.limit:
            self._armed = True
