"""The figures that a load-test tool reports of some requests, in the tool's own milliseconds."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from capsim.model.spec import Count, Spec

# Percentiles, in ascending order, and the share of the requests that is at most as slow.
SHARES = {
    "p50_ms": 0.5,
    "p66_ms": 0.66,
    "p75_ms": 0.75,
    "p80_ms": 0.8,
    "p90_ms": 0.9,
    "p95_ms": 0.95,
    "p98_ms": 0.98,
    "p99_ms": 0.99,
    "p999_ms": 0.999,
}
PERCENTILES = (*SHARES, "max_ms")  # a value must not lie below the one before it
LONGEST_MS = 1e12  # 30 years; what is longer is damage, and its square no number
LONGEST_S = LONGEST_MS / 1000
_SHORTEST_MS = 1e-9  # light goes 0.3 mm; what is shorter is damage, or none


def _measurable(value: float) -> float:
    if 0 < value < _SHORTEST_MS:
        msg = f"{value:g} ms is shorter than any clock tells; write 0"
        raise ValueError(msg)
    return value


Milliseconds = Annotated[float, Field(ge=0, le=LONGEST_MS), AfterValidator(_measurable)]
Rate = Annotated[float, Field(ge=1e-9, le=1e9)]  # from one request in a lifetime to damage
Duration = Annotated[float, Field(gt=0, le=LONGEST_S)]


class Figures(Spec):
    """Any subset of what tools report; what was not reported is left out, never guessed."""

    requests: Annotated[int, Field(ge=1)] | None = None
    failures: Count | None = None
    rps: Rate | None = None
    min_ms: Milliseconds | None = None  # for the audit; nothing is calibrated on it
    mean_ms: Milliseconds | None = None
    p50_ms: Milliseconds | None = None
    p66_ms: Milliseconds | None = None
    p75_ms: Milliseconds | None = None
    p80_ms: Milliseconds | None = None
    p90_ms: Milliseconds | None = None
    p95_ms: Milliseconds | None = None
    p98_ms: Milliseconds | None = None
    p99_ms: Milliseconds | None = None
    p999_ms: Milliseconds | None = None
    max_ms: Milliseconds | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        values = {name: getattr(self, name) for name in ("min_ms", *PERCENTILES)}
        given = [(name, value) for name, value in values.items() if value is not None]
        for (low_name, low), (high_name, high) in pairwise(given):
            if high < low:
                msg = (
                    f"{high_name} = {high} lies below {low_name} = {low}; percentiles cannot "
                    "decrease, check the columns"
                )
                raise ValueError(msg)
        if self.mean_ms is not None and self.max_ms is not None and self.mean_ms > self.max_ms:
            msg = f"mean_ms = {self.mean_ms} lies above max_ms = {self.max_ms}"
            raise ValueError(msg)
        if self.failures is not None and self.failures > (self.requests or self.failures):
            msg = f"failures = {self.failures} exceeds requests = {self.requests}"
            raise ValueError(msg)
        return self

    def rate(self, duration_s: float) -> float | None:
        """Requests per second: as reported, or from the number of requests and the duration."""
        if self.rps is not None or self.requests is None:
            return self.rps
        return self.requests / duration_s

    @property
    def mean_s(self) -> float | None:
        """Mean response time in seconds."""
        return None if self.mean_ms is None else self.mean_ms / 1000

    @property
    def failure_ratio(self) -> float | None:
        """Share of failed requests, where both counts are known."""
        if self.failures is None or self.requests is None:
            return None
        return self.failures / self.requests
