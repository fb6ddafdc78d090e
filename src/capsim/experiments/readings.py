"""Load tests read with the operational laws alone: what their figures say without a model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from capsim.calibration.scalability import FEWEST_LEVELS, UslFit, fit_usl
from capsim.errors import InputError
from capsim.loadtest.figures import Figures
from capsim.loadtest.observations import Dataset, LoadTest
from capsim.model.laws import ConstantPacing
from capsim.theory import knee, mean_population, utilisation

WHOLE, STEADY = "whole", "steady"
NOTICEABLE = 0.01  # share of failed requests from which a throughput says little of the work done
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Throughput and mean response time of a load test, or of a part of it.

    The single-queue reading takes all of the response time for the service and the waiting at one
    server: R = D / (1 - X D), so D = R / (1 + X R) (Denning and Buzen 1978, from the utilisation
    law U = X D and R = D / (1 - U)).
    """

    load_test: str
    part: str  # `whole`, `steady`, or from when to when
    users: float | None  # none: an open test
    rps: float
    mean_s: float | None
    think_s: float | None  # mean per request
    failure_ratio: float | None
    held_out: bool

    @property
    def in_system(self) -> float | None:
        """Mean number of requests in the system, X R (Little 1961)."""
        if self.mean_s is None:
            return None
        return mean_population(throughput=self.rps, response_time=self.mean_s)

    @property
    def demand_s(self) -> float | None:
        """Demand of a request on the single queue."""
        if self.mean_s is None or self.mean_s == 0:
            return None
        return self.mean_s / (1 + self.rps * self.mean_s)

    @property
    def utilisation(self) -> float | None:
        """Busy fraction of the single queue."""
        if self.demand_s is None:
            return None
        return utilisation(throughput=self.rps, demand=self.demand_s)

    @property
    def capacity_rps(self) -> float | None:
        """Requests per second that the single queue carries at most, X + 1 / R."""
        return None if self.demand_s is None else 1 / self.demand_s

    @property
    def knee(self) -> float | None:
        """Users N* at which the single queue saturates, (D + Z) / D."""
        if self.demand_s is None or self.think_s is None:
            return None
        return knee(demands=[self.demand_s], think_time=self.think_s)

    @property
    def active_users(self) -> float | None:
        """Users that the interactive response time law accounts for, X (R + Z)."""
        if self.mean_s is None or self.think_s is None:
            return None
        return self.rps * (self.mean_s + self.think_s)


def readings(
    dataset: Dataset, *, think_s: float | None = None, only: Sequence[str] = ()
) -> tuple[Reading, ...]:
    """Return what the load tests of a dataset measured, held-out ones included.

    The steady part stands for a test where the dataset has one; the stretches of a test in levels
    stand each for themselves.

    Args:
        dataset: the load tests.
        think_s: mean think time of all of them; none: each has its own, if it is known.
        only: names of load tests; none: all.

    Raises:
        InputError: a name that is not in the dataset, or nothing was measured.
    """
    unknown = [name for name in only if name not in dataset.load_tests]
    if unknown:
        known = ", ".join(dataset.load_tests)
        raise InputError(
            f"--load-test {unknown[0]}: is not in {dataset.name}; choose among {known}"
        )
    found = tuple(
        reading
        for name, test in dataset.load_tests.items()
        if not only or name in only
        for reading in of_load_test(name, test, think_s)
    )
    if not found:
        raise InputError(
            f"{dataset.name}: no load test has a throughput; give rps, or requests with duration_s"
        )
    return found


def of_load_test(name: str, test: LoadTest, think_s: float | None) -> Iterator[Reading]:
    """Yield what one load test measured: nothing where it has no throughput."""
    users = float(test.users) or None
    parts: list[tuple[str, Figures, float, float | None]]
    if test.steady is not None and test.steady.throughput:
        parts = [(STEADY, test.steady, test.steady.duration_s, users)]
    elif test.steady is None and any(stretch.users for stretch in test.stretches):
        parts = [
            (f"{part.from_s:g}..{part.until_s:g} s", part, part.duration_s, part.users)
            for part in test.stretches
        ]
    else:
        parts = [(WHOLE, test.total, test.duration_s, users)]
    for part, figures, duration_s, present in parts:
        rps = figures.rate(duration_s)
        if rps:
            yield Reading(
                load_test=name,
                part=part,
                users=present,
                rps=rps,
                mean_s=figures.mean_s,
                think_s=_think_s(test, figures.mean_s) if think_s is None else think_s,
                failure_ratio=_failures(figures, test.total),
                held_out=test.held_out,
            )


def _think_s(test: LoadTest, mean_s: float | None) -> float | None:
    """Return the mean think time for each request, from the law in the load test's own file."""
    if test.think_s is None:
        return None
    each_s = test.think_s.mean / test.requests_per_wait
    if not isinstance(test.think_s, ConstantPacing):
        return each_s
    return None if mean_s is None else max(0.0, each_s - mean_s)  # it is from start to start


def _failures(figures: Figures, total: Figures) -> float | None:
    ratio = figures.failure_ratio
    return total.failure_ratio if ratio is None else ratio


def possible(found: Sequence[Reading]) -> list[Reading]:
    """Return the readings whose queue carries what every load test measured without failures."""
    served = [r.rps for r in found if (r.failure_ratio or 0.0) <= NOTICEABLE]
    carried = max(served, default=0.0)
    return [r for r in found if r.capacity_rps is not None and r.capacity_rps >= carried]


def different_workloads(dataset: Dataset, found: Sequence[Reading]) -> str | None:
    """Say in what load tests differ that would have to be alike for one curve; none: nothing."""
    names = list(dict.fromkeys(reading.load_test for reading in found))
    thinks: Mapping[str, float | None] = {r.load_test: r.think_s for r in found}
    first = names[0]
    for name in names[1:]:
        one, other = thinks[first], thinks[name]
        pacing = isinstance(dataset.load_tests[name].think_s, ConstantPacing)
        if not pacing and one is not None and other is not None and abs(one - other) > _ROUNDING:
            return f"think times differ ({first}: {one:.3g} s, {name}: {other:.3g} s)"
        asked, others = (set(dataset.load_tests[n].endpoints) for n in (first, name))
        if asked and others and asked != others:
            return f"endpoints differ ({first}, {name})"
        machines = [dataset.load_tests[n].machine for n in (first, name)]
        if machines[0] != machines[1]:
            return f"machines differ ({first}, {name})"
    return None


def fitted(found: Sequence[Reading]) -> tuple[UslFit | None, str]:
    """Return the scalability law fitted to load tests of one workload, and what to know of it.

    Held-out tests are left out. Returns none where there are too few loads.
    """
    known = [r for r in found if not r.held_out and r.users is not None and r.users >= 1]
    levels = sorted({reading.users for reading in known if reading.users is not None})
    if len(levels) < FEWEST_LEVELS:
        return None, too_few(levels)
    fit = fit_usl(users=[r.users for r in known if r.users], rps=[r.rps for r in known])
    failing = [r for r in known if (r.failure_ratio or 0.0) > NOTICEABLE]
    if not failing:
        return fit, ""
    worst = max(failing, key=lambda reading: reading.failure_ratio or 0.0)
    return fit, (
        f"Failed requests count ({worst.load_test}: {100 * (worst.failure_ratio or 0):.0f} %): the "
        "curve is of answers of any kind."
    )


def too_few(levels: Sequence[float]) -> str:
    """Say why so many loads are too few for a fit."""
    shown = f" ({', '.join(f'{level:g}' for level in levels)} users)" if levels else ""
    have = f"there {'is' if len(levels) == 1 else 'are'} {len(levels) or 'none'}{shown}"
    return (
        "No fit: the law has three parameters, so it takes load tests at "
        f"{FEWEST_LEVELS} different numbers of users, under one workload and not held out, to see "
        f"how well it fits; {have}."
    )
