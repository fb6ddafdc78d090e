"""Clients that ask again after a failure, with pauses, luck and a budget."""

from capsim.engine.compiled.draws import drawn
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.state import State
from capsim.plan.ops import Jitter

_FULL, _EQUAL = int(Jitter.FULL), int(Jitter.EQUAL)


@kernel
def earn(s: State, source: int) -> None:
    """Have a first attempt add to the budget."""
    policy = s.sources[source]
    policy.tokens = min(policy.burst, policy.tokens + policy.ratio)


@seldom
def decide_retry(s: State, job: int, status: int) -> None:
    """Say whether the client of a failed attempt asks again, and after which pause."""
    request = s.jobs[job]
    client = s.sessions[request.session]
    policy = s.sources[client.source]
    if request.attempt >= policy.retries or policy.tokens < 1.0:
        return
    if not s.retried_statuses[client.source, status]:
        return
    pause = _pause(s, job, client.source)
    if s.registers[0].now + pause >= client.stop:
        return
    if policy.burst < float("inf"):
        policy.tokens -= 1.0
    request.retries, request.retry_in = 1, pause


@seldom
def _pause(s: State, job: int, source: int) -> float:
    policy = s.sources[source]
    pause = min(policy.pause_cap, policy.pause_base * 2.0 ** s.jobs[job].attempt)
    if policy.jitter == _FULL:
        return pause * drawn(s, job, policy.luck_column)
    if policy.jitter == _EQUAL:
        return pause * (1.0 + drawn(s, job, policy.luck_column)) / 2.0
    return pause
