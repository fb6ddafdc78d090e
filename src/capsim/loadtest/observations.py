"""Load-test data: what was run, what was reported, and the same as a flat list of observations."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from capsim import bundled
from capsim.loadtest.figures import LONGEST_S, PERCENTILES, Duration, Figures, Rate
from capsim.loadtest.recorded import Recorded, SourceFile, Stretch
from capsim.loadtest.rounding import Tool, rounding_step_s
from capsim.model.laws import ThinkLaw
from capsim.model.spec import Count, NonNegative, PositiveCount, Spec
from capsim.model.toml import read_toml
from capsim.model.validation import first_problem

_SHORTEST_THINK_S = 1e-9  # no clock tells less from none


class Endpoint(Figures):
    """The figures of some request classes of a load test."""

    request_classes: Annotated[tuple[str, ...], Field(min_length=1)]


class Window(Figures):
    """Figures of the same test cumulated up to a time, from the tool's history."""

    until_s: Duration


class LoadTest(Spec):
    """One load test as it was reported; its name is the name of the model's scenario."""

    source: str
    users: Count = 0  # none in an open test, which has a rate
    rate: Rate | None = None  # requests per second that an open test was told to send
    duration_s: Duration
    held_out: bool = False  # never calibrated on: predictions are compared with it
    note: str = ""
    total: Figures
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    # What follows is for the audit and the bounds; nothing is calibrated on it.
    think_s: ThinkLaw | None = None  # as the load test's own file has it
    requests_per_wait: Annotated[float, Field(ge=1e-6, le=1e6)] = (
        1.0  # that a user sends between two waits
    )
    ramp_s: NonNegative | None = None  # until the number of users was reached
    steady: Stretch | None = None  # the part with the full number of users
    stretches: tuple[Stretch, ...] = ()  # the test in parts, one after another
    failures_by_status: dict[str, PositiveCount] = Field(default_factory=dict)
    machine: str = ""  # what the system ran on, where the load tests of a dataset differ in it
    recorded: Recorded | None = None
    sources: tuple[SourceFile, ...] = ()

    @model_validator(mode="after")
    def _has_load(self) -> Self:
        if self.users == 0 and self.rate is None:
            msg = "no users and no rate; set users, or rate for an open test"
            raise ValueError(msg)
        if self.think_s is not None and self.think_s.mean > LONGEST_S:
            msg = f"think_s has a mean of {self.think_s.mean:g} s; nobody thinks for 30 years"
            raise ValueError(msg)
        if self.think_s is not None and 0 < self.think_s.mean < _SHORTEST_THINK_S:
            msg = f"think_s has a mean of {self.think_s.mean:g} s; write 0 for no waiting"
            raise ValueError(msg)
        return self

    @property
    def rps(self) -> float | None:
        """Requests per second over the whole test."""
        return self.total.rate(self.duration_s)

    def measured(self) -> dict[str, float]:
        """Return the figures of the whole test by the names of JSON, e.g. `p95_s`."""
        found = {"rps": self.rps, "failure_ratio": self.total.failure_ratio}
        found |= dict(_seconds(self.total))
        return {name: value for name, value in found.items() if value is not None}


class Configured(Spec):
    """What the documents of the system say of it, for the audit to hold against the figures."""

    pool_size: PositiveCount | None = None  # database connections
    timeout_s: Duration | None = None  # after which a request is said to fail


class Dataset(Spec):
    """The load tests of one system."""

    name: str
    source: Annotated[str, Field(min_length=1)]
    tool: Tool
    configured: Configured = Configured()
    load_tests: Annotated[dict[str, LoadTest], Field(min_length=1)]

    @model_validator(mode="after")
    def _something_to_learn_from(self) -> Self:
        if all(test.held_out for test in self.load_tests.values()):
            msg = "every load test is held out; leave at least one to calibrate on"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One reported number, in seconds or per second, and what of a simulation it belongs to."""

    load_test: str
    metric: str  # `rps`, `failure_ratio`, `mean_s`, `p50_s` ...
    value: float
    rounding_s: float = 0.0  # the step to which the tool rounded
    request_classes: tuple[str, ...] | None = None  # none: all requests
    until_s: float | None = None  # none: the whole test
    part: str = "total"  # the endpoint or window, for people

    @property
    def label(self) -> str:
        """How tables name it."""
        return f"{self.load_test} / {self.part} / {self.metric}"


def load_dataset(reference: str | Path) -> Dataset:
    """Read a file of load-test data, by path or by the name of shipped data (`p43/report`).

    Raises:
        InputError: the file is missing, broken, or contradicts itself.
    """
    path = bundled.locate(reference, "calibration")
    try:
        return Dataset.model_validate(read_toml(path))
    except ValidationError as error:
        raise first_problem(error, path.name) from None


def observations(dataset: Dataset) -> list[Observation]:
    """Return everything to calibrate on, as a flat list. Held-out load tests are not in it."""
    return [
        observation
        for name, test in dataset.load_tests.items()
        if not test.held_out
        for observation in _of_load_test(name, test, dataset.tool)
    ]


def _of_load_test(name: str, test: LoadTest, tool: Tool) -> Iterator[Observation]:
    yield from _of_figures(name, test.total, tool, duration_s=test.duration_s)
    for endpoint, figures in test.endpoints.items():
        classes = figures.request_classes
        yield from _of_figures(
            name, figures, tool, classes, duration_s=test.duration_s, part=endpoint
        )
    for window in test.windows:
        yield from _of_figures(
            name,
            window,
            tool,
            duration_s=window.until_s,
            until_s=window.until_s,
            part=f"first {window.until_s:g} s",
        )


def _of_figures(  # noqa: PLR0913 (where a figure belongs)
    name: str,
    figures: Figures,
    tool: Tool,
    request_classes: tuple[str, ...] | None = None,
    *,
    duration_s: float,
    until_s: float | None = None,
    part: str = "total",
) -> Iterator[Observation]:
    def observation(metric: str, value: float, rounding_s: float = 0.0) -> Observation:
        return Observation(
            load_test=name,
            metric=metric,
            value=value,
            rounding_s=rounding_s,
            request_classes=request_classes,
            until_s=until_s,
            part=part,
        )

    rate = figures.rate(duration_s)
    if rate is not None:
        yield observation("rps", rate)
    if figures.failure_ratio is not None:
        yield observation("failure_ratio", figures.failure_ratio)
    for metric, value in _seconds(figures):
        # Means and maxima are reported unrounded; only percentiles come from rounded buckets.
        rounded = metric.startswith("p")
        step = rounding_step_s(tool, value) if rounded else 0.0
        yield observation(metric, value, step)


def _seconds(figures: Figures) -> Iterator[tuple[str, float]]:
    for name in ("mean_ms", *PERCENTILES):
        value = getattr(figures, name)
        if value is not None:
            yield name.removesuffix("_ms") + "_s", value / 1000
