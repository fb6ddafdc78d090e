"""Simulate the load tests of a dataset and read off the figures that were reported of them."""

from collections.abc import Mapping, Sequence

from capsim.errors import InputError
from capsim.loadtest.observations import Dataset, Observation
from capsim.metrics.look import Look, steady_look
from capsim.metrics.run import Run, simulate
from capsim.model.model import Model

_LONGEST_MISMATCH = 0.05  # of the duration: reports round it, e.g. 296.7 s to five minutes


def simulate_observations(
    model: Model, wanted: Sequence[Observation], *, seed: int, replication: int = 0
) -> list[float]:
    """Return the simulated value of every observation, in order.

    Models simulated with the same seed and replication have the same luck, so that differences
    between them are due to their parameters.
    """
    values: dict[Observation, float] = {}
    for name in dict.fromkeys(o.load_test for o in wanted):
        mine = [o for o in wanted if o.load_test == name]
        look = _look(model, name, mine, seed, replication)
        if look is not None:
            values |= {o: look.summary(o.request_classes).metric(o.metric) for o in mine}
        else:
            run = simulate(model, scenario=name, seed=seed, replication=replication)
            values |= {o: _read(run, o) for o in mine}
    return [values[o] for o in wanted]


def _look(
    model: Model, name: str, wanted: Sequence[Observation], seed: int, replication: int
) -> Look | None:
    """Return a look as long as the measured throughput asks for, where that can stand for all."""
    rates = [o.value for o in wanted if o.metric == "rps" and o.request_classes is None]
    if not rates or any(o.until_s is not None for o in wanted):
        return None
    scenario = model.scenario(name)
    return steady_look(model, scenario, rps=rates[0], seed=seed, replication=replication)


def _read(run: Run, observation: Observation) -> float:
    summary = run.summary(until_s=observation.until_s, request_classes=observation.request_classes)
    return summary.metric(observation.metric)


def check_fits(model: Model, dataset: Dataset) -> None:
    """Make sure that a model can simulate what a dataset reports.

    Raises:
        InputError: a load test has no scenario, or users, duration or classes do not match.
    """
    for name, test in dataset.load_tests.items():
        scenario = model.scenarios.get(name)
        if scenario is None:
            known = ", ".join(model.scenarios)
            raise InputError(
                f"{dataset.name}: load test {name!r} has no scenario in {model.name} "
                f"(it has {known}); name them alike"
            )
        if scenario.user_classes and scenario.peak_users != test.users:
            raise InputError(
                f"{dataset.name}: load_tests.{name}.users = {test.users}, but the scenario of "
                f"{model.name} has {scenario.peak_users}; correct one of them"
            )
        if abs(scenario.duration_s / test.duration_s - 1) > _LONGEST_MISMATCH:
            raise InputError(
                f"{dataset.name}: load_tests.{name}.duration_s = {test.duration_s:g}, but the "
                f"scenario of {model.name} lasts {scenario.duration_s:g} s; correct one of them"
            )
        _check_classes(model, dataset.name, name, test.endpoints)


def _check_classes(model: Model, source: str, name: str, endpoints: Mapping[str, object]) -> None:
    for endpoint, figures in endpoints.items():
        unknown = sorted(set(getattr(figures, "request_classes", ())) - set(model.requests))
        if unknown:
            raise InputError(
                f"{source}: load_tests.{name}.endpoints.{endpoint}: request class "
                f"{unknown[0]!r} is not in {model.name} (it has {', '.join(model.requests)})"
            )
