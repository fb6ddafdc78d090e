"""Egalitarian processor sharing over a few cores: the machine's CPUs, database cores.

A heap of services by where on the station's clock they end. One that was withdrawn stays in the
heap, and is no longer what its job is served for.
"""

from capsim.engine.compiled.clock import rest, total_rate, wait_for
from capsim.engine.compiled.heap import pop, push
from capsim.engine.compiled.jit import kernel, seldom
from capsim.engine.compiled.state import NONE, State


@kernel
def enter(s: State, station: int, job: int) -> None:
    """Take a service in."""
    core, request = s.stations[station], s.jobs[job]
    request.end += core.virtual
    services = s.services[station]
    services[push(services, core.services, request.end, request.sequence)].job = job
    core.services += 1
    if request.abandoned:
        core.forsaken += 1


@kernel
def leave(s: State, station: int, job: int) -> None:
    """Take a service that is not done out; its job's being elsewhere will tell so."""
    if s.jobs[job].abandoned:
        s.stations[station].forsaken -= 1


@kernel
def forsake(s: State, station: int) -> None:
    """Take note that the client of a job in service has gone; all share alike."""
    core = s.stations[station]
    core.forsaken += 1
    core.wasted_share = core.forsaken / core.present


@seldom
def hand_on(s: State, station: int, job: int, heir: int) -> None:
    """Have a service go on for another job."""
    services = s.services[station]
    for place in range(s.stations[station].services):
        if services[place].job == job and _is_current(s, station, place):
            services[place].job = heir


@kernel
def first_present(s: State, station: int) -> int:
    """Return who of those present came first."""
    services, first = s.services[station], NONE
    for place in range(s.stations[station].services):
        job = services[place].job
        if first != NONE and s.jobs[first].sequence < services[place].order:
            continue
        if _is_current(s, station, place):
            first = job
    return first


@kernel
def arm(s: State, station: int) -> None:
    """Set the timer for the service that ends first."""
    core, services = s.stations[station], s.services[station]
    while core.services and not _is_current(s, station, 0):
        _drop_first(s, station)
    if core.services == 0:
        rest(s, station)
        return
    core.rate = total_rate(s, station) / core.present
    core.wasted_share = core.forsaken / core.present
    ahead = (services[0].time - core.virtual) / core.rate
    wait_for(s, station, ahead, services[0].order, core.rate)


@kernel
def due(s: State, station: int) -> int:
    """Take the service that ends now out; return its job."""
    core = s.stations[station]
    job, end = s.services[station, 0].job, s.services[station, 0].time
    _drop_first(s, station)
    if s.jobs[job].abandoned:
        core.forsaken -= 1
    # The head is done by construction; rounding may have left it a hair short.
    core.virtual = max(core.virtual, end)
    return job


@kernel
def _is_current(s: State, station: int, place: int) -> bool:
    """Return whether the service at a place is not one that was withdrawn."""
    service = s.services[station, place]
    request = s.jobs[service.job]
    return request.station == station and request.sequence == service.order


@kernel
def _drop_first(s: State, station: int) -> None:
    core = s.stations[station]
    pop(s.services[station], core.services)
    core.services -= 1
