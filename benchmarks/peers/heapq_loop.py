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
KEEPS = "start and end of each request, and whether its wait expired"

_NEVER = float("inf")


def run(case: Case, seed: int) -> Outcome:
    """Simulate a case."""
    starts: list[float] = []
    ends: list[float] = []
    expired: list[bool] = []
    _loop(case, random.Random(seed), starts, ends, expired)
    return Outcome(
        requests=len(ends), mean_s=(sum(ends) - sum(starts)) / len(ends), expired=sum(expired)
    )


def _loop(  # noqa: PLR0915 (one loop: calls would cost)
    case: Case, luck: random.Random, starts: list[float], ends: list[float], expired: list[bool]
) -> None:
    lognormal, exponential = luck.lognormvariate, luck.expovariate
    mu, sigma, think_rate = case.query_mu, case.query_sigma, 1 / case.think_s
    users, threads, connections = case.users, case.threads, case.connections
    for_thread: deque[int] = deque()
    for_connection: deque[tuple[float, int]] = deque()  # (when the wait expires, user)
    next_expiry = _NEVER
    started = [0.0] * users
    # Below `users` a user ends thinking, above a query of user - `users` is done.
    agenda = [(0.0, user) for user in range(users)]
    agenda.append((case.horizon_s, 2 * users))
    while True:
        now, user = agenda[0]
        if next_expiry < now:
            now, user = for_connection.popleft()
            gave_up = True
        elif user < users:
            started[user] = now
            if threads and connections:
                threads -= 1
                connections -= 1
                heapreplace(agenda, (now + lognormal(mu, sigma), user + users))
                continue
            heappop(agenda)
            if threads:
                threads -= 1
                for_connection.append((now + case.wait_limit_s, user))
                next_expiry = for_connection[0][0]
            else:
                for_thread.append(user)
            continue
        elif user == 2 * users:
            return
        else:
            heappop(agenda)
            user -= users
            gave_up = False
            connections += 1
        starts.append(started[user])
        ends.append(now)
        expired.append(gave_up)
        heappush(agenda, (now + exponential(think_rate), user))
        if for_connection and connections:
            connections -= 1
            heir = for_connection.popleft()[1]
            heappush(agenda, (now + lognormal(mu, sigma), heir + users))
        if not for_thread:
            threads += 1
        elif connections:
            connections -= 1
            heappush(agenda, (now + lognormal(mu, sigma), for_thread.popleft() + users))
        else:
            for_connection.append((now + case.wait_limit_s, for_thread.popleft()))
        next_expiry = for_connection[0][0] if for_connection else _NEVER
