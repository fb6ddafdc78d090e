"""The choice of a server: by a load balancer, or by whichever process accepts a connection."""

from capsim.engine.compiled.draws import drawn
from capsim.engine.compiled.holders import in_use
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.owned import close_session
from capsim.engine.compiled.state import NONE, State
from capsim.plan.ops import Policy

_RANDOM, _TURN, _LEAST = int(Policy.RANDOM), int(Policy.TURN), int(Policy.LEAST)

# Which servers a choice is made among.
_WITH_ROOM, _OPEN, _ALL = range(3)


@kernel
def route(s: State, job: int, step: int) -> None:
    """Choose one of several equal servers, once for each connection of the user."""
    request, does = s.jobs[job], s.steps[step]
    client = s.sessions[request.session]
    idle = s.registers[0].now - client.idle_since
    kept = client.route != NONE and idle <= does.limit and not does.again
    if not kept or (does.gates >= 0 and s.resources[does.gates + client.route].closed):
        close_session(s, request.session)  # the connection that it had has gone
        first = request.route * does.count
        if does.again:
            first = request.route - request.route % does.count
        client.route = _choose(s, job, step, first)
    request.route = client.route


@kernel
def _choose(s: State, job: int, step: int, first: int) -> int:
    does = s.steps[step]
    among = _which(s, step, first)
    if does.policy == _RANDOM:
        open_ones = _count(s, step, first, among)
        return _number(s, step, first, among, int(drawn(s, job, does.column) * open_ones))
    if does.policy == _TURN:
        return _in_turn(s, job, step, first, among, NONE)
    if does.policy == _LEAST:
        fewest = _fewest(s, step, first, among)
        return _in_turn(s, job, step, first, among, fewest)
    return _better_of_two(s, job, step, first, among)


@kernel
def _which(s: State, step: int, first: int) -> int:
    """Say among which servers to choose: those with room, or else those open, or else all."""
    if s.steps[step].gates < 0:
        return _ALL
    if _has_one(s, step, first, _WITH_ROOM):
        return _WITH_ROOM
    return _OPEN if _has_one(s, step, first, _OPEN) else _ALL


@kernel
def _has_one(s: State, step: int, first: int, among: int) -> bool:
    for server in range(first, first + s.steps[step].count):
        if _is_one(s, step, server, among):
            return True
    return False


@kernel
def _is_one(s: State, step: int, server: int, among: int) -> bool:
    if among == _ALL:
        return True
    gate = s.resources[s.steps[step].gates + server]
    return gate.free > 0 if among == _WITH_ROOM else gate.closed == 0


@kernel
def _count(s: State, step: int, first: int, among: int) -> int:
    count = 0
    for server in range(first, first + s.steps[step].count):
        if _is_one(s, step, server, among):
            count += 1
    return count


@kernel
def _number(s: State, step: int, first: int, among: int, place: int) -> int:
    """Return the server at a place among those to choose from."""
    for server in range(first, first + s.steps[step].count):
        if _is_one(s, step, server, among):
            if place == 0:
                return server
            place -= 1
    return first


@kernel
def _in_turn(s: State, job: int, step: int, first: int, among: int, in_flight: int) -> int:
    """Return the first of the servers that is due, beginning after the one chosen last.

    Only those with so many in flight, unless that is `NONE`.
    """
    does = s.steps[step]
    turn = does.turns + s.jobs[job].route
    base = s.jobs[job].route * does.count
    due = s.turns[turn]
    chosen, nearest = first, does.count
    for server in range(first, first + does.count):
        if not _is_one(s, step, server, among):
            continue
        if in_flight != NONE and _in_flight(s, step, server) != in_flight:
            continue
        ahead = (server - base - due) % does.count
        if ahead < nearest:
            chosen, nearest = server, ahead
    s.turns[turn] = chosen - base + 1
    return chosen


@kernel
def _fewest(s: State, step: int, first: int, among: int) -> int:
    fewest = NONE
    for server in range(first, first + s.steps[step].count):
        if _is_one(s, step, server, among):
            in_flight = _in_flight(s, step, server)
            if fewest == NONE or in_flight < fewest:
                fewest = in_flight
    return fewest


@kernel
def _better_of_two(s: State, job: int, step: int, first: int, among: int) -> int:
    """Return the better of two different servers, both from one draw."""
    count = _count(s, step, first, among)
    scaled = drawn(s, job, s.steps[step].column) * count
    one = int(scaled)
    other = int((scaled - one) * (count - 1))
    if other >= one:
        other += 1
    chosen = _number(s, step, first, among, one)
    if other == count:  # there is only one
        return chosen
    rival = _number(s, step, first, among, other)
    return rival if _in_flight(s, step, rival) < _in_flight(s, step, chosen) else chosen


@kernel
def _in_flight(s: State, step: int, server: int) -> int:
    resource = s.steps[step].gates + server
    gate = s.resources[resource]
    return in_use(s, resource) + s.resources[gate.line].waiting - gate.wasted
