"""The client's side of a request: how long it waits, and whether it asks again."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from capsim.model.spec import NonNegative, Positive, PositiveCount, Probability, Spec

_MOST_ATTEMPTS = 100  # each is simulated

Failure = Literal["timeout", "connection", "unavailable", "error"]


class Retries(Spec):
    """Retries of requests that fail for a reason that may pass.

    The pause before retry k (from 1) is min(`cap_s`, `base_s` * 2^(k-1)), drawn between 0 and
    that (`full` jitter), from its upper half (`equal`), or as it is (`none`).
    """

    attempts: Annotated[PositiveCount, Field(le=_MOST_ATTEMPTS)]  # besides the first
    base_s: NonNegative = 0.1
    cap_s: Positive = 10.0
    jitter: Literal["none", "full", "equal"] = "full"
    # After which failures: no answer in time; a connection refused or lost; 502, 503; other 5xx.
    after: Annotated[tuple[Failure, ...], Field(min_length=1)] = (
        "timeout",
        "connection",
        "unavailable",
    )
    # A retry budget: retries may be this share of first attempts; none: no budget.
    budget: Probability | None = None
    budget_burst: PositiveCount = 10  # retries that may be saved up

    @model_validator(mode="after")
    def _base_below_cap(self) -> Self:
        if self.base_s > self.cap_s:
            msg = f"base_s = {self.base_s} lies above cap_s = {self.cap_s}; raise cap_s"
            raise ValueError(msg)
        return self


class Client(Spec):
    """The client's side of a request."""

    timeout_s: Positive | None = None  # gives up after this; the server does not learn of it
    slower_than_s: Positive | None = None  # counts an answer slower than this as failed
    retries: Retries | None = None
