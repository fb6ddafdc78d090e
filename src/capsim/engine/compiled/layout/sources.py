"""The sources of a plan as rows: who asks, for what, how long they wait, when they ask again."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.deadlines import OF_CLIENT
from capsim.engine.compiled.layout.rows import Limits, Row, Table, Tables, table_of
from capsim.engine.compiled.state import NONE
from capsim.engine.trace import Floats
from capsim.plan.draws import DrawTable
from capsim.plan.plan import INFINITE, UNLIMITED, Plan, Source

_STATUSES = 1000


def lay_sources(plan: Plan, limits: Limits) -> Tables:
    """Return the tables of sources, of their users, and of where these draw from."""
    rows: list[Row] = []
    choices: list[Row] = []
    users = groups = 0
    for number, source in enumerate(plan.sources):
        draws = DrawTable(plan, source)
        count = len(source.starts)
        rows.append(
            {
                **_settings(source), **_retries(source), **_blocks(draws, groups),
                "patience": _patience(number, source, limits),
                "choices": len(choices), "first_user": users, "users": count,
            }
        )  # fmt: skip
        choices += _choices(source)
        users += count
        groups += draws.groups
    return {
        "sources": table_of(state.SOURCE, rows),
        "choices": table_of(state.CHOICE, choices),
        "starts": _one_after_another([source.starts for source in plan.sources]),
        "stops": _one_after_another([source.stops for source in plan.sources]),
        "reached": np.zeros(users, np.int32),
        "page_of_group": np.full(groups, NONE),
        "retried_statuses": _retried(plan),
    }


def _one_after_another(times_s: list[Floats]) -> Table:
    """Return times in one table; a copy only where the plan's own cannot be one."""
    if len(times_s) == 1:
        return np.require(times_s[0], np.float64, ["C", "A", "W"])
    return np.concatenate([*times_s, np.zeros(0)])


def _blocks(draws: DrawTable, first_group: int) -> Row:
    """Return which blocks users draw from: the first ones, and those from some number on."""
    near, far = draws.blocks[0], draws.blocks[-1]
    return {
        "first_group": first_group,
        "group_size": near.users,
        "requests": near.requests,
        "far_user": UNLIMITED if far is near else far.first_user,
        "far_group": first_group + far.first_group,
        "far_size": far.users,
        "far_requests": far.requests,
    }


def _settings(source: Source) -> Row:
    return {
        "open": source.open,
        "pacing": source.pacing,
        "timeout_status": source.timeout_status,
        "think_column": source.think_column,
        "class_column": source.class_column,
        "classes": len(source.classes),
    }


def _choices(source: Source) -> list[Row]:
    return [
        {"request_class": request_class, "cumulative": cumulative}
        for request_class, cumulative in zip(source.classes, source.cumulative, strict=True)
    ]


def _patience(number: int, source: Source, limits: Limits) -> int:
    if source.client_timeout_s == INFINITE:
        return NONE
    return limits.add(OF_CLIENT, number, source.client_timeout_s)


def _retries(source: Source) -> Row:
    policy = source.retries
    if policy is None:
        return {"retries": NONE}
    return {
        "retries": policy.most,
        "jitter": policy.jitter,
        "luck_column": policy.luck_column,
        "pause_base": policy.base_s,
        "pause_cap": policy.cap_s,
        "ratio": policy.ratio,
        "burst": policy.burst,
        "tokens": policy.burst,
    }


def _retried(plan: Plan) -> Table:
    """Return after which statuses the clients of each source ask again."""
    retried = np.zeros((len(plan.sources), _STATUSES), np.int64)
    for number, source in enumerate(plan.sources):
        if source.retries is not None:
            retried[number, [int(status) for status in source.retries.statuses]] = 1
    return retried
