"""How much faster the compiled engine is than the reference engine, on the same plans.

Three cases: the base case of `engine_versus_tutorial.py` (100 users, threads, a pool), and the
shipped models at 1000 users (processor sharing, time slicing). Rounds alternate, time is the
process's CPU time with all draws in it, and the ratio of each round's pair is taken, so that a
machine whose speed drifts does not change the answer. Compiling is measured apart, and no round
contains it.

    python benchmarks/engines.py [--rounds 5]
"""

import argparse
import statistics
import time
from collections.abc import Callable

from engine_versus_tutorial import plan as base_case

from capsim.engine import compiled, simulate_plan
from capsim.model.toml import load
from capsim.plan.lowering import lower
from capsim.plan.plan import Plan


def shipped(name: str) -> Callable[[int], Plan]:
    """Return the plans of a shipped model's own load test, by seed."""

    def made(seed: int) -> Plan:
        model = load(name).bind({})
        return lower(model, model.scenario(), seed=seed)

    return made


CASES: dict[str, Callable[[int], Plan]] = {
    "100 users, threads and a pool": base_case,
    "p43-report, 1000 users": shipped("p43-report"),
    "p43-results, 1000 users": shipped("p43-results"),
}


def speed(plan: Plan, engine: str) -> float:
    """Return how many requests an engine simulates per second of CPU."""
    begin = time.process_time()
    trace = simulate_plan(plan, engine="compiled" if engine == "compiled" else "reference")
    return len(trace) / (time.process_time() - begin)


def main() -> None:
    """Alternate the engines, and print both speeds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    begin = time.process_time()
    was_compiled_now = compiled.prepare()
    print(f"compiling: {time.process_time() - begin:.1f} s of CPU ({was_compiled_now=})")
    begin = time.process_time()
    simulate_plan(base_case(0), engine="compiled")
    print(f"first run, with loading: {time.process_time() - begin:.2f} s of CPU")
    for name, made in CASES.items():
        pairs = [
            (speed(made(seed), "compiled"), speed(made(seed), "reference"))
            for seed in range(rounds)
        ]
        fast, slow = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratios = sorted(a / b for a, b in pairs)
        print(f"{name} (median of {rounds}, requests per CPU-second)")
        print(
            f"  compiled {fast:,.0f}, reference {slow:,.0f}, ratio {statistics.median(ratios):.1f} "
            f"(lowest {ratios[0]:.1f}, highest {ratios[-1]:.1f})"
        )


if __name__ == "__main__":
    main()
