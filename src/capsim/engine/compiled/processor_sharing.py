"""Egalitarian processor sharing over a few cores: the machine's CPUs, database cores.

A heap of services by where on the station's clock they end. One that was withdrawn stays in the
heap, and is no longer what its job is served for.
"""

from capsim.engine.compiled.clock import rest, total_rate, wait_for
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import State


@kernel
def enter(s: State, station: int, job: int) -> None:
    """Take a service in."""
    core, request = s.stations[station], s.jobs[job]
    request.end += core.virtual
    _push(s, station, request.end, request.sequence, job)
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


@kernel
def hand_on(s: State, station: int, job: int, heir: int) -> None:
    """Have a service go on for another job."""
    services = s.services[station]
    for place in range(s.stations[station].services):
        if services[place].job == job and services[place].sequence == s.jobs[job].sequence:
            services[place].job = heir


@kernel
def arm(s: State, station: int) -> None:
    """Set the timer for the service that ends first."""
    core, services = s.stations[station], s.services[station]
    while core.services and not _is_current(s, station):
        _pop(s, station)
    if core.services == 0:
        rest(s, station)
        return
    core.rate = total_rate(s, station) / core.present
    core.wasted_share = core.forsaken / core.present
    ahead = (services[0].end - core.virtual) / core.rate
    wait_for(s, station, ahead, services[0].sequence, core.rate)


@kernel
def due(s: State, station: int) -> int:
    """Take the service that ends now out; return its job."""
    core = s.stations[station]
    job, end = s.services[station, 0].job, s.services[station, 0].end
    _pop(s, station)
    if s.jobs[job].abandoned:
        core.forsaken -= 1
    # The head is done by construction; rounding may have left it a hair short.
    core.virtual = max(core.virtual, end)
    return job


@kernel
def _is_current(s: State, station: int) -> bool:
    """Return whether the first service is not one that was withdrawn."""
    first = s.services[station, 0]
    request = s.jobs[first.job]
    return request.station == station and request.sequence == first.sequence


@kernel
def _push(s: State, station: int, end: float, sequence: int, job: int) -> None:
    core, services = s.stations[station], s.services[station]
    place = core.services
    core.services = place + 1
    while place > 0:
        above = (place - 1) >> 1
        if services[above].end <= end:  # of equal ones the first that came
            break
        services[place] = services[above]
        place = above
    service = services[place]
    service.end, service.sequence, service.job = end, sequence, job


@kernel
def _pop(s: State, station: int) -> None:
    core, services = s.stations[station], s.services[station]
    count = core.services - 1
    core.services = count
    end, sequence = services[count].end, services[count].sequence
    place = 0
    while True:
        below = 2 * place + 1
        if below >= count:
            break
        if below + 1 < count and _before(
            services[below + 1], services[below].end, services[below].sequence
        ):
            below += 1
        if not _before(services[below], end, sequence):
            break
        services[place] = services[below]
        place = below
    if place != count:
        services[place] = services[count]


@kernel
def _before(service: State, end: float, sequence: int) -> bool:
    return service.end < end or (service.end == end and service.sequence < sequence)
