"""How many servers there are to be at: a choice is made within the server chosen before it."""

from collections.abc import Iterable, Iterator

from capsim.plan.ops import FAILS, Op, Step
from capsim.plan.plan import Plan

MOST_ROUTES = 1 << 20  # beyond that nobody keeps whose turn it is at each


def most_routes(plan: Plan) -> int:
    """Return how many routes a job may have, or somewhat more; at most one more than `MOST_ROUTES`.

    Choices multiply on the way of one request, not from one request class to another.
    """
    reached = [0] * len(plan.steps)  # by how many routes, each step
    _walk(plan, dict.fromkeys(plan.entries, 1), reached)
    errors = [error for error in plan.errors if error != FAILS]
    while errors:  # a request may fail anywhere, on the error path too
        most = _most(plan, reached)
        _walk(plan, dict.fromkeys(errors, most), reached)
        if _most(plan, reached) == most:
            break
    return _most(plan, reached)


def _most(plan: Plan, reached: Iterable[int]) -> int:
    """Return the most routes after any step; who waits in a common line gets one by the server."""
    behind = [_behind(step, routes) for step, routes in zip(plan.steps, reached, strict=True)]
    return max(1, len(plan.resources), *behind)


def _walk(plan: Plan, starts: dict[int, int], reached: list[int]) -> None:
    """Go on from some steps, with so many routes, wherever that is more than was known."""
    ahead = dict(starts)
    while ahead:
        number, routes = ahead.popitem()
        if routes > reached[number]:
            reached[number] = routes
            behind = _behind(plan.steps[number], routes)
            for each in _next(plan, number):
                ahead[each] = max(behind, ahead.get(each, 0))


def _behind(step: Step, routes: int) -> int:
    """Return how many routes there are behind a step."""
    if step.op != Op.ROUTE:
        return routes
    within = -(-routes // step.count) if step.again else routes  # again: in place of one of those
    return min(within * step.count, MOST_ROUTES + 1)


def _next(plan: Plan, number: int) -> Iterator[int]:
    """Return the steps that may come after one, errors aside."""
    step = plan.steps[number]
    if step.op not in {Op.JUMP, Op.FAIL, Op.END}:
        yield number + 1
    if step.op == Op.FORK:
        yield plan.entries[step.target]
    elif step.jump != FAILS:
        yield step.jump
