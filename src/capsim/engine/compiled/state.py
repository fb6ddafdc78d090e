"""The state of a run: tables of records, made and enlarged by Python, which owns the memory.

A row of a table is what an object is in the reference engine, and its columns are that object's
attributes. Whatever refers to a row does so by its number; `NONE` refers to nobody.
"""

from typing import Any

import numpy as np

from capsim.engine.trace import NUMBERS

NONE = -1

# To a type checker a state and its rows are anything; see `state_type` for what they are to numba.
State = Any

INTEGER, REAL = np.dtype(np.int64), np.dtype(np.float64)


def _table(integers: str, floats: str = "") -> np.dtype[Any]:
    return np.dtype(
        [(name, INTEGER) for name in integers.split()] + [(name, REAL) for name in floats.split()]
    )


# What there is one of: the clock, whose turn it is, how full the tables are.
REGISTERS = _table(
    "job session arriving timers fired order ready_first ready free_job spare_jobs free_session "
    "spare_sessions free_token spare_tokens stamp records tasks notes samples issued "
    "wanted_source wanted_group wanted_block wanted_attempt "
    "stalled margin room margin_jobs margin_tokens sweeping",
    "now",
)
# Of these every user has a row, so they are narrow; what grows with the requests of all is not.
TIMER = np.dtype(
    [("time", REAL), ("order", INTEGER), ("stamp", INTEGER), ("who", np.int32), ("kind", np.int32)]
)
READY = np.dtype([("who", np.int32), ("kind", np.int32)])
# `next` links the free rows.
SESSION = np.dtype(
    [
        *((name, REAL) for name in ("idle_since", "stop", "asked", "ahead")),
        *((name, np.int32) for name in ("user", "route", "refs", "index", "stalled", "next")),
        *((name, np.int16) for name in ("source", "attempt", "phase", "over")),
    ],
    align=True,
)
JOB = _table(
    "stamp refs session index request_class pc error page row "  # who, where, with which draws
    "live abandoned finished background ghost status attempt retries route repetition turns "
    "deadline client_delay waiting waits_for held "
    "line expired_status otherwise station sequence "  # in a line, or in service
    "next",
    "start asked retry_in since first_since end outlived_until",
)
# The slots of a resource and the line before it; of an owned one, what its owners hold.
RESOURCE = _table(
    "capacity random lifo turn_column queue_limit herd of_client outlives route_base line "
    "wait_column limits holds shares_line owned "
    "free away closed wasted owners ring ring_first ring_count "
    "chain waiting first_new "
    "plain tracked holders shut draining openings usual_queue_limit loss also_lost "
    "weights weights_end uses uses_count births left whole",
    "held_s wasted_s waited_s handed_over_at restart_s away_s opens_at closed_until",
)
STATION = _table(
    "quantum outlives turn_column group present sequence timer_number armed armed_for "
    "services forsaken running last waiting down_status",
    "cores contention coherency idle_overhead quantum_s speed virtual advanced_at rate share "
    "armed_at wasted_share slice_end busy_s present_s wasted_s down_until",
)
GROUP = _table("active", "cores share")
SERVICE = _table("order job", "time")
STEP = _table(
    "op target divisor among pick column repeated jump count policy status expired_status again "
    "by_client outlives owner owner_resource gates turns deadlines name takes_room",
    "scale limit",
)
SOURCE = _table(
    "open pacing patience timeout_status think_column class_column classes choices retries "
    "jitter luck_column first_user users first_group group_size requests "
    "far_user far_group far_size far_requests "  # of users whose blocks are others
    "arrived due",
    "pause_base pause_cap ratio burst tokens",
)
CLASS = _table("entry error")
CHOICE = _table("request_class", "cumulative")
DEADLINES = _table("kind owner armed first last since", "limit check")
TOKEN = _table("job stamp prev next", "time since")
PAGE = _table("block attempt next refs stride")
CHANGE = _table("who count", "value")
# What becomes the trace as it is, without a copy.
TASK = np.dtype(
    [("start", REAL), ("end", REAL), *((n, k) for n, k in NUMBERS.items() if n != "attempt")],
    align=True,
)
RECORD = np.dtype(
    [("asked", REAL), ("start", REAL), ("end", REAL), *NUMBERS.items(), ("final", np.bool_)],
    align=True,
)
NOTE = _table("name", "time")
CHAIN = _table("first last")
LINK = _table("prev next")
# What ends requests from outside. Several resources are named by where they begin in the lists.
LOSS = _table("route routes_end slots_of slots_of_end")
OUTAGE = _table("resource kill drains refuses inside inside_end loss", "duration")
BLACKOUT = _table("station status lines lines_end", "duration")
GAUGE = _table("armed whole loss victims victims_end", "level limit restart_s")
WEIGHT = _table("gauge", "weight")

# What a table's rows are, and whether it has rows of rows.
TABLES: dict[str, tuple[np.dtype[Any], int]] = {
    "registers": (REGISTERS, 1),
    "timers": (TIMER, 1),
    "ready": (READY, 1),
    "sessions": (SESSION, 1),
    "jobs": (JOB, 1),
    "links": (LINK, 2),  # (jobs, kinds of chains)
    "chains": (CHAIN, 1),
    "held": (INTEGER, 2),  # (jobs, most held) resources, in order of acquisition
    "held_slots": (INTEGER, 2),  # (jobs, most held) which of a resource's slots, where told apart
    "held_since": (REAL, 2),  # (jobs, resources whose holders are known) NaN: it holds none
    "waits": (REAL, 2),  # (jobs, wait columns) seconds
    "resources": (RESOURCE, 1),
    "slot_rings": (INTEGER, 1),  # idle slots that are told apart, the least recently used first
    # (sessions, owned resources) 1 where the session has a slot
    "owned_by_session": (np.dtype(np.int8), 2),
    "owned_by_slot": (INTEGER, 2),  # (owned resources, slots that are told apart)
    "stations": (STATION, 1),
    "groups": (GROUP, 1),
    "services": (SERVICE, 2),  # (stations, most services) heaps
    "queues": (INTEGER, 2),  # (stations, most services) jobs that wait for their turn
    "steps": (STEP, 1),
    "sources": (SOURCE, 1),
    "classes": (CLASS, 1),
    "choices": (CHOICE, 1),
    "starts": (REAL, 1),
    "stops": (REAL, 1),
    "reached": (np.dtype(np.int32), 1),  # by user: the block of requests that it draws from
    "retried_statuses": (INTEGER, 2),  # (sources, statuses) 1 where a client asks again
    "deadlines": (DEADLINES, 1),
    "tokens": (TOKEN, 1),
    "pages": (PAGE, 1),
    "page_of_group": (INTEGER, 1),
    "page_columns": (INTEGER, 2),  # (pages, columns) where in a row a column begins
    "draws": (REAL, 2),  # (pages, values)
    "cells": (REAL, 1),
    "turns": (INTEGER, 1),
    "changes": (CHANGE, 1),
    "records": (RECORD, 1),
    "record_waits": (REAL, 2),
    "tasks": (TASK, 1),
    "notes": (NOTE, 1),
    "samples": (REAL, 2),
    "losses": (LOSS, 1),
    "outages": (OUTAGE, 1),
    "blackouts": (BLACKOUT, 1),
    "gauges": (GAUGE, 1),
    "weights": (WEIGHT, 1),  # what a slot in use adds, by resource
    "lists": (INTEGER, 1),  # numbers of resources
    "use_limits": (INTEGER, 1),  # by birth
    "uses_left": (INTEGER, 1),  # by slot, or of all slots of a resource
}

FACTS = ("address", "rows", "columns")  # of each table, as compiled code has them
