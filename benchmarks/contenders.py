"""Everything that can simulate the base case: capsim's two engines, and the peers."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
from base_case import Case, Outcome, plan
from peers import c_loop, ciw_network, heapq_loop, salabim_processes, tutorial

from capsim.engine import simulate_plan
from capsim.plan.ops import Status


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """One way to simulate a case, what it keeps of a run, and why it cannot run here, if so."""

    name: str
    keeps: str
    run: Callable[[Case, int], Outcome]
    missing: str | None = None


def _engine(name: Literal["compiled", "reference"]) -> Callable[[Case, int], Outcome]:
    """Return how an engine simulates a case, from building the plan to reading the trace."""

    def run(case: Case, seed: int) -> Outcome:
        trace = simulate_plan(plan(case, seed), engine=name)
        ended = trace.status != Status.IN_FLIGHT
        return Outcome(
            requests=int(ended.sum()),
            mean_s=float((trace.end - trace.start)[ended].mean()),
            expired=int(np.count_nonzero(trace.status == Status.POOL_TIMEOUT)),
        )

    return run


_TRACE = "a trace: ten columns and the waits of each request, all resources second by second"


def _without(distribution: str) -> str | None:
    """Return why a peer in Python cannot run, if its distribution is not installed."""
    if find_spec(distribution):
        return None
    return f"{distribution} is not installed: pip install -e '.[fast,benchmark]'"


SIMULATORS = (
    Simulator(name="capsim, compiled", keeps=_TRACE, run=_engine("compiled")),
    Simulator(name="capsim, reference", keeps=_TRACE, run=_engine("reference")),
    Simulator(name=tutorial.NAME, keeps=tutorial.KEEPS, run=tutorial.run),
    Simulator(
        name=ciw_network.NAME,
        keeps=ciw_network.KEEPS,
        run=ciw_network.run,
        missing=_without("ciw"),
    ),
    Simulator(
        name=salabim_processes.NAME,
        keeps=salabim_processes.KEEPS,
        run=salabim_processes.run,
        missing=_without("salabim"),
    ),
    Simulator(name=heapq_loop.NAME, keeps=heapq_loop.KEEPS, run=heapq_loop.run),
    Simulator(
        name=c_loop.NAME,
        keeps=c_loop.KEEPS,
        run=c_loop.run,
        missing=None if c_loop.compiler() else "no C compiler (cc, gcc, clang) is installed",
    ),
)
