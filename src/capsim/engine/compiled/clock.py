"""A station's clock: how far it has come, at which rate it runs, and its one timer."""

from capsim.engine.compiled.agenda import STATION, schedule
from capsim.engine.compiled.jit import kernel
from capsim.engine.compiled.state import NONE, State


@kernel
def account(s: State, station: int) -> None:
    """Bring the station's clock and the integrals up to now."""
    core, now = s.stations[station], s.registers[0].now
    passed = now - core.advanced_at
    if passed == 0.0:
        return
    if core.present:
        core.virtual += passed * core.rate
        busy_s = passed * min(core.cores, float(core.present)) * core.share
        core.busy_s += busy_s
        core.present_s += passed * core.present
        if core.wasted_share != 0.0:
            core.wasted_s += busy_s * core.wasted_share
    core.advanced_at = now


@kernel
def rest(s: State, station: int) -> None:
    """Start anew from zero when there is nothing to do: keeps the clock small and precise."""
    core = s.stations[station]
    core.virtual = 0.0
    core.armed = 0
    core.timer_number += 1


@kernel
def wait_for(s: State, station: int, ahead: float, what: int, at: float) -> None:
    """Set the timer, unless it waits for the same thing already."""
    core = s.stations[station]
    if core.armed and core.armed_for == what and core.armed_at == at:
        return
    core.armed, core.armed_for, core.armed_at = 1, what, at
    core.timer_number += 1
    schedule(s, s.registers[0].now + max(0.0, ahead), STATION, station, core.timer_number)


@kernel
def total_rate(s: State, station: int) -> float:
    """Return the rate of all jobs together now, in core-seconds per second."""
    core = s.stations[station]
    n = core.present
    core.share = 1.0 if core.group == NONE else s.groups[core.group].share
    slowed = 1 + core.contention * (n - 1) + core.coherency * n * (n - 1)
    rate = min(float(n), core.cores) / slowed / (1 + core.idle_overhead / n)
    return rate * core.speed * core.share
