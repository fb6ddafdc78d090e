"""What several test folders share: windows of a trace, exact-value checks and small models."""

import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from capsim.engine import Trace, compiled, simulate_plan
from capsim.model.template import Template, parse_template
from capsim.plan.ops import Status
from capsim.plan.plan import Plan

REPLICATIONS = 20
# Of one case, shared by its metrics: some thirty cases raise a false alarm in 1.5 % of all suites.
FALSE_ALARM = 0.0005


def pytest_configure(config: pytest.Config) -> None:
    """Compile the engine once, before tests run side by side and judge what commands print."""
    if compiled.is_available() and not hasattr(config, "workerinput"):
        compiled.prepare()


class Window:
    """Steady-state statistics of a trace from the end of its warm-up to its horizon."""

    def __init__(self, trace: Trace, begin_s: float) -> None:
        """Choose the requests that ended after `begin_s`."""
        self.trace = trace
        self.begin_s = begin_s
        self.length_s = trace.horizon_s - begin_s
        self.ended = trace.end >= begin_s  # never true of one in flight
        self.served = self.ended & (trace.status == Status.OK)

    def throughput(self) -> float:
        """Answers per second."""
        return float(self.served.sum() / self.length_s)

    def response(self) -> float:
        """Mean response time of the answers."""
        return float((self.trace.end - self.trace.start)[self.served].mean())

    def share(self, status: Status) -> float:
        """Share of the requests that ended with a status."""
        return float((self.trace.status[self.ended] == status).mean())

    def wait(self, name: str, *, of_all: bool = False) -> float:
        """Mean wait for a kind of resource, of the answers or of all that ended."""
        column = self.trace.wait_names.index(name)
        return float(self.trace.waits[self.ended if of_all else self.served, column].mean())

    def in_use(self, name: str) -> float:
        """Mean number of slots in use."""
        return self._mean(self.trace.in_use, self.trace.resource_names.index(name))

    def queue(self, name: str) -> float:
        """Mean number waiting for a slot."""
        return self._mean(self.trace.queued, self.trace.resource_names.index(name))

    def busy(self, name: str) -> float:
        """Mean number of busy cores of a station."""
        return self._mean(self.trace.busy, self.trace.station_names.index(name))

    def present(self, name: str) -> float:
        """Mean number of jobs at a station."""
        return self._mean(self.trace.present, self.trace.station_names.index(name))

    def population(self) -> float:
        """Mean number in the system, from the starts and ends of the requests alone."""
        levels = self.occupancy()
        return float(levels @ np.arange(len(levels)))

    def occupancy(self, largest: int | None = None) -> NDArray[np.float64]:
        """Share of the time with 0, 1, 2 ... in the system, from starts and ends alone."""
        trace = self.trace
        ends = trace.end[np.isfinite(trace.end)]
        times = np.concatenate([trace.start, ends])
        order = np.argsort(times, kind="stable")
        steps = np.repeat([1, -1], [len(trace.start), len(ends)])[order]
        edges = np.clip(np.append(times[order], trace.horizon_s), self.begin_s, None)
        levels = np.bincount(np.cumsum(steps), weights=np.diff(edges), minlength=(largest or 0) + 1)
        levels[0] += max(0.0, edges[0] - self.begin_s)
        shares = levels / self.length_s
        return shares if largest is None else shares[: largest + 1]

    def _mean(self, integral: NDArray[np.float64], column: int) -> float:
        first = np.searchsorted(self.trace.sampled_s, self.begin_s)
        passed = self.trace.sampled_s[-1] - self.trace.sampled_s[first]
        return float((integral[-1, column] - integral[first, column]) / passed)


Measure = Callable[[Window], Mapping[str, float]]


def agrees(
    build: Callable[[int], Plan],
    measure: Measure,
    exact: Mapping[str, float],
    *,
    warm_up: float,
    half_width: float | Mapping[str, float],
    replications: int = REPLICATIONS,
) -> None:
    """Assert that exact values lie in the intervals of independent replications.

    Args:
        build: the plan of a replication.
        measure: metrics of a window, by name; those of `exact`.
        exact: their values.
        warm_up: when the windows begin.
        half_width: how narrow the intervals have to be, as a share of the exact value (by metric
            where they differ), so that the check could fail.
        replications: how many runs make an interval.
    """
    rows = []
    for replication in range(replications):
        measured = measure(Window(simulate_plan(build(replication)), warm_up))
        rows.append([measured[name] for name in exact])
    samples = np.array(rows)
    quantile = stats.t.ppf(1 - FALSE_ALARM / len(exact) / 2, replications - 1)
    means = samples.mean(axis=0)
    widths = quantile * samples.std(axis=0, ddof=1) / np.sqrt(replications)
    for (name, value), mean, width in zip(exact.items(), means, widths, strict=True):
        allowed = half_width if isinstance(half_width, float) else half_width[name]
        assert mean == pytest.approx(value, rel=1e-9, abs=width), f"{name}: +- {width}"
        assert width <= allowed * abs(value), f"{name}: the interval {mean} +- {width} is too wide"


def template(text: str) -> Template:
    """Return a model written as TOML."""
    return parse_template(tomllib.loads(text), "model.toml")


@pytest.fixture(name="agrees")
def _agrees() -> Callable[..., None]:
    """Compare replications with exact values; see `agrees`."""
    return agrees


@pytest.fixture(name="window")
def _window() -> type[Window]:
    """Statistics of a trace; see `Window`."""
    return Window


@pytest.fixture(name="template")
def _template() -> Callable[[str], Template]:
    """Read a model from TOML text."""
    return template


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a nested table with another one laid over it."""
    result = dict(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


@pytest.fixture(scope="session", name="merged")
def _merged() -> Callable[..., dict[str, Any]]:
    """Lay one nested table over another."""
    return merged
