"""A plan as tables: every step, resource, station and source as a row of numbers."""

import math
from typing import Any

import numpy as np

from capsim.engine.compiled import state as tables
from capsim.engine.compiled.agenda import ARRIVALS, FLUSH, SAMPLE, SESSION, SPEED
from capsim.engine.compiled.chain import FIRST_LINE
from capsim.engine.compiled.deadlines import OF_CLIENT, OF_HOLD, OF_LINE, OF_STEP
from capsim.engine.compiled.population import BEGINS
from capsim.engine.compiled.recorder import SAMPLE_S
from capsim.engine.compiled.state import NONE
from capsim.plan.draws import DrawTable
from capsim.plan.ops import FAILS, Op, Order, Step
from capsim.plan.plan import INFINITE, Plan, Resource, Source

Table = np.ndarray[Any, np.dtype[Any]]
Tables = dict[str, Table]

_ONE_FOR_ALL = 1 << 62  # a divisor that turns every route into replica 0
_STATUSES = 1000
_TAKES_ROOM = (Op.ACQUIRE, Op.SERVE, Op.FORK, Op.DEADLINE, Op.NOTE)
_FIRST_JOBS, _FIRST_ROWS = 64, 1024  # to begin with; the tables grow


def lay_out(plan: Plan) -> Tables:
    """Return the tables of a run that has not begun."""
    return _Layout(plan).tables()


class _Layout:
    """Fills the tables, one kind of thing after another."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.deadlines: list[tuple[Any, ...]] = []
        self.finish = len(plan.steps)
        held = {step.target for step in plan.steps if step.op == Op.HOLD}
        self.owned = sorted(held | {n for n, spec in enumerate(plan.resources) if spec.owned})
        self.turns: dict[int, int] = {}  # where the turns of a choice begin, by its gates
        self.turn_count = 0

    def tables(self) -> Tables:
        """Return all tables by their names."""
        plan = self.plan
        users = sum(len(source.starts) for source in plan.sources)
        result: Tables = {
            **self._resources(),
            **self._stations(),
            **self._sources(),
            **self._steps(),
            "classes": _rows(
                tables.CLASS,
                [
                    {"entry": entry, "error": self.finish if error == FAILS else error}
                    for entry, error in zip(plan.entries, plan.errors, strict=True)
                ],
            ),
            "cells": np.array(plan.cells, dtype=np.float64),
            "jobs": np.zeros(0, tables.JOB),
            "sessions": np.zeros(0, tables.SESSION),
            "tokens": np.zeros(0, tables.TOKEN),
            "chains": self._chains(),
            "links": np.zeros((0, 2), tables.LINK),
            "held": np.zeros((0, 8), np.int64),
            "held_slots": np.zeros((0, 8), np.int64),
            "held_since": np.zeros((0, 8)),
            "waits": np.zeros((0, len(plan.wait_names))),
            "owned_by_session": np.zeros((0, len(self.owned)), np.int64),
            "records": np.zeros(_FIRST_ROWS, tables.RECORD),
            "record_waits": np.zeros((_FIRST_ROWS, len(plan.wait_names))),
            "tasks": np.zeros(_FIRST_JOBS, tables.RECORD),
            "notes": np.zeros(_FIRST_JOBS, tables.NOTE),
            "samples": np.zeros(
                (_FIRST_JOBS, 1 + 3 * len(plan.resources) + 3 * len(plan.stations))
            ),
            "reached": np.zeros(users, np.int64),
            "pages": np.zeros(0, tables.PAGE),
            "page_columns": np.zeros((0, len(plan.columns)), np.int64),
            "draws": np.zeros((0, 0)),
        }
        result["deadlines"] = _rows(tables.DEADLINES, self._deadlines())
        result["registers"] = self._registers()
        self._agenda(result)
        return result

    def _deadlines(self) -> list[dict[str, Any]]:
        return [
            {
                "kind": kind, "owner": owner, "limit": limit, "check": check, "since": since,
                "first": NONE, "last": NONE,
            }
            for kind, owner, limit, check, since in self.deadlines
        ]  # fmt: skip

    def _deadline(
        self, kind: int, owner: int, limit: float, check: float = 0.0, *, since: bool = False
    ) -> int:
        self.deadlines.append((kind, owner, limit, check, since))
        return len(self.deadlines) - 1

    def _registers(self) -> Table:
        row = dict.fromkeys(
            ("job", "session", "arriving", "stalled", "free_job", "free_session", "free_token"),
            NONE,
        )  # fmt: skip
        margin = len(self.plan.stations) + len(self.deadlines) + 8
        # The first sample, at time zero, is of nothing: a row of zeros.
        return _rows(tables.REGISTERS, [{**row, "margin": margin, "samples": 1}])

    def _chains(self) -> Table:
        count = FIRST_LINE + len(self.plan.resources)
        return _rows(tables.CHAIN, [{"first": NONE, "last": NONE}] * count)

    # Resources and stations.

    def _resources(self) -> Tables:
        rings, begin = [np.zeros(0, np.int64)], 0
        rows = []
        for number, spec in enumerate(self.plan.resources):
            row = self._resource(number, spec)
            if spec.identified and number not in self.owned:
                row["ring"], row["ring_count"] = begin, spec.capacity
                rings.append(np.arange(spec.capacity))
                begin += spec.capacity
            rows.append(row)
        return {
            "resources": _rows(tables.RESOURCE, rows),
            "slot_rings": np.concatenate(rings),
            "owned_by_slot": np.zeros((len(self.owned), begin), np.int64),
        }

    def _resource(self, number: int, spec: Resource) -> dict[str, Any]:
        limits = NONE
        if spec.wait_limit_s < INFINITE and number not in self.owned:
            limits = self._deadline(
                OF_LINE, number, spec.wait_limit_s, spec.check_s, since=spec.herd
            )
        holds = NONE
        if spec.hold_limit_s < INFINITE:
            holds = self._deadline(OF_HOLD, number, spec.hold_limit_s, spec.check_s)
        shares = spec.shares_line not in {-1, number}
        return {
            "capacity": spec.capacity,
            "random": spec.order == Order.RANDOM,
            "lifo": spec.order == Order.LIFO,
            "turn_column": spec.turn_column,
            "queue_limit": spec.queue_limit,
            "herd": spec.herd,
            "of_client": spec.of_client,
            "route_base": spec.route_base,
            "line": self._line(number),
            "shares_line": shares,
            "wait_column": self.plan.wait_names.index(spec.name),
            "limits": limits,
            "holds": holds,
            "restart_s": spec.restart_s,
            "outlives": spec.outlives,
            "owned": self.owned.index(number) if number in self.owned else NONE,
            "free": spec.capacity,
            "ring": NONE,
            "chain": FIRST_LINE + number,
            "first_new": NONE,
        }

    def _line(self, number: int) -> int:
        """Return whose line a resource's waiters stand in, as the reference engine links them."""
        shared = self.plan.resources[number].shares_line
        if shared < 0:
            return number
        return self._line(shared) if shared < number else shared

    def _stations(self) -> Tables:
        plan = self.plan
        rows = []
        for spec in plan.stations:
            at_first = [speed for time_s, speed in spec.speeds if time_s == 0.0]
            rows.append(
                {
                    "quantum": spec.quantum_s != 0,
                    "quantum_s": spec.quantum_s,
                    "outlives": spec.outlives,
                    "turn_column": spec.turn_column,
                    "group": spec.group,
                    "cores": spec.cores,
                    "contention": spec.contention,
                    "coherency": spec.coherency,
                    "idle_overhead": spec.idle_overhead,
                    "speed": at_first[-1] if at_first else 1.0,
                    "rate": 1.0,
                    "share": 1.0,
                    "slice_end": INFINITE,
                    "running": NONE,
                    "last": NONE,
                }
            )
        return {
            "stations": _rows(tables.STATION, rows),
            "groups": _rows(
                tables.GROUP, [{"cores": cores, "share": 1.0} for cores in plan.group_cores]
            ),
            "services": np.zeros((len(plan.stations), 16), tables.SERVICE),
            "queues": np.zeros((len(plan.stations), 16), np.int64),
        }

    # Who sends requests, and what they go through.

    def _sources(self) -> Tables:
        rows: list[dict[str, Any]] = []
        choices: list[dict[str, Any]] = []
        users, groups = 0, 0
        retried = np.zeros((len(self.plan.sources), _STATUSES), np.int64)
        for number, source in enumerate(self.plan.sources):
            draws = DrawTable(self.plan, source)
            rows.append(
                {
                    **self._source(number, source),
                    "choices": len(choices),
                    "first_user": users,
                    "users": len(source.starts),
                    "first_group": groups,
                    "group_size": draws.users,
                    "requests": draws.requests,
                }
            )
            choices += [
                {"request_class": request_class, "cumulative": cumulative}
                for request_class, cumulative in zip(source.classes, source.cumulative, strict=True)
            ]
            users += len(source.starts)
            groups += 1 if source.open else -(-len(source.starts) // draws.users)
            if source.retries is not None:
                retried[number, [int(status) for status in source.retries.statuses]] = 1
        return {
            "sources": _rows(tables.SOURCE, rows),
            "choices": _rows(tables.CHOICE, choices),
            "starts": np.concatenate([s.starts for s in self.plan.sources] or [np.zeros(0)]),
            "stops": np.concatenate([s.stops for s in self.plan.sources] or [np.zeros(0)]),
            "page_of_group": np.full(groups, NONE),
            "retried_statuses": retried,
        }

    def _source(self, number: int, source: Source) -> dict[str, Any]:
        patience = NONE
        if source.client_timeout_s < INFINITE:
            patience = self._deadline(OF_CLIENT, number, source.client_timeout_s)
        row: dict[str, Any] = {
            "open": source.open,
            "pacing": source.pacing,
            "patience": patience,
            "timeout_status": source.timeout_status,
            "think_column": source.think_column,
            "class_column": source.class_column,
            "classes": len(source.classes),
            "retries": NONE,
        }
        policy = source.retries
        if policy is not None:
            row |= {
                "retries": policy.most,
                "jitter": policy.jitter,
                "luck_column": policy.luck_column,
                "pause_base": policy.base_s,
                "pause_cap": policy.cap_s,
                "ratio": policy.ratio,
                "burst": policy.burst,
                "tokens": policy.burst,
            }
        return row

    def _steps(self) -> Tables:
        steps = [self._step(n, step) for n, step in enumerate((*self.plan.steps, Step(op=Op.END)))]
        return {
            "steps": _rows(tables.STEP, steps),
            "turns": np.zeros(self.turn_count, np.int64),
        }

    def _step(self, number: int, step: Step) -> dict[str, Any]:
        row = {
            name: getattr(step, name)
            for name in (
                "op", "target", "among", "pick", "column", "repeated", "jump", "count", "policy",
                "status", "expired_status", "again", "by_client", "outlives", "owner",
                "owner_resource", "scale", "limit",
            )
        }  # fmt: skip
        row["divisor"] = step.per_route or _ONE_FOR_ALL
        row["takes_room"] = step.op in _TAKES_ROOM
        if step.op in {Op.ACQUIRE, Op.RELEASE} and self._is_alone(step):
            row["divisor"] = _ONE_FOR_ALL
        if step.op == Op.ROUTE:
            row["gates"] = step.target
            row["turns"] = self._turns_of(number, step)
        if step.op == Op.DEADLINE:
            row["deadlines"] = self._deadline(OF_STEP, number, step.limit)
        if step.op == Op.NOTE:
            names = [station.name for station in self.plan.stations]
            row["name"] = names.index(names[step.target])
        return row

    def _is_alone(self, step: Step) -> bool:
        """Return whether no replica of a step's resource follows it."""
        behind = step.target + 1
        return step.among == 1 and (behind == len(self.plan.resources) or behind in self.owned)

    def _turns_of(self, number: int, step: Step) -> int:
        """Return where the turns of a choice begin; choices at the same gates share theirs."""
        key = step.target if step.target >= 0 else -1 - number
        if key not in self.turns:
            self.turns[key] = self.turn_count
            self.turn_count += most_routes(self.plan)
        return self.turns[key]

    # What happens first.

    def _agenda(self, result: Tables) -> None:
        """Set the timers of what happens at a fixed time, and have every population begin."""
        changes: list[dict[str, Any]] = []
        timers: list[tuple[float, int, int]] = [(SAMPLE_S, SAMPLE, 0)]
        for number, spec in enumerate(self.plan.stations):
            for time_s, speed in spec.speeds:
                if 0.0 < time_s < self.plan.horizon_s:
                    timers.append((time_s, SPEED, len(changes)))
                    changes.append({"who": number, "value": speed})
        for flush in self.plan.flushes:
            if flush.time_s == 0.0:
                result["cells"][flush.first : flush.first + flush.count] = 0.0
            elif flush.time_s < self.plan.horizon_s:
                timers.append((flush.time_s, FLUSH, len(changes)))
                changes.append({"who": flush.first, "count": flush.count})
        result["changes"] = _rows(tables.CHANGE, changes)
        rows = [
            {"time": time_s, "order": order, "kind": kind, "who": who}
            for order, (time_s, kind, who) in enumerate(timers)
        ]
        rows.sort(key=lambda row: row["time"])  # sorted rows are a heap
        result["timers"] = _rows(tables.TIMER, rows)
        registers = result["registers"][0]
        registers["timers"] = registers["order"] = len(rows)
        self._begin(result)

    def _begin(self, result: Tables) -> None:
        """Have every user and every stream of arrivals ready, in order."""
        sessions: list[dict[str, Any]] = []
        ready: list[dict[str, Any]] = []
        for number, source in enumerate(self.plan.sources):
            if source.open:
                ready.append({"kind": ARRIVALS, "who": number})
                continue
            for user, (start, stop) in enumerate(
                zip(source.starts.tolist(), source.stops.tolist(), strict=True)
            ):
                ready.append({"kind": SESSION, "who": len(sessions)})
                sessions.append(
                    {
                        "source": number, "user": user, "route": NONE, "refs": 1,
                        "phase": BEGINS, "stop": stop, "ahead": start,
                    }
                )  # fmt: skip
        result["sessions"] = _rows(tables.SESSION, sessions)
        result["owned_by_session"] = np.zeros((len(sessions), len(self.owned)), np.int64)
        result["ready"] = _rows(tables.READY, ready)
        result["registers"][0]["ready"] = len(ready)


def most_routes(plan: Plan) -> int:
    """Return a bound on the numbers of servers to choose from: each choice within all others."""
    levels = [step.count for step in plan.steps if step.op == Op.ROUTE]
    inner = math.prod(step.count for step in plan.steps if step.op == Op.ROUTE and not step.again)
    return max(inner, len(plan.resources)) * max(levels, default=1)


def _rows(kind: np.dtype[Any], rows: list[dict[str, Any]]) -> Table:
    """Return a table; columns that a row does not name are zero."""
    table = np.zeros(len(rows), kind)
    for name in kind.names or ():
        table[name] = [row.get(name, 0) for row in rows]
    return table
