"""Engines: each turns a plan into a trace, and all turn the same plan into the same trace."""

from capsim.engine.assembly import Assembly
from capsim.engine.choice import Engine, engine_for
from capsim.engine.trace import Part, Receive, Trace, check_numbers
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
    assembly = Assembly()
    simulate_in_parts(plan, assembly.receive, engine=engine)
    return assembly.trace()


def simulate_in_parts(plan: Plan, receive: Receive, *, engine: Engine | None = None) -> None:
    """Run a plan, and hand its trace over in parts as they come, so that nobody has to keep it.

    Args:
        plan: what to run.
        receive: is given each part; see `Part`.
        engine: see `simulate_plan`.

    Raises:
        RunError: the clock stands still, or the engine does not know something in the plan.
    """
    check_numbers(plan)
    if engine_for(plan, engine) == "compiled":
        from capsim.engine.compiled import run as run_compiled

        run_compiled(plan, receive)
        return
    from capsim.engine.reference import run

    run(plan, receive)


__all__ = ["Part", "Trace", "simulate_in_parts", "simulate_plan"]
