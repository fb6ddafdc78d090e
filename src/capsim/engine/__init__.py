"""Engines: each turns a plan into a trace, and all turn the same plan into the same trace."""

from capsim.engine.trace import Trace
from capsim.plan.plan import Plan


def simulate_plan(plan: Plan) -> Trace:
    """Run a plan with the reference engine."""
    from capsim.engine.reference import run

    return run(plan)


__all__ = ["Trace", "simulate_plan"]
