"""The compiled engine: the rules of the reference engine, as loops over tables of numbers.

It needs numba, which the extra `fast` installs. The little that it cannot do it refuses by name.
"""

from importlib.util import find_spec

from capsim.engine.compiled.routes import MOST_ROUTES, most_routes
from capsim.engine.trace import Receive
from capsim.plan.ops import Op
from capsim.plan.plan import Plan


def is_available() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


def unsupported(plan: Plan) -> str | None:
    """Return what a plan has that this engine cannot do, as a few words; none: it can do all."""
    steps = plan.steps
    loops = [range(s.jump, n) for n, s in enumerate(steps) if 0 <= s.jump <= n]
    choices = [(n, step) for n, step in enumerate(steps) if step.op == Op.ROUTE]
    found = {
        "choices of a server that lie in a loop": any(
            n in loop for n, step in choices if not step.again for loop in loops
        ),
        "choices among very many servers": most_routes(plan) > MOST_ROUTES,
    }
    return next((name for name, is_there in found.items() if is_there), None)


def run(plan: Plan, receive: Receive) -> None:
    """Run a plan up to its horizon, and hand over the trace in parts.

    Raises:
        RunError: requests and thinking take no time at all, so that the clock stands still.
    """
    from capsim.engine.compiled.running import run_tables

    run_tables(plan, receive)


def is_prepared() -> bool:
    """Return whether the engine has been compiled before, so that it starts at once."""
    from capsim.engine.compiled.jit import IS_INTERPRETED

    if IS_INTERPRETED:
        return True
    from capsim.engine.compiled.loading import is_compiled

    return is_compiled()


def prepare() -> None:
    """Compile the engine: worker processes find it ready then, and do not each compile it."""
    from capsim.engine.compiled.loading import compiled_loop

    compiled_loop()
