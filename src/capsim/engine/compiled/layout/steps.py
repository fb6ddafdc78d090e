"""The step table of a plan as rows, and whose turn it is at the choices in it."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.deadlines import OF_STEP
from capsim.engine.compiled.instructions import SERVE_UNLESS_DOWN
from capsim.engine.compiled.layout.resources import owned_resources
from capsim.engine.compiled.layout.rows import Limits, Row, Tables, table_of
from capsim.engine.compiled.routes import most_routes
from capsim.plan.ops import FAILS, Op, Policy, Step
from capsim.plan.plan import Plan

_ONE_FOR_ALL = 1 << 62  # a divisor that turns every route into replica 0
_TAKES_ROOM = (Op.ACQUIRE, Op.SERVE, Op.FORK, Op.DEADLINE, Op.NOTE)
_AS_THEY_ARE = (
    "op", "target", "among", "pick", "column", "repeated", "jump", "count", "policy", "status",
    "expired_status", "again", "by_client", "outlives", "owner", "owner_resource", "scale", "limit",
)  # fmt: skip


def lay_steps(plan: Plan, limits: Limits) -> Tables:
    """Return the tables of steps, of where the classes begin, and of turns at choices.

    The last step is an END of the engine's own, for jobs without an error path.
    """
    finish = len(plan.steps)
    doors = zip(plan.entries, plan.errors, strict=True)
    turns, count = _turns(plan)
    steps = [_step(plan, number, step, limits) for number, step in enumerate(plan.steps)]
    for number, begin in turns.items():
        steps[number]["turns"] = begin
    return {
        "steps": table_of(state.STEP, [*steps, _step(plan, finish, Step(op=Op.END), limits)]),
        "classes": table_of(
            state.CLASS,
            [
                {"entry": entry, "error": finish if error == FAILS else error}
                for entry, error in doors
            ],
        ),
        "turns": np.zeros(count, np.int64),
    }


def _step(plan: Plan, number: int, step: Step, limits: Limits) -> Row:
    row: Row = {name: getattr(step, name) for name in _AS_THEY_ARE}
    row["divisor"] = step.per_route or _ONE_FOR_ALL
    row["takes_room"] = step.op in _TAKES_ROOM or (step.op == Op.HOLD and bool(plan.gauges))
    if step.op in {Op.ACQUIRE, Op.RELEASE} and _is_alone(plan, step):
        row["divisor"] = _ONE_FOR_ALL
    if step.op == Op.SERVE and _may_be_down(plan, step):
        row["op"] = SERVE_UNLESS_DOWN
    if step.op == Op.ROUTE:
        row["gates"] = step.target
    if step.op == Op.DEADLINE:
        row["deadlines"] = limits.add(OF_STEP, number, step.limit)
    if step.op == Op.NOTE:
        names = [station.name for station in plan.stations]
        row["name"] = names.index(names[step.target])
    return row


def _may_be_down(plan: Plan, step: Step) -> bool:
    """Return whether a blackout has a station of a SERVE, or one behind it where there are some."""
    behind = len(plan.stations) if step.per_route else step.target + step.among
    return any(step.target <= blackout.station < behind for blackout in plan.blackouts)


def _is_alone(plan: Plan, step: Step) -> bool:
    """Return whether no replica of a step's resource follows it."""
    behind = step.target + 1
    return step.among == 1 and (behind == len(plan.resources) or behind in owned_resources(plan))


def _turns(plan: Plan) -> tuple[dict[int, int], int]:
    """Return where the turns of each choice begin, and how many there are in all.

    Choices at the same gates share theirs; nobody has a turn where luck alone decides.
    """
    choices = {
        number: step.target if step.target >= 0 else -1 - number
        for number, step in enumerate(plan.steps)
        if step.op == Op.ROUTE and step.policy in {Policy.TURN, Policy.LEAST}
    }
    routes = most_routes(plan) if choices else 0
    begins = {gates: n * routes for n, gates in enumerate(dict.fromkeys(choices.values()))}
    return {number: begins[gates] for number, gates in choices.items()}, len(begins) * routes
