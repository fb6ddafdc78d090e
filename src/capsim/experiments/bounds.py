"""Bounds without simulation: of a model over its draws, of measured data, of a given network."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from capsim.experiments import readings as reading
from capsim.experiments.beliefs import Belief
from capsim.experiments.bounded import Bounds, Levels
from capsim.experiments.closed_systems import ClosedSystem, of_model, of_single_queue
from capsim.experiments.curve import levels as geometric
from capsim.experiments.envelopes import envelope
from capsim.experiments.readings import Reading
from capsim.experiments.slowdowns import left_out, unbounded
from capsim.experiments.visits import Visits, visits
from capsim.loadtest.observations import Dataset
from capsim.model.model import Model

DRAWS = 60
ROWS = 10  # of the table
_POINTS = 48  # of a curve
_TIMES_KNEE = 3  # the numbers of users shown, where nobody says which
_FEWEST, _MOST = 10, 1_000_000  # the same


def bounds(
    belief: Belief,
    users: tuple[int, int] | None = None,
    *,
    scenario: str | None = None,
    dataset: Dataset | None = None,
    draws: int = DRAWS,
) -> Bounds:
    """Return the bounds of a model's scenario, with intervals over the draws.

    Args:
        belief: the model and its posterior.
        users: the fewest and the most; none: from 1 to beyond the knee and the scenario's own.
        scenario: whose workload; none: the model's default.
        dataset: load tests; those of the same workload are held against the bounds.
        draws: parameter draws.

    Raises:
        InputError: the scenario is unknown, or has no closed users.
    """
    central = belief.central()
    name = central.scenario_name(scenario)
    spec = central.scenario(name)
    systems = tuple(of_model(model, name) for model in belief.models(draws))
    found = () if dataset is None else _of_same_workload(dataset, central, name)
    usl, note = reading.fitted(found)
    return Bounds(
        kind="model",
        name=central.name,
        scenario=name,
        systems=systems,
        levels=_over(systems, users or _ends(systems, spec.peak_users), found),
        leaves_out=tuple(dict.fromkeys(left_out(central, spec))),
        no_floor=tuple(dict.fromkeys(unbounded(central, spec))),
        readings=found,
        usl=usl,
        usl_note=note,
    )


def bounds_of_data(
    dataset: Dataset,
    users: tuple[int, int] | None = None,
    *,
    think_s: float | None = None,
    load_tests: Sequence[str] = (),
) -> Bounds:
    """Return what load tests say by themselves, each read as one queue.

    A queue that would carry less than another load test measured is none, and is left out.

    Args:
        dataset: the load tests; held-out ones are shown and used for nothing.
        users: the fewest and the most; none: from 1 to beyond the knee and the load tests.
        think_s: mean think time; none: that of each load test, if it is known.
        load_tests: names of those to read; none: all.

    Raises:
        InputError: an unknown name, or nothing was measured.
    """
    found = reading.readings(dataset, think_s=think_s, only=load_tests)
    differ = reading.different_workloads(dataset, found)
    usl, note = (None, "") if differ else reading.fitted(found)
    used = [] if differ else [r for r in found if not r.held_out]
    possible = reading.possible(used)
    pairs = [(r.demand_s, r.think_s) for r in possible]
    systems = tuple(of_single_queue(d, z) for d, z in pairs if d is not None and z is not None)
    most = max((r.users for r in found if r.users), default=1.0)
    ends = users or _ends(systems, math.ceil(most))
    return Bounds(
        kind="data",
        name=dataset.name,
        scenario=None,
        systems=systems,
        levels=_over(systems, ends, found) if systems else None,
        readings=found,
        contradicted=_names(r for r in used if r.demand_s is not None and r not in possible),
        usl=usl,
        usl_note=note,
        no_curve="" if systems else _why(differ, used),
    )


def _names(found: Iterable[Reading]) -> tuple[str, ...]:
    """Return the load tests of some readings, each once."""
    return tuple(dict.fromkeys(each.load_test for each in found))


def _why(differ: str | None, used: Sequence[Reading]) -> str:
    """Say why load tests have no bounds over users."""
    if differ is not None:
        return f"No curve over users: {differ}; choose load tests of one workload by --load-test."
    if not used:
        return "No curve over users: all of the load tests are held out."
    if all(r.demand_s is None for r in used):
        return "No curve over users: no load test has a mean response time (mean_ms)."
    return "No curve over users: the think time is not known; give it by --think SECONDS."


def bounds_of_network(
    system: ClosedSystem, users: tuple[int, int] | None = None, *, name: str = "network"
) -> Bounds:
    """Return the bounds of a network of queues, and its exact mean values.

    Args:
        system: see `of_network`.
        users: the fewest and the most; none: from 1 to beyond the knee.
        name: for headings.
    """
    systems = (system,)
    return Bounds(
        kind="network",
        name=name,
        scenario=None,
        systems=systems,
        levels=_over(systems, users or _ends(systems, 1), ()),
    )


def _over(
    systems: Sequence[ClosedSystem], ends: tuple[int, int], found: Sequence[Reading]
) -> Levels:
    """Return what holds from the fewest to the most users, measured numbers among them."""
    lowest, highest = ends
    is_one = lowest == highest
    shown = (highest,) if is_one else geometric(lowest, highest, ROWS)
    points = {*geometric(1 if is_one else lowest, highest, _POINTS), *shown}
    points |= {round(r.users) for r in found if r.users and lowest <= r.users <= highest}
    known = envelope(systems, sorted(points))
    is_exact = is_one and not known.contradicted[-1]
    return Levels(
        envelope=known,
        shown=shown,
        visits=visits(systems, highest) if is_exact else Visits(),
    )


def _ends(systems: Sequence[ClosedSystem], least: int) -> tuple[int, int]:
    """Return numbers of users among which the knee lies, and those that were measured."""
    knees = np.array([system.knee for system in systems])
    known = knees[np.isfinite(knees)]
    wanted = math.ceil(_TIMES_KNEE * float(np.median(known))) if len(known) else 0
    return 1, min(_MOST, max(wanted, least, _FEWEST))


def _of_same_workload(dataset: Dataset, model: Model, scenario: str) -> tuple[Reading, ...]:
    """Return the readings of load tests whose scenario has the same users as this one."""
    workload = model.scenario(scenario).user_classes
    found = []
    for name, test in dataset.load_tests.items():
        spec = model.scenarios.get(name)
        if spec is not None and spec.user_classes == workload:
            found += list(reading.of_load_test(name, test, None))
    return tuple(found)
