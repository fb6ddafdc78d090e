"""The resources of a plan as rows: slots, the lines before them, and what owners hold."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.chain import FIRST_LINE
from capsim.engine.compiled.deadlines import OF_HOLD, OF_LINE
from capsim.engine.compiled.layout.failures import Lists
from capsim.engine.compiled.layout.rows import Limits, Row, Tables, table_of
from capsim.engine.compiled.layout.uses import Usage
from capsim.engine.compiled.state import NONE
from capsim.plan.ops import Op, Order
from capsim.plan.plan import INFINITE, Plan, Resource


def owned_resources(plan: Plan) -> list[int]:
    """Return the resources whose slots belong to owners that outlive a request."""
    held = {step.target for step in plan.steps if step.op == Op.HOLD}
    return sorted(held | {n for n, spec in enumerate(plan.resources) if spec.owned})


def killable_resources(plan: Plan) -> list[int]:
    """Return the resources whose holders may be killed, so that it has to be known who they are."""
    killed = {n for n, spec in enumerate(plan.resources) if spec.hold_limit_s < INFINITE}
    killed |= {outage.resource for outage in plan.outages}
    killed = killed.union(*(gauge.victims for gauge in plan.gauges))
    return sorted(killed.difference(owned_resources(plan)))


def lay_resources(plan: Plan, limits: Limits, lists: Lists) -> Tables:
    """Return the tables of resources, of slots that are told apart, and of what these own."""
    owned, killable = owned_resources(plan), killable_resources(plan)
    rows: list[Row] = []
    rings, begin = [np.zeros(0, np.int64)], 0
    usage = Usage()
    weights: list[Row] = []
    for number, spec in enumerate(plan.resources):
        is_owned = number in owned
        row = _settings(plan, number, spec) | _beginning(number, spec)
        row["owned"] = owned.index(number) if is_owned else NONE
        row["loss"] = lists.lose(spec.loss)
        row["holders"] = killable.index(number) if number in killable else NONE
        row["weights"] = len(weights)
        weights += _weights(plan, number)
        row["weights_end"] = len(weights)
        row |= {} if is_owned else _limits(number, spec, limits) | usage.add(spec)
        if spec.identified and not is_owned:
            row["ring"], row["ring_count"] = begin, spec.capacity
            rings.append(np.arange(spec.capacity))
            begin += spec.capacity
        row["tracked"] = row["holders"] != NONE or row["ring"] != NONE or "uses" in row
        row["plain"] = not row["tracked"] and row["weights"] == row["weights_end"]
        rows.append(row)
    return {
        **usage.tables(),
        "weights": table_of(state.WEIGHT, weights),
        "resources": table_of(state.RESOURCE, rows),
        "slot_rings": np.concatenate(rings),
        "owned_by_slot": np.zeros((len(owned), begin), np.int64),
    }


def _settings(plan: Plan, number: int, spec: Resource) -> Row:
    return {
        "capacity": spec.capacity,
        "random": spec.order == Order.RANDOM,
        "lifo": spec.order == Order.LIFO,
        "turn_column": spec.turn_column,
        "queue_limit": spec.queue_limit,
        "usual_queue_limit": spec.queue_limit,
        "herd": spec.herd,
        "of_client": spec.of_client,
        "route_base": spec.route_base,
        "line": _line(plan, number),
        "shares_line": spec.shares_line not in {-1, number},
        "wait_column": plan.wait_names.index(spec.name),
        "restart_s": spec.restart_s,
        "outlives": spec.outlives and not spec.of_client,
        "whole": spec.whole and bool(spec.uses),
    }


def _beginning(number: int, spec: Resource) -> Row:
    return {
        "free": spec.capacity,
        "ring": NONE,
        "chain": FIRST_LINE + number,
        "first_new": NONE,
        "limits": NONE,
        "holds": NONE,
        "also_lost": NONE,
    }


def _weights(plan: Plan, number: int) -> list[Row]:
    """Return what a slot in use adds to each gauge."""
    return [
        {"gauge": gauge, "weight": weight}
        for gauge, spec in enumerate(plan.gauges)
        for resource, weight in spec.weights
        if resource == number
    ]


def _limits(number: int, spec: Resource, limits: Limits) -> Row:
    """Return which limits waits and holds have."""
    row: Row = {}
    if spec.wait_limit_s < INFINITE:
        row["limits"] = limits.add(
            OF_LINE, number, spec.wait_limit_s, spec.check_s, since=spec.herd
        )
    if spec.hold_limit_s < INFINITE:
        row["holds"] = limits.add(OF_HOLD, number, spec.hold_limit_s, spec.check_s)
    return row


def _line(plan: Plan, number: int) -> int:
    """Return whose line a resource's waiters stand in, as the reference engine links them."""
    shared = plan.resources[number].shares_line
    if shared < 0:
        return number
    return _line(plan, shared) if shared < number else shared
