"""Breaks one rule of the compiled engine at a time, and looks which plan tells.

    python verification/engine_mutants.py ["NAME OF A RULE" ...]

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

os.environ["NUMBA_DISABLE_JIT"] = "1"  # the engine looks at it when it is imported
TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "contract")]

from broken_rules import BROKEN_RULES  # noqa: E402
from test_engines_agree import differences  # noqa: E402

from capsim.engine import Trace, simulate_plan  # noqa: E402
from capsim.plan.plan import Plan  # noqa: E402
from hand_written_plans import HAND_WRITTEN  # noqa: E402 (the tests' folder had to be named first)
from random_plans import random_plan  # noqa: E402

PACKAGE = "capsim.engine.compiled"
OTHERS = [*HAND_WRITTEN, *range(150)]


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
    parser.add_argument("rules", nargs="*", help="none: all of them")
    chosen = parser.parse_args().rules or list(BROKEN_RULES)
    alive = 0
    for name in chosen:
        told = caught_by(*BROKEN_RULES[name])
        alive += not told
        print(f"{name}: {'plan ' + told if told else 'NOT CAUGHT'}", flush=True)
    print(f"{len(chosen)} mutants, {alive} alive")
    sys.exit(alive > 0)


if __name__ == "__main__":
    main()
