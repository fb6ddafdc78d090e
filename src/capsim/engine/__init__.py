"""Engines: each turns a plan into a trace, and all turn the same plan into the same trace."""

from capsim.engine.choice import Engine, engine_for
from capsim.engine.trace import Trace
from capsim.plan.plan import Plan


def simulate_plan(plan: Plan, *, engine: Engine | None = None) -> Trace:
    """Run a plan.

    Args:
        plan: what to run.
        engine: which one runs it; none: the one in use here (see `choice.using`), which is the
            compiled one where numba is installed and it knows all that the plan has.

    Raises:
        RunError: the clock stands still, or the engine does not know something in the plan.
    """
    if engine_for(plan, engine) == "compiled":
        from capsim.engine.compiled import run as run_compiled

        return run_compiled(plan)
    from capsim.engine.reference import run

    return run(plan)


__all__ = ["Trace", "simulate_plan"]
