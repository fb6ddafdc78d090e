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

_INT, _FLOAT = np.int64, np.float64


def _table(integers: str, floats: str = "") -> np.dtype[Any]:
    return np.dtype(
        [(name, _INT) for name in integers.split()] + [(name, _FLOAT) for name in floats.split()]
    )


# What there is one of: the clock, whose turn it is, how full the tables are.
REGISTERS = _table(
    "job session arriving timers fired order ready_first ready free_job spare_jobs free_session "
    "spare_sessions free_token spare_tokens stamp records tasks notes samples issued "
    "wanted_source wanted_group wanted_block wanted_attempt "
    "stalled margin margin_jobs margin_tokens sweeping",
    "now",
)
TIMER = _table("order kind who stamp", "time")
READY = _table("kind who")
# `next` links the free rows.
SESSION = _table(
    "source user route refs phase index attempt stalled next over", "idle_since stop asked ahead"
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
    "jitter luck_column first_user users first_group group_size requests arrived due",
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
    [("start", _FLOAT), ("end", _FLOAT), *((n, k) for n, k in NUMBERS.items() if n != "attempt")],
    align=True,
)
RECORD = np.dtype(
    [("asked", _FLOAT), ("start", _FLOAT), ("end", _FLOAT), *NUMBERS.items(), ("final", np.bool_)],
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

TABLES = (
    "registers",
    "timers",
    "ready",
    "sessions",
    "jobs",
    "links",  # (jobs, kinds of chains)
    "chains",
    "held",  # (jobs, most held) resources, in order of acquisition
    "held_slots",  # (jobs, most held) which of a resource's slots, where they are told apart
    "held_since",  # (jobs, resources whose holders are known) seconds; not a number: it holds none
    "waits",  # (jobs, wait columns) seconds
    "resources",
    "slot_rings",  # idle slots that are told apart, the least recently used first
    "owned_by_session",  # (sessions, owned resources) 1 where the session has a slot
    "owned_by_slot",  # (owned resources, slots that are told apart)
    "stations",
    "groups",
    "services",  # (stations, most services) heaps
    "queues",  # (stations, most services) jobs that wait for their turn
    "steps",
    "sources",
    "classes",
    "choices",
    "starts",
    "stops",
    "reached",  # by user: the block of requests that it draws from
    "retried_statuses",  # (sources, statuses) 1 where a client asks again
    "deadlines",
    "tokens",
    "pages",
    "page_of_group",
    "page_columns",  # (pages, columns) where in a row a column begins
    "draws",  # (pages, values)
    "cells",
    "turns",
    "changes",
    "records",
    "record_waits",
    "tasks",
    "notes",
    "samples",
    "losses",
    "outages",
    "blackouts",
    "gauges",
    "weights",  # what a slot in use adds, by resource
    "lists",  # numbers of resources
    "use_limits",  # by birth
    "uses_left",  # by slot, or of all slots of a resource
)
