"""SimPy as its documentation teaches it: `Resource`, `with`, and `|` with a timeout to renege."""

import random
from collections.abc import Generator
from typing import Any

import simpy
from base_case import Case, Outcome

NAME = "SimPy, tutorial style"
KEEPS = "start and end of each request, and whether its wait expired"


def run(case: Case, seed: int) -> Outcome:
    """Simulate a case."""
    env = simpy.Environment()
    threads = simpy.Resource(env, case.threads)
    connections = simpy.Resource(env, case.connections)
    luck = random.Random(seed)
    answers: list[tuple[float, float, bool]] = []

    def user() -> Generator[Any, Any, None]:
        while True:
            start = env.now
            with threads.request() as thread:
                yield thread
                with connections.request() as connection:
                    granted = yield connection | env.timeout(case.wait_limit_s)
                    if connection in granted:
                        yield env.timeout(luck.lognormvariate(case.query_mu, case.query_sigma))
            answers.append((start, env.now, connection not in granted))
            yield env.timeout(luck.expovariate(1 / case.think_s))

    for _ in range(case.users):
        env.process(user())
    env.run(until=case.horizon_s)
    return Outcome(
        requests=len(answers),
        mean_s=sum(end - start for start, end, _ in answers) / len(answers),
        expired=sum(expired for _, _, expired in answers),
    )
