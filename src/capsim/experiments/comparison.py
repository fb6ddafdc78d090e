"""A prediction beside a measurement that it never saw: inside, outside, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capsim.experiments.trials import Outcome, metric_intervals
from capsim.loadtest.observations import Dataset, LoadTest
from capsim.metrics.intervals import Interval

_MANY = 0.5  # a failure ratio above this is a broken system


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One measured figure and the interval predicted for it."""

    metric: str
    measured: float
    predicted: Interval

    @property
    def inside(self) -> bool:
        """Whether the measured value lies in the 90 % interval."""
        return self.predicted.contains(self.measured)


def measured_load_test(dataset: Dataset | None, scenario: str, users: int) -> LoadTest | None:
    """Return the load test of a scenario at this number of users, if one was measured."""
    test = dataset.load_tests.get(scenario) if dataset else None
    return test if test and test.users == users else None


def verdicts(test: LoadTest, predicted: Mapping[str, Interval]) -> tuple[Verdict, ...]:
    """Return a verdict for every metric that was measured and predicted."""
    return tuple(
        Verdict(metric=metric, measured=value, predicted=predicted[metric])
        for metric, value in test.measured().items()
        if metric in predicted
    )


def disagreement(
    dataset: Dataset | None, scenario: str, users: int, outcomes: Sequence[Outcome]
) -> str | None:
    """Say where a model of today's system does not give what was measured of it.

    None where nothing was measured at this load, or half of the figures lie inside.
    """
    test = measured_load_test(dataset, scenario, users)
    if test is None:
        return None
    found = verdicts(test, metric_intervals(outcomes))
    inside = sum(verdict.inside for verdict in found)
    if inside >= _MANY * len(found):
        return None
    rps = next((v for v in found if v.metric == "rps"), None)
    detail = (
        f" (measured {rps.measured:.3g} requests/s, here {rps.predicted.median:.3g})"
        if rps and not rps.inside
        else ""
    )
    return (
        f"of the system as it is, {inside} of {len(found)} figures measured with {users} users lie "
        f"inside what this model gives{detail}: what it says of changes is said of another system."
    )


def contradictions(
    found: Sequence[Verdict], outcomes: Sequence[Outcome], dataset: Dataset, scenario: str
) -> list[str]:
    """Say in plain sentences which observations rule out what was measured."""
    outside = {v.metric: v for v in found if not v.inside}
    sentences = []
    if "rps" in outside and outside["rps"].measured < outside["rps"].predicted.lo:
        sentences += _throughput_fell(outside["rps"], outcomes, dataset, scenario)
    if "failure_ratio" in outside:
        sentences.append(_failures_differ(outside["failure_ratio"], outcomes))
    slow = [v for m, v in outside.items() if m.endswith("_s") and v.measured > v.predicted.hi]
    if slow and "rps" not in outside:
        names = ", ".join(v.metric.removesuffix("_s") for v in slow)
        sentences.append(f"Measured {names} lie above every response time this model reaches.")
    return sentences


def _throughput_fell(
    verdict: Verdict, outcomes: Sequence[Outcome], dataset: Dataset, scenario: str
) -> list[str]:
    """Name the load test that carried more with fewer users, if there is one."""
    others = {name: t for name, t in dataset.load_tests.items() if name != scenario}
    users = dataset.load_tests[scenario].users
    rates = {n: t.rps for n, t in others.items() if t.rps is not None and t.users < users}
    busier = {name: rate for name, rate in rates.items() if rate > verdict.measured}
    lowest = min(outcome.metrics["rps"] for outcome in outcomes)
    if not busier or lowest <= verdict.measured:  # some draw does get as slow
        return []
    busiest = max(busier, key=lambda name: busier[name])
    return [
        (
            f"Measured throughput is {verdict.measured:.1f} requests/s; the lowest of all draws is "
            f"{lowest:.0f}. The observation that forbids it: load test {busiest!r} carried "
            f"{busier[busiest]:.0f} requests/s with {others[busiest].users} users, and nothing in "
            f"this model makes the system {busier[busiest] / verdict.measured:.1f} times slower "
            "under more load."
        )
    ]


def _failures_differ(verdict: Verdict, outcomes: Sequence[Outcome]) -> str:
    causes = sorted({c for o in outcomes for c, share in o.failures.items() if share > 0})
    known = f"only {', '.join(causes)}" if causes else "no cause of failure at all"
    much = "almost everything failed" if verdict.measured > _MANY else "failures"
    return (
        f"Measured: {100 * verdict.measured:.0f} % failed ({much}); predicted "
        f"{100 * verdict.predicted.lo:.0f} % to {100 * verdict.predicted.hi:.0f} %. "
        f"In this model's draws there is {known}."
    )
