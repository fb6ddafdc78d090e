"""Engines: each turns a plan into a trace, and all turn the same plan into the same trace."""

from capsim.engine.assembly import Assembly
from capsim.engine.choice import Engine, engine_for
from capsim.engine.trace import OnTime, Part, Receive, Trace, check_numbers
from capsim.plan.plan import Plan


def simulate_plan(
    plan: Plan, *, engine: Engine | None = None, on_time: OnTime | None = None
) -> Trace:
    """Run a plan.

    Args:
        plan: what to run.
        engine: which one runs it; none: the one in use here (see `choice.using`), which is the
            compiled one where numba is installed and it knows all that the plan has.
        on_time: told of progress.

    Raises:
        RunError: the clock stands still, or the engine does not know something in the plan.
    """
    assembly = Assembly()
    simulate_in_parts(plan, assembly.receive, engine=engine, on_time=on_time)
    return assembly.trace()


def simulate_in_parts(
    plan: Plan,
    receive: Receive,
    *,
    engine: Engine | None = None,
    on_time: OnTime | None = None,
) -> None:
    """Run a plan, and hand its trace over in parts as they come, so that nobody has to keep it.

    Args:
        plan: what to run.
        receive: is given each part; see `Part`.
        engine: see `simulate_plan`.
        on_time: told of progress whenever a part was received.

    Raises:
        RunError: the clock stands still, or the engine does not know something in the plan.
    """
    check_numbers(plan)
    if on_time is not None:
        receive = _telling(receive, on_time)
    if engine_for(plan, engine) == "compiled":
        from capsim.engine.compiled import run as run_compiled

        run_compiled(plan, receive)
        return
    from capsim.engine.reference import run

    run(plan, receive)


def _telling(receive: Receive, on_time: OnTime) -> Receive:
    def receive_and_tell(part: Part) -> None:
        receive(part)
        if len(part.trace.sampled_s):
            on_time(float(part.trace.sampled_s[-1]))

    return receive_and_tell


__all__ = ["OnTime", "Part", "Trace", "simulate_in_parts", "simulate_plan"]
