"""Clients that ask again after a failure, with pauses, luck and a budget."""

from capsim.engine.reference.job import Job
from capsim.plan.ops import Jitter
from capsim.plan.plan import INFINITE, Retries


class Retrying:
    """The retry policy of one source, and the tokens that its budget has left."""

    def __init__(self, policy: Retries) -> None:
        """Start with a full budget."""
        self._policy = policy
        self._tokens = policy.burst

    def begin(self, job: Job, before: Job | None) -> None:
        """Take note of a first attempt, or of one that follows another."""
        if before is None:
            self._tokens = min(self._policy.burst, self._tokens + self._policy.ratio)
        else:
            job.attempt, job.asked = before.attempt + 1, before.asked

    def decide(self, job: Job, status: int, now: float) -> float | None:
        """Return the pause before the next attempt; none: there is no other."""
        policy = self._policy
        if job.attempt >= policy.most or status not in policy.statuses or self._tokens < 1.0:
            return None
        pause_s = self._pause_s(job)
        if now + pause_s >= job.session.stop_s:
            return None
        if policy.burst < INFINITE:
            self._tokens -= 1.0
        return pause_s

    def _pause_s(self, job: Job) -> float:
        policy = self._policy
        pause_s: float = min(policy.cap_s, policy.base_s * 2.0**job.attempt)
        luck: float = job.row[policy.luck_column]
        if policy.jitter == Jitter.FULL:
            return pause_s * luck
        return pause_s * (1.0 + luck) / 2.0 if policy.jitter == Jitter.EQUAL else pause_s
