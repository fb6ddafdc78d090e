"""salabim, with processes as its documentation writes them, and what it says costs time left out.

Processes have yields, which need no greenlets and are the faster of its two styles here; monitors
of resources, statuses and modes are off, and nothing is traced or animated.
"""

import random
from collections.abc import Generator
from typing import Any

from base_case import Case, Outcome

NAME = "salabim"
KEEPS = "start and end of each request, and whether its wait expired; its monitors are off"


def run(case: Case, seed: int) -> Outcome:
    """Simulate a case."""
    import salabim

    env = salabim.Environment(random_seed=seed, trace=False, yieldless=False)
    threads = salabim.Resource("threads", capacity=case.threads, monitor=False)
    connections = salabim.Resource("connections", capacity=case.connections, monitor=False)
    luck = random.Random(seed)
    answers: list[tuple[float, float, bool]] = []

    class User(salabim.Component):  # type: ignore[misc] # it has no types
        def process(self) -> Generator[Any, Any, None]:
            while True:
                start = env.now()
                yield self.request(threads)
                yield self.request(connections, fail_delay=case.wait_limit_s)
                expired = self.failed()
                if not expired:
                    yield self.hold(luck.lognormvariate(case.query_mu, case.query_sigma))
                self.release()
                answers.append((start, env.now(), expired))
                yield self.hold(luck.expovariate(1 / case.think_s))

    for _ in range(case.users):
        user = User()
        user.status.monitor(value=False)
        user.mode.monitor(value=False)
    env.run(till=case.horizon_s)
    return Outcome(
        requests=len(answers),
        mean_s=sum(end - start for start, end, _ in answers) / len(answers),
        expired=sum(expired for _, _, expired in answers),
    )
