"""How fast the compiled engine is, side by side with everything that it is compared with.

On the base case: the reference engine, SimPy as its tutorial has it, Ciw, salabim, and loops by
hand in Python and C. On the shipped models, as they simulate their own load test: the reference
engine, on the same plans. A run goes from the model's parameters to response times. What is
compiled or loaded once is measured by `starting.py` and is no part of these rounds.

    python benchmarks/engines.py [--rounds 5]
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from typing import Literal

from base_case import BASE
from contenders import SIMULATORS, Simulator
from measuring import Contender, Result, markdown, measured
from peers import c_loop, ciw_network, heapq_loop, salabim_processes, tutorial

from capsim.engine import simulate_plan
from capsim.model.toml import load
from capsim.plan.lowering import lower

# How many times as fast the compiled engine is to be; below 1 it may be slower.
_GOALS = {
    "capsim, reference": 15.0,
    tutorial.NAME: 60.0,
    ciw_network.NAME: 1.0,
    salabim_processes.NAME: 1.0,
    heapq_loop.NAME: 1.0,
    c_loop.NAME: 1 / 3,
}
# The shipped models at 1000 users; the first has processor sharing, the second time slices.
_SHIPPED_GOALS = {"p43-report": 20.0, "p43-results": None}
_HEAD = (
    "against", "requests per CPU-second", "compiled engine is faster by", "lowest", "highest",
    "goal", "met",
)  # fmt: skip


def report(rounds: int) -> str:
    """Measure all; return tables in Markdown."""
    parts = [_base_case(rounds)]
    for name, goal in _SHIPPED_GOALS.items():
        ours, theirs = measured([_shipped(name, "compiled"), _shipped(name, "reference")], rounds)
        table = markdown(_HEAD, [_row(ours, None), _row(theirs, goal)])
        parts.append(f"{name}, its load test with 1000 users:\n\n{table}")
    return "\n\n".join(parts)


def _base_case(rounds: int) -> str:
    there = [simulator for simulator in SIMULATORS if not simulator.missing]
    results = measured([_contender(simulator) for simulator in there], rounds)
    table = markdown(_HEAD, [_row(result, _GOALS.get(result.name)) for result in results])
    missing = [f"{each.name}: not measured, {each.missing}" for each in SIMULATORS if each.missing]
    notes = [f"{each.name}: {each.keeps}" for each in there]
    return "\n".join(
        [
            f"Base case: {BASE.users} users, {BASE.horizon_s:g} s, medians of {rounds} rounds:",
            "",
            table,
            "",
            _reference_alone(results),
            "",
            "What each keeps of a run, which is a part of its time:",
            "",
            *[f"- {line}" for line in (*notes, *missing)],
        ]
    )


def _reference_alone(results: Sequence[Result]) -> str:
    """Say how the reference engine, which is SimPy too, compares with the tutorial's style."""
    ratios = {result.name: result.ratios for result in results}
    pairs = zip(ratios[tutorial.NAME], ratios["capsim, reference"], strict=True)
    ratio = statistics.median(theirs / ours for theirs, ours in pairs)
    return f"The reference engine is {ratio:.2f} times as fast as SimPy in tutorial style."


def _row(result: Result, goal: float | None) -> list[str]:
    """Return a result as a row of a table, beside its goal."""
    first = all(ratio == 1.0 for ratio in result.ratios)
    figures = (result.ratio, min(result.ratios), max(result.ratios))
    return [
        result.name,
        f"{result.speed:,.0f}",
        *(["", "", ""] if first else [f"{figure:.2f}" for figure in figures]),
        "" if goal is None else f"{goal:.2f}",
        "" if goal is None else ("yes" if result.ratio >= goal else "no"),
    ]


def _contender(simulator: Simulator) -> Contender:
    run: Callable[[int], int] = lambda seed: simulator.run(BASE, seed).requests  # noqa: E731
    return Contender(name=simulator.name, run=run)


def _shipped(name: str, engine: Literal["compiled", "reference"]) -> Contender:
    """Return an engine that simulates a shipped model's own load test."""
    model = load(name).bind({})

    def run(seed: int) -> int:
        return len(simulate_plan(lower(model, model.scenario(), seed=seed), engine=engine))

    return Contender(name=f"capsim, {engine}", run=run)


def main() -> None:
    """Measure, and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    print(report(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
