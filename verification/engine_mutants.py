"""Breaks one rule of the compiled engine at a time, and looks which plan tells.

    python verification/engine_mutants.py [--quickest]

Each mutant is the compiled engine with one change, run by the interpreter (compiling every one
would take long) until a trace differs from the reference engine's: first on the plan that is known
to tell, then on others. A mutant that no plan catches is a rule that the comparison of the engines
does not see.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

os.environ["NUMBA_DISABLE_JIT"] = "1"  # it is looked at when numba is imported
TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "contract")]

from test_engines_agree import differences  # noqa: E402

from capsim.engine import Trace, simulate_plan  # noqa: E402
from capsim.plan.plan import Plan  # noqa: E402
from hand_written_plans import HAND_WRITTEN  # noqa: E402 (the tests' folder had to be named first)
from random_plans import random_plan  # noqa: E402

PACKAGE = "capsim.engine.compiled"
OTHERS = [*HAND_WRITTEN, *range(150)]
# Name of the rule: file, what stands there, what stands there instead, and a plan that tells.
MUTANTS: dict[str, tuple[str, str, str, str | int]] = {
    "timers of one instant fire in any order": (
        "agenda",
        "order = registers.order  #",
        "order = -registers.order  #",
        0,
    ),
    "the last in line is first": (
        "line",
        "ends.last if line.lifo",
        "ends.last if not line.lifo",
        0,
    ),
    "what is left is released in order of acquisition": (
        "instructions",
        "range(request.held - 1, -1, -1)",
        "range(request.held)",
        0,
    ),
    "the same luck at every choice": (
        "draws",
        "turns * GOLDEN",
        "0 * GOLDEN",
        0,
    ),
    "a wait expires though it is over": (
        "deadlines",
        "request.waits_for == token.stamp and request.line != NONE",
        "request.line != NONE",
        0,
    ),
    "a slice ends before a job that is done then": (
        "time_slicing",
        "core.slice_end + SAME_INSTANT_S",
        "core.slice_end",
        0,
    ),
    "one that gave way may be next": (
        "time_slicing",
        "_start_next(s, station)  # never the one that gave way\n    enter(s, station, job)",
        "enter(s, station, job)\n    _start_next(s, station)",
        0,
    ),
    "equal services end in any order": (
        "processor_sharing",
        "request.end, request.sequence)",
        "request.end, -request.sequence)",
        0,
    ),
    "a herd's newcomers are all awake": (
        "line",
        "if who == line.first_new:",
        "if False:",
        0,
    ),
    "a time limit in a herd counts from the beginning": (
        "deadlines",
        "max(s.jobs[job].first_since, s.resources[line].handed_over_at)",
        "s.jobs[job].since",
        0,
    ),
    "a client that goes takes what its leaving grants it": (
        "fate",
        "for _ in range(request.held):",
        "while place < request.held:",
        0,
    ),
    "a wait that goes on is not recorded": (
        "recorder",
        "if request.line != NONE:",
        "if False:",
        0,
    ),
    "the last token is kept": (
        "retrying",
        "policy.tokens < 1.0",
        "policy.tokens <= 1.0",
        0,
    ),
    "turns begin with the one chosen last": (
        "route",
        "chosen - base + 1",
        "chosen - base",
        0,
    ),
    "a connection closes at its keep-alive": (
        "route",
        "idle <= does.limit",
        "idle < does.limit",
        0,
    ),
    "a slot that boots is in use": (
        "holders",
        "- slots.shut - slots.away",
        "- slots.shut",
        0,
    ),
    "a killed worker's statement is not wasted": (
        "killing",
        "    else:\n        go_on_for_nobody(s, heir)",
        "",
        0,
    ),
    "a client's own delay outlives it": (
        "population",
        "request.pc = finish",
        "pass",
        0,
    ),
    "forked jobs wait for the instant to end": (
        "instructions",
        "make_ready(s, JOB, child)",
        "schedule(s, s.registers[0].now, JOB, child, begin_wait(s, child))",
        0,
    ),
    "a deadline outlives a failure": (
        "line",
        "request.status, request.pc, request.deadline = status, request.error, 0",
        "request.status, request.pc = status, request.error",
        0,
    ),
    "a slot of a closed resource is handed over": (
        "slots",
        "NONE if slots.closed else next_in",
        "next_in",
        0,
    ),
    "a slot that a closed resource gets back is free": (
        "slots",
        "slots.shut += 1",
        "slots.free += 1",
        0,
    ),
    "a resource opens while it drains": (
        "opening",
        "slots.draining or opening",
        "opening",
        0,
    ),
    "a resource opens with the first of two timers": (
        "opening",
        "or opening != slots.openings",
        "or slots.closed == 0",
        0,
    ),
    "a resource that drains is empty when it begins to": (
        "closing",
        "if slots.draining and in_use(s, resource) == 0",
        "if slots.draining",
        0,
    ),
    "who waits is not refused by an outage that refuses": (
        "closing",
        "dismiss(s, slots.line)",
        "pass",
        0,
    ),
    "who comes to a resource that refuses may wait": (
        "closing",
        "slots.queue_limit = 0",
        "pass",
        0,
    ),
    "those who have come in are killed as well": (
        "failures",
        "return False",
        "return True",
        0,
    ),
    "an outage closes before it kills nobody": (
        "failures",
        "    if outage.kill:\n",
        "    if False:\n",
        0,
    ),
    "what an outage takes away is kept": (
        "failures",
        "        lose(s, outage.loss)\n",
        "        pass\n",
        0,
    ),
    "an owned resource that is away still gives": (
        "owned",
        " or s.registers[0].now < slots.closed_until",
        "",
        0,
    ),
    "a station that is down serves at the end of it": (
        "instructions",
        "now >= station.down_until",
        "now > station.down_until",
        0,
    ),
    "a station that is down serves who comes": (
        "instructions",
        "now >= station.down_until",
        "True",
        0,
    ),
    "a blackout spares who waits": (
        "failures",
        "while line.waiting > 0:",
        "while False:",
        0,
    ),
    "who came last is interrupted first": (
        "processor_sharing",
        "s.jobs[first].sequence < services[place].order",
        "s.jobs[first].sequence > services[place].order",
        0,
    ),
    "a gauge passes its limit once more while it is above": (
        "gauge",
        "        gauge.armed = 0\n",
        "        pass\n",
        0,
    ),
    "a gauge passes its limit where it meets it": (
        "gauge",
        "gauge.level > gauge.limit",
        "gauge.level >= gauge.limit",
        0,
    ),
    "a gauge stays passed at its limit": (
        "gauge",
        "gauge.level <= gauge.limit",
        "gauge.level < gauge.limit",
        0,
    ),
    "a slot that has booted weighs nothing": (
        "opening",
        "    else:\n        weigh(s, resource, waiter)",
        "    else:\n        pass",
        0,
    ),
    "the victim of a gauge is who was granted first": (
        "failures",
        "s.chains[chain_of(s, holders)].last if",
        "s.chains[chain_of(s, holders)].first if",
        0,
    ),
    "of equal victims the last is the largest": (
        "failures",
        "in_use(s, s.lists[place]) > most",
        "in_use(s, s.lists[place]) >= most",
        0,
    ),
    "a slot that is used up goes to the next": (
        "tracking",
        "slots.uses_count and used_up(s, resource, slot)",
        "False",
        0,
    ),
    "a worker's limit is that of the first": (
        "uses",
        "slots.births % slots.uses_count",
        "0",
        0,
    ),
    "a resource that is recycled whole never is": (
        "tracking",
        "drain(s, resource, slots.restart_s, 0, NONE)",
        "pass",
        0,
    ),
    "a slot that boots keeps what it owned": (
        "tracking",
        "drop_of_slot(s, resource, slot)",
        "pass",
        0,
    ),
    "a slot told apart is used again at once": (
        "tracking",
        "(slots.ring_first + slots.ring_count) % slots.capacity] = slot",
        "(slots.ring_first - 1) % slots.capacity] = slot\n    slots.ring_first = (slots.ring_first - 1) % slots.capacity",
        0,
    ),
    "a statement goes on though it was interrupted": (
        "fate",
        "    request.outlived_until = 0.0",
        "    pass",
        0,
    ),
    "a service in turns ends with its worker": (
        "time_slicing",
        "        if queue[place] == job:\n            queue[place] = heir",
        "        pass",
        0,
    ),
    "a killed job's slots are given back at once": (
        "killing",
        "if not slots.outlives:",
        "if True:",
        0,
    ),
    "a killed job holds what outlives it": (
        "killing",
        "strike_off(s, job, slots.holders)",
        "pass",
        0,
    ),
    "a task's connection outlives its user": (
        "population",
        "if request.background and client.over:",
        "if False:",
        0,
    ),
}


class Mutated(SourceFileLoader):
    """Loads a module with one change."""

    def __init__(self, name: str, path: str, old: str, new: str) -> None:
        """Take the change."""
        super().__init__(name, path)
        self.change = old, new

    def get_code(self, fullname: str) -> CodeType:
        """Return the changed code, which is nowhere kept."""
        path, (old, new) = self.get_filename(fullname), self.change
        text = Path(path).read_text(encoding="utf-8")
        if text.count(old) != 1:
            sys.exit(f"{path}: {old!r} stands there {text.count(old)} times, and has to once")
        return compile(text.replace(old, new), path, "exec")


class Finder:
    """Finds the one module that is changed, before anybody else does."""

    def __init__(self, file: str, old: str, new: str) -> None:
        """Take the change."""
        self.name = f"{PACKAGE}.{file}"
        self.change = old, new

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how the changed module is loaded; none: as usual."""
        found = PathFinder.find_spec(name, path, target) if name == self.name else None
        if found is not None and found.origin is not None:
            found.loader = Mutated(name, found.origin, *self.change)
        return found


@contextmanager
def mutated(file: str, old: str, new: str) -> Iterator[None]:
    """Have the compiled engine with one change in this process."""
    finder = Finder(file, old, new)
    _forget_engine()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget_engine()


def _forget_engine() -> None:
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


@cache
def expected(name: str | int) -> tuple[Plan, Trace]:
    """Return a plan and its trace in the reference engine."""
    plan = HAND_WRITTEN[name]() if isinstance(name, str) else random_plan(name)
    return plan, simulate_plan(plan, engine="reference")


def caught_by(file: str, old: str, new: str, first: str | int) -> str:
    """Return the plan that tells, and by what; nothing where none does."""
    with mutated(file, old, new):
        for name in [first, *OTHERS]:
            plan, trace = expected(name)
            try:
                told = differences(trace, simulate_plan(plan, engine="compiled"))
            except Exception as error:  # noqa: BLE001 (whatever breaks has told)
                told = [type(error).__name__]
            if told:
                return f"{name} {', '.join(told[:3])}"
    return ""


def main() -> None:
    """Try every mutant; end with an error where one lives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quickest", action="store_true", help="only those that the tests run")
    chosen = list(QUICKEST) if parser.parse_args().quickest else list(MUTANTS)
    alive = 0
    for name in chosen:
        told = caught_by(*MUTANTS[name])
        alive += not told
        print(f"{name}: {'plan ' + told if told else 'NOT CAUGHT'}", flush=True)
    print(f"{len(chosen)} mutants, {alive} alive")
    sys.exit(alive > 0)


if __name__ == "__main__":
    main()
