"""How long the compiled engine takes to start: to compile once, and to load what was compiled.

Both are seen from outside, in fresh processes, by the wall clock and the CPU: a process that runs
a plan of one second with the compiled engine, beside one that does the same imports and runs
nothing. Numba is no such import: it is a part of compiling, and loading does without. The cache of
compiled code is a new folder. Loading is the median of some processes.

    python benchmarks/starting.py [--rounds 5]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measuring import markdown

_GOAL_COMPILING_S, _GOAL_LOADING_S = 5.0, 0.5
# Imported in both, so that only compiling or loading makes the difference.
_IMPORTS = "import sys; sys.path.insert(0, {folder!r}); from base_case import Case, plan; "
_IMPORTS += "from capsim.engine import simulate_plan; made = plan(Case(name='', horizon_s=1.0), 1)"
_RUN = "; simulate_plan(made, engine='compiled')"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The time of a process."""

    wall_s: float
    cpu_s: float

    def __sub__(self, other: "Taken") -> "Taken":
        return Taken(wall_s=self.wall_s - other.wall_s, cpu_s=self.cpu_s - other.cpu_s)


def report(rounds: int) -> str:
    """Measure; return a table in Markdown."""
    imports = _IMPORTS.format(folder=str(Path(__file__).parent))
    with tempfile.TemporaryDirectory() as cache:
        _process(imports, cache)  # Python's own bytecode, the system's cache of files
        bare = [_process(imports, cache) for _ in range(rounds)]
        compiling = _process(imports + _RUN, cache) - _median(bare)
        loading = _median([_process(imports + _RUN, cache) for _ in range(rounds)]) - _median(bare)
        size = sum(path.stat().st_size for path in Path(cache).rglob("*") if path.is_file())
    rows = [
        _row(
            "compiling, with numba's import, once after an installation",
            compiling,
            _GOAL_COMPILING_S,
        ),
        _row("loading what was compiled, once in a process", loading, _GOAL_LOADING_S),
    ]
    table = markdown(["", "CPU s", "wall s", "goal: at most", "met"], rows)
    return f"{table}\n\nThe compiled code takes {size / 1e6:.1f} MB on disk."


def _row(name: str, taken: Taken, goal_s: float) -> list[str]:
    met = "yes" if taken.cpu_s <= goal_s else "no"
    return [name, f"{taken.cpu_s:.2f}", f"{taken.wall_s:.2f}", f"{goal_s:g} s", met]


def _process(code: str, cache: str) -> Taken:
    """Return how long a fresh process takes for some code."""
    begin, before = time.perf_counter(), os.times()
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "NUMBA_CACHE_DIR": cache}
    )
    after = os.times()
    used = (after.children_user, after.children_system, -before.children_user)
    return Taken(wall_s=time.perf_counter() - begin, cpu_s=sum(used) - before.children_system)


def _median(all_taken: list[Taken]) -> Taken:
    return Taken(
        wall_s=statistics.median(taken.wall_s for taken in all_taken),
        cpu_s=statistics.median(taken.cpu_s for taken in all_taken),
    )


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    print(report(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
