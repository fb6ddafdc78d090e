"""Runs many random plans in both engines, and prints every difference with its plan.

    python verification/engines_agree.py [--plans 20000] [--first 0]
    NUMBA_DISABLE_JIT=1 python verification/engines_agree.py --plans 300

A plan is named by its seed (`tests/random_plans.py`); every second one has times on a grid, so
that everything ties.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "contract")]

from test_engines_agree import differences  # noqa: E402

from capsim.engine import compiled, simulate_plan  # noqa: E402
from capsim.plan.ops import status_name  # noqa: E402
from random_plans import random_plan  # noqa: E402 (the tests' folder had to be named first)


def main() -> None:
    """Compare, and end with an error where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plans", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    endings: Counter[int] = Counter()
    tasks = different = refused = 0
    seconds = {"reference": 0.0, "compiled": 0.0}
    for seed in range(asked.first, asked.first + asked.plans):
        plan = random_plan(seed)
        if (reason := compiled.unsupported(plan)) is not None:
            refused += 1
            print(f"plan {seed}: refused: {reason}")
            continue
        traces = {}
        for engine in seconds:
            begin = time.process_time()
            traces[engine] = simulate_plan(plan, engine=engine)
            seconds[engine] += time.process_time() - begin
        endings.update(traces["reference"].status.tolist())
        tasks += len(traces["reference"].tasks.start)
        if found := differences(traces["reference"], traces["compiled"]):
            different += 1
            print(f"plan {seed}: {', '.join(found)}; random_plan({seed}) makes it", flush=True)
    requests = sum(endings.values())
    print(f"{asked.plans} plans, {refused} refused, {different} different")
    print(f"{requests} requests, {tasks} tasks")
    print(", ".join(f"{status_name(code)} {count}" for code, count in endings.most_common()))
    print(", ".join(f"{engine} {spent:.0f} s of CPU" for engine, spent in seconds.items()))
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
