"""Requests that are given up after a fixed time: while they wait, or while nobody notices."""

import math
from dataclasses import dataclass

from capsim.theory import _checks
from capsim.theory.erlang import erlang_b
from capsim.theory.impatience import AbandonmentMetrics

# Below this exponent a difference of exponentials loses more digits than two terms of its series.
_SMALL_EXPONENT = 1e-5


@dataclass(frozen=True, kw_only=True)
class LateAnswers:
    """Steady state of a server whose clients give up without telling it.

    Attributes:
        timeout_probability: Fraction of the requests whose client has gone before the answer.
        goodput: Answers per second that still find their client.
        utilisation: Mean busy fraction of the server, useless work included.
    """

    timeout_probability: float
    goodput: float
    utilisation: float


def mmc_fixed_patience(
    *, arrival_rate: float, service_rate: float, servers: int, patience: float
) -> AbandonmentMetrics:
    """Steady state of M/M/c+D: whoever has waited for a fixed time gives up, as at a pool.

    Source: Barrer 1957; Baccelli and Hebuterne 1981. The wait that an arrival faces has the density
    v(x) = lambda p(c-1) exp(-(c mu - lambda) x) up to the patience; beyond it nobody joins and
    exp(-c mu x) is left. P(timeout) is the mass beyond, and the states below c are those of M/M/c.

    Args:
        arrival_rate: Arrivals per second, any load.
        service_rate: Completions per second of one busy server.
        servers: Number of servers c.
        patience: Longest wait in seconds; with 0 nobody waits (M/M/c/c).

    Returns:
        The steady state.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.count("servers", servers)
    _checks.non_negative("patience", patience)
    capacity = servers * service_rate
    drift = (capacity - arrival_rate) * patience
    mass, moment = _truncated_exponential(drift)
    # All weights are taken relative to the larger end of the density: an overload overflows else.
    start, end = math.exp(min(drift, 0.0)), math.exp(-max(drift, 0.0))
    blocking = erlang_b(servers=servers, offered_load=arrival_rate / service_rate)
    total = start * (1.0 - blocking) + blocking * (capacity * patience * mass + end)
    timeout = blocking * end / total
    waiting_time = patience * (blocking * capacity * patience * moment / total + timeout)
    throughput = arrival_rate * (1.0 - timeout)
    response_time = waiting_time + (1.0 - timeout) / service_rate
    return AbandonmentMetrics(
        throughput=throughput,
        abandonment_probability=timeout,
        utilisation=throughput / capacity,
        population=arrival_rate * response_time,
        queue_length=arrival_rate * waiting_time,
        response_time=response_time,
        waiting_time=waiting_time,
    )


def mm1_late_answers(*, arrival_rate: float, service_rate: float, patience: float) -> LateAnswers:
    """Steady state of FIFO M/M/1 that executes in full what its clients have given up.

    The sojourn is exponential with rate mu - lambda (Kleinrock 1975, volume 1, chapter 5), and
    the patience changes nothing at the server. In overload the wait grows for ever, so that in the
    end every answer is late.

    Args:
        arrival_rate: Arrivals per second, any load.
        service_rate: Completions per second of the busy server.
        patience: Time in seconds from the request to the client's leaving.

    Returns:
        The steady state, in overload the limit.

    Raises:
        ValueError: If an argument is out of range.
    """
    _checks.positive("arrival_rate", arrival_rate)
    _checks.positive("service_rate", service_rate)
    _checks.non_negative("patience", patience)
    spare = service_rate - arrival_rate
    timeout = math.exp(-spare * patience) if spare > 0.0 else 1.0
    return LateAnswers(
        timeout_probability=timeout,
        goodput=arrival_rate * (1.0 - timeout),
        utilisation=min(1.0, arrival_rate / service_rate),
    )


def _truncated_exponential(exponent: float) -> tuple[float, float]:
    """Integrals of exp(-z u) and u exp(-z u) over [0, 1], over the largest exp(-z u) if z < 0."""
    size = abs(exponent)
    if size < _SMALL_EXPONENT:
        mass, moment = 1.0 - size / 2.0, 0.5 - size / 3.0
    else:
        mass = -math.expm1(-size) / size
        moment = (mass - math.exp(-size)) / size
    return mass, moment if exponent >= 0.0 else mass - moment
