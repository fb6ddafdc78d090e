"""The sources of a plan as rows: who asks, for what, how long they wait, when they ask again."""

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.deadlines import OF_CLIENT
from capsim.engine.compiled.layout.rows import Limits, Row, Table, Tables, table_of
from capsim.engine.compiled.state import NONE
from capsim.plan.draws import DrawTable
from capsim.plan.plan import INFINITE, Plan, Source

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
                **_settings(source), **_retries(source),
                "patience": _patience(number, source, limits),
                "choices": len(choices), "first_user": users, "users": count,
                "first_group": groups, "group_size": draws.users, "requests": draws.requests,
            }
        )  # fmt: skip
        choices += _choices(source)
        users += count
        groups += 1 if source.open else -(-count // draws.users)
    return {
        "sources": table_of(state.SOURCE, rows),
        "choices": table_of(state.CHOICE, choices),
        "starts": np.concatenate([source.starts for source in plan.sources] or [np.zeros(0)]),
        "stops": np.concatenate([source.stops for source in plan.sources] or [np.zeros(0)]),
        "reached": np.zeros(users, np.int64),
        "page_of_group": np.full(groups, NONE),
        "retried_statuses": _retried(plan),
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
