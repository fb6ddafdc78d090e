"""How much faster the reference engine is than the same model in SimPy's tutorial style.

Both simulate 100 users (exponential think time, mean 0.43 s) that need one of 16 threads, then
one of 8 connections (waiting at most 30 s), then a lognormal query of mean 5 ms, for 300 s. The
rival uses `Resource` and `AnyOf` as SimPy's documentation teaches. Rounds alternate, time is the
process's CPU time, and the ratio of each round's pair is taken, so that a machine whose speed
drifts does not change the answer.

    python benchmarks/engine_versus_tutorial.py [--rounds 7]
"""

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy

from capsim.engine import simulate_plan
from capsim.model.laws import Exponential, Lognormal
from capsim.plan.builder import PlanBuilder
from capsim.plan.ops import Status
from capsim.plan.plan import Plan, Resource

USERS, THREADS, CONNECTIONS = 100, 16, 8
THINK_S, QUERY_S, QUERY_CV, WAIT_LIMIT_S, HORIZON_S = 0.43, 0.005, 1.0, 30.0, 300.0


def tutorial(seed: int) -> int:
    """Run the tutorial-style model; return the number of requests answered."""
    env = simpy.Environment()
    threads = simpy.Resource(env, THREADS)
    connections = simpy.Resource(env, CONNECTIONS)
    luck = random.Random(seed)  # noqa: S311 (a simulation, no secret)
    sigma = math.sqrt(math.log1p(QUERY_CV**2))
    mu = math.log(QUERY_S) - sigma**2 / 2
    answers: list[tuple[float, float]] = []

    def user() -> Generator[Any, Any, None]:
        while True:
            start = env.now
            with threads.request() as thread:
                yield thread
                with connections.request() as connection:
                    granted = yield connection | env.timeout(WAIT_LIMIT_S)
                    if connection in granted:
                        yield env.timeout(luck.lognormvariate(mu, sigma))
            answers.append((start, env.now))
            yield env.timeout(luck.expovariate(1 / THINK_S))

    for _ in range(USERS):
        env.process(user())
    env.run(until=HORIZON_S)
    return len(answers)


def plan(seed: int) -> Plan:
    """Return the same model as a plan."""
    builder = PlanBuilder()
    thread = builder.resource(Resource(name="thread", capacity=THREADS))
    connection = builder.resource(
        Resource(name="connection", capacity=CONNECTIONS, wait_limit_s=WAIT_LIMIT_S)
    )
    query = builder.column("query", Lognormal(law="lognormal", mean=QUERY_S, cv=QUERY_CV))
    request = builder.request_class("request")
    builder.acquire(thread)
    builder.acquire(connection, expired=Status.POOL_TIMEOUT)
    builder.delay(query)
    builder.release(connection)
    builder.release(thread)
    builder.end()
    think = Exponential(law="exponential", mean=THINK_S)
    builder.users("users", think=think, classes=[(request, 1.0)], starts=np.zeros(USERS))
    return builder.build(horizon_s=HORIZON_S, seed=seed)


def answered(made: Plan) -> int:
    """Run a plan in the reference engine; return the number of its requests."""
    return len(simulate_plan(made, engine="reference"))


def requests_per_cpu_second(run: Callable[[], int]) -> float:
    """Return how many requests `run` simulates per second of CPU."""
    begin = time.process_time()
    requests = run()
    return requests / (time.process_time() - begin)


def main() -> None:
    """Alternate the two, and print both speeds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    pairs = [
        (
            requests_per_cpu_second(lambda seed=seed: answered(plan(seed))),
            requests_per_cpu_second(lambda seed=seed: tutorial(seed)),
        )
        for seed in range(rounds)
    ]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(a / b for a, b in pairs)
    print(f"reference engine  {ours:10,.0f} requests per CPU-second (median of {rounds})")
    print(f"SimPy tutorial    {theirs:10,.0f} requests per CPU-second")
    print(
        f"ratio             {statistics.median(ratios):10.2f} "
        f"(lowest {ratios[0]:.2f}, highest {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
