"""The figures that a load-test tool reports of some requests, in the tool's own milliseconds."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from capsim.model.spec import Count, NonNegative, Positive, Spec

# In ascending order: a value must not lie below the one before it.
PERCENTILES = (
    "p50_ms",
    "p66_ms",
    "p75_ms",
    "p80_ms",
    "p90_ms",
    "p95_ms",
    "p98_ms",
    "p99_ms",
    "p999_ms",
    "max_ms",
)


class Figures(Spec):
    """Any subset of what tools report; what was not reported is left out, never guessed."""

    requests: Annotated[int, Field(ge=1)] | None = None
    failures: Count | None = None
    rps: Positive | None = None
    min_ms: NonNegative | None = None  # for the audit; nothing is calibrated on it
    mean_ms: NonNegative | None = None
    p50_ms: NonNegative | None = None
    p66_ms: NonNegative | None = None
    p75_ms: NonNegative | None = None
    p80_ms: NonNegative | None = None
    p90_ms: NonNegative | None = None
    p95_ms: NonNegative | None = None
    p98_ms: NonNegative | None = None
    p99_ms: NonNegative | None = None
    p999_ms: NonNegative | None = None
    max_ms: NonNegative | None = None

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
    def failure_ratio(self) -> float | None:
        """Share of failed requests, where both counts are known."""
        if self.failures is None or self.requests is None:
            return None
        return self.failures / self.requests
