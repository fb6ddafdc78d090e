"""Breaks one rule of the compiled engine at a time, and looks which random plan tells.

    python verification/engine_mutants.py

Each mutant is a copy of the sources with one change, run by the interpreter (compiling every one
would take long) on random plans until a trace differs from the reference engine's. A mutant that
no plan catches is a rule that the comparison of the engines does not see.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLANS = [*range(150), 1952, 2759, 3238, 4001, 4774]

# Name of the rule: file, what stands there, what stands there instead.
MUTANTS = {
    "timers of one instant fire in any order": (
        "agenda",
        "registers.timers, time, order)",
        "registers.timers, time, -order)",
    ),
    "the last in line is first": ("line", "ends.last if line.lifo", "ends.last if not line.lifo"),
    "what is left is released in order of acquisition": (
        "instructions",
        "range(request.held - 1, -1, -1)",
        "range(request.held)",
    ),
    "the same luck at every choice": ("draws", "turns * GOLDEN", "0 * GOLDEN"),
    "a wait expires though it is over": (
        "deadlines",
        "request.waits_for == token.stamp and request.line != NONE",
        "request.line != NONE",
    ),
    "a slice ends before a job that is done then": (
        "time_slicing",
        "core.slice_end + SAME_INSTANT_S",
        "core.slice_end",
    ),
    "one that gave way may be next": (
        "time_slicing",
        "_start_next(s, station)  # never the one that gave way\n    enter(s, station, job)",
        "enter(s, station, job)\n    _start_next(s, station)",
    ),
    "equal services end in any order": (
        "processor_sharing",
        "request.end, request.sequence)",
        "request.end, -request.sequence)",
    ),
    "a herd's newcomers are all awake": ("line", "if who == line.first_new:", "if False:"),
    "a time limit in a herd counts from the beginning": (
        "deadlines",
        "max(s.jobs[job].first_since, s.resources[line].handed_over_at)",
        "s.jobs[job].since",
    ),
    "a client that goes takes what its leaving grants it": (
        "fate",
        "for _ in range(request.held):",
        "while place < request.held:",
    ),
    "a wait that goes on is not recorded": ("recorder", "if request.line != NONE:", "if False:"),
    "the last token is kept": ("retrying", "policy.tokens < 1.0", "policy.tokens <= 1.0"),
    "turns begin with the one chosen last": ("route", "chosen - base + 1", "chosen - base"),
    "a connection closes at its keep-alive": ("route", "idle <= does.limit", "idle < does.limit"),
    "a slot that boots is in use": ("slots", "- slots.free - slots.away", "- slots.free"),
    "a killed worker's statement is not wasted": (
        "killing",
        "    else:\n        forsake(s, heir)",
        "",
    ),
    "a client's own delay outlives it": ("population", "request.pc = finish", "pass"),
    "forked jobs wait for the instant to end": (
        "instructions",
        "make_ready(s, JOB, child)",
        "schedule(s, s.registers[0].now, JOB, child, begin_wait(s, child))",
    ),
    "a deadline outlives a failure": (
        "line",
        "request.status, request.pc, request.deadline = status, request.error, 0",
        "request.status, request.pc = status, request.error",
    ),
}

TRIAL = """
import sys
from random_plans import left_behind, random_plan
from test_engines_agree import differences
from capsim.engine import simulate_plan
for seed in ["left_behind", *map(int, sys.argv[1:])]:
    plan = left_behind() if seed == "left_behind" else random_plan(seed)
    expected = simulate_plan(plan, engine="reference")
    try:
        told = differences(expected, simulate_plan(plan, engine="compiled"))
    except Exception as error:
        told = [type(error).__name__]
    if told:
        print(seed, ", ".join(told[:3]))
        break
"""


def caught_by(file: str, old: str, new: str) -> str:
    """Return the plan that tells, and by what; nothing where none does."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "capsim"
        shutil.copytree(ROOT / "src" / "capsim", copy, ignore=shutil.ignore_patterns("__pycache__"))
        path = copy / "engine" / "compiled" / f"{file}.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (file, old, text.count(old))
        path.write_text(text.replace(old, new), encoding="utf-8")
        places = [folder, str(ROOT / "tests"), str(ROOT / "tests" / "contract")]
        environment = {
            **os.environ,
            "NUMBA_DISABLE_JIT": "1",
            "PYTHONPATH": os.pathsep.join(places),
        }
        done = subprocess.run(
            [sys.executable, "-c", TRIAL, *map(str, PLANS)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout.strip()


def main() -> None:
    """Try every mutant; end with an error where one lives."""
    alive = 0
    for name, change in MUTANTS.items():
        told = caught_by(*change)
        alive += not told
        print(f"{name}: {'plan ' + told if told else 'NOT CAUGHT'}", flush=True)
    print(f"{len(MUTANTS)} mutants, {alive} alive")
    sys.exit(alive > 0)


if __name__ == "__main__":
    main()
