"""What ends requests from outside, as rows: outages, stations that are down, memory, losses."""

from collections.abc import Sequence

import numpy as np

from capsim.engine.compiled import state
from capsim.engine.compiled.layout.rows import Row, Tables, table_of
from capsim.engine.compiled.state import NONE
from capsim.plan.plan import Blackout, Gauge, Loss, Outage, Plan


class Lists:
    """Lists of resources behind one another, and the losses that name some of them."""

    def __init__(self) -> None:
        """Start without any."""
        self._numbers: list[int] = []
        self._losses: list[Row] = []

    def add(self, name: str, numbers: Sequence[int]) -> Row:
        """Add a list; return where it begins and ends, as the columns of that name."""
        begin = len(self._numbers)
        self._numbers += numbers
        return {name: begin, f"{name}_end": len(self._numbers)}

    def lose(self, loss: Loss) -> int:
        """Add a loss; return its number, or that there is nothing to lose."""
        if loss == Loss():
            return NONE
        first, end = loss.routes
        row = {"route": first, "routes_end": end, **self.add("slots_of", loss.slots_of)}
        self._losses.append(row)
        return len(self._losses) - 1

    def tables(self) -> Tables:
        """Return them all."""
        return {
            "lists": np.array(self._numbers, np.int64),
            "losses": table_of(state.LOSS, self._losses),
        }


def lay_failures(plan: Plan, lists: Lists) -> Tables:
    """Return the tables of outages, of blackouts, and of gauges."""
    return {
        "outages": table_of(state.OUTAGE, [_outage(each, lists) for each in plan.outages]),
        "blackouts": table_of(state.BLACKOUT, [_blackout(each, lists) for each in plan.blackouts]),
        "gauges": table_of(state.GAUGE, [_gauge(each, lists) for each in plan.gauges]),
    }


def _outage(spec: Outage, lists: Lists) -> Row:
    return {
        "resource": spec.resource,
        "duration": spec.duration_s,
        "kill": spec.kill,
        "drains": spec.drains,
        "refuses": spec.refuses,
        **lists.add("inside", spec.inside),
        "loss": lists.lose(spec.loss),
    }


def _blackout(spec: Blackout, lists: Lists) -> Row:
    return {
        "station": spec.station,
        "status": spec.status,
        "duration": spec.duration_s,
        **lists.add("lines", spec.lines),
    }


def _gauge(spec: Gauge, lists: Lists) -> Row:
    return {
        "armed": True,
        "limit": spec.limit,
        "restart_s": spec.restart_s,
        "whole": spec.whole,
        **lists.add("victims", spec.victims),
        "loss": lists.lose(spec.loss),
    }
