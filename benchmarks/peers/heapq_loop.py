"""An event loop on `heapq`, written by hand for this one model, and for speed.

Nobody would write a larger model like this: users, threads and connections are counters and two
queues, and every kind of event is a branch. Events are tuples of plain numbers; a wait limit costs
no event, because the waiters stand in the order in which their limits pass.
"""

import random
from collections import deque
from heapq import heappop, heappush, heapreplace

from base_case import Case, Outcome

NAME = "heapq loop by hand"
LEAVES_OUT = "keeps start, end and whether the wait expired; no samples of resources"

_NEVER = float("inf")


def run(case: Case, seed: int) -> Outcome:  # noqa: C901, PLR0912, PLR0915 (one loop: calls cost)
    """Simulate a case."""
    luck = random.Random(seed)
    lognormal, exponential = luck.lognormvariate, luck.expovariate
    mu, sigma, think_rate = case.query_mu, case.query_sigma, 1 / case.think_s
    threads, connections = case.threads, case.connections
    for_thread: deque[int] = deque()
    for_connection: deque[tuple[float, int]] = deque()  # (when the wait expires, user)
    thinkers = case.users  # events of users below this number end thinking, others a query
    started = [0.0] * thinkers
    starts: list[float] = []
    ends: list[float] = []
    expired: list[bool] = []
    agenda = [(0.0, user) for user in range(thinkers)]
    agenda.append((case.horizon_s, 2 * thinkers))
    next_expiry = _NEVER
    while True:
        now, who = agenda[0]
        if next_expiry < now:
            now, user = for_connection.popleft()
            gave_up = True
        elif who < thinkers:
            started[who] = now
            if not threads:
                heappop(agenda)
                for_thread.append(who)
                continue
            threads -= 1
            if connections:
                connections -= 1
                heapreplace(agenda, (now + lognormal(mu, sigma), who + thinkers))
                continue
            heappop(agenda)
            for_connection.append((now + case.wait_limit_s, who))
            next_expiry = for_connection[0][0]
            continue
        elif who == 2 * thinkers:
            break
        else:
            heappop(agenda)
            user = who - thinkers
            gave_up = False
        starts.append(started[user])
        ends.append(now)
        expired.append(gave_up)
        heappush(agenda, (now + exponential(think_rate), user))
        if not gave_up:
            if for_connection:
                heir = for_connection.popleft()[1]
                heappush(agenda, (now + lognormal(mu, sigma), heir + thinkers))
            else:
                connections += 1
        if for_thread:
            heir = for_thread.popleft()
            if connections:
                connections -= 1
                heappush(agenda, (now + lognormal(mu, sigma), heir + thinkers))
            else:
                for_connection.append((now + case.wait_limit_s, heir))
        else:
            threads += 1
        next_expiry = for_connection[0][0] if for_connection else _NEVER
    return Outcome(
        requests=len(ends), mean_s=(sum(ends) - sum(starts)) / len(ends), expired=sum(expired)
    )
