"""What stands before the application: the network, a load balancer, load shedding."""

from typing import Literal, Self

from pydantic import model_validator

from capsim.model.spec import NonNegative, Positive, PositiveCount, Replicated, Spec


class Network(Spec):
    """How a client's connect fares when the listen backlog is full.

    Linux drops the SYN without a word, and the client's kernel sends it again at fixed times:
    1, 3, 7 ... s up to version 6.4; since 6.5, with tcp_syn_linear_timeouts = 4, at 1, 2, 3, 4, 5,
    7, 11 ... s (ip-sysctl documentation).
    """

    overflow: Literal["retransmit", "refuse"] = "retransmit"
    syn_retries_s: tuple[Positive, ...] = (1.0, 3.0, 7.0, 15.0, 31.0, 63.0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if list(self.syn_retries_s) != sorted(set(self.syn_retries_s)):
            msg = (
                f"syn_retries_s = {list(self.syn_retries_s)}: are times since the first SYN; "
                "give them in increasing order"
            )
            raise ValueError(msg)
        return self


class Balancer(Spec):
    """A load balancer before several equal instances, which share one database.

    An instance that is down is known to be down: its connections are refused at once.
    """

    instances: Replicated = 2
    policy: Literal["round-robin", "least-connections", "random", "two-choices"] = "round-robin"
    timeout_s: Positive | None = 60.0  # then it answers 504, and the instance works on


class Shedding(Spec):
    """Load shedding: beyond `limit` requests at once, the next one is answered 503.

    At the front nothing of the application runs for it. In the application it has waited for a
    thread before, and costs `cpu_s`.
    """

    limit: PositiveCount
    place: Literal["front", "application"] = "front"
    cpu_s: NonNegative = 0.0

    @model_validator(mode="after")
    def _cpu_where_code_runs(self) -> Self:
        if self.place == "front" and self.cpu_s:
            msg = (
                f"cpu_s = {self.cpu_s}: at the front none of the application's code runs; "
                'set place = "application", or remove cpu_s'
            )
            raise ValueError(msg)
        return self
