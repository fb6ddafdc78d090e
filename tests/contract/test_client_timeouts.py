"""Clients that give up without the server learning of it: overload turns into work for nobody."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from capsim.plan.lowering import lower
from capsim.plan.ops import Status
from capsim.plan.plan import Plan
from capsim.theory import mm1_late_answers

EXPONENTIAL = {"law": "exponential", "mean": 0.1}


def modelled(demand: object, scenario: dict[str, Any]) -> Model:
    """One worker on one core, first come, first served, with a line as long as it takes."""
    return Model.model_validate(
        {
            "name": "patience",
            "default_scenario": "test",
            "machine": {"cores": 1},
            "server": {
                "kind": "gunicorn-sync",
                "workers": 1,
                "timeout_s": 0,
                "backlog": 1_000_000,
            },
            "requests": {"page": {"app_cpu_s": demand}},
            "scenarios": {"test": scenario},
        }
    )


def arrivals(rate: float, timeout_s: float | None, duration_s: float = 600.0) -> dict[str, Any]:
    """Poisson arrivals with patience."""
    calls = {"stages": [{"duration_s": duration_s, "rate": rate}], "tasks": {"page": 1}}
    return {
        "duration_s": duration_s,
        "arrivals": {"calls": calls},
        "client": {"timeout_s": timeout_s},
    }


def users(number: int, timeout_s: float | None, replication: int = 0) -> Run:
    """Simulate users who think for 3 s, at a server for 10 requests per second."""
    user = {"think_s": {"law": "exponential", "mean": 3.0}, "tasks": {"page": 1}}
    scenario = {
        "duration_s": 450.0,
        "users": number,
        "user_classes": {"user": user},
        "client": {"timeout_s": timeout_s},
    }
    return simulate(modelled(0.1, scenario), replication=replication)


def test_a_little_too_much_drives_goodput_to_zero_for_good() -> None:
    """At 110 % everything is answered too late once the line is longer than the patience."""
    patient = simulate(modelled(EXPONENTIAL, arrivals(11.0, None))).summary(begin_s=300)
    result = simulate(modelled(EXPONENTIAL, arrivals(11.0, 2.0)))
    assert result.summary(until_s=20).goodput_rps > 7.0
    assert patient.goodput_rps == pytest.approx(10.0, abs=4 * np.sqrt(10 / 300))
    late = result.summary(begin_s=300)
    assert late.goodput_rps == 0.0
    assert late.failures == {"client_timeout": 1.0}
    # The worker is as busy as ever, for nobody.
    worker = {use.name: use for use in result.usages(begin_s=300)}["worker"]
    assert (worker.utilisation, worker.wasted) == pytest.approx((1.0, 1.0))


def test_patience_changes_nothing_at_the_server() -> None:
    """With open arrivals and no retries the server's day is the same to the last bit."""
    traces = [simulate(modelled(EXPONENTIAL, arrivals(11.0, t, 100.0))).trace for t in (None, 0.5)]
    assert traces[0].in_use.tobytes() == traces[1].in_use.tobytes()
    assert traces[0].busy.tobytes() == traces[1].busy.tobytes()
    given_up = traces[1].status == Status.CLIENT_TIMEOUT
    assert (traces[1].end - traces[1].start)[given_up] == pytest.approx(0.5)


@pytest.mark.parametrize(("rate", "timeout_s"), [(7.0, 0.3), (5.0, 0.4)])
def test_late_answers_follow_the_sojourn_of_mm1(
    agrees: Callable, rate: float, timeout_s: float
) -> None:
    """P(late) = exp(-(mu - lambda) tau), goodput what is left; 20 x 3,000 to 4,000, within 15 %."""
    model = modelled(EXPONENTIAL, arrivals(rate, timeout_s, 620.0))
    exact = mm1_late_answers(arrival_rate=rate, service_rate=10.0, patience=timeout_s)

    def build(replication: int) -> Plan:
        return lower(model, model.scenario(), seed=1, replication=replication)

    agrees(
        build,
        lambda w: {
            "late": w.share(Status.CLIENT_TIMEOUT),
            "goodput": w.throughput(),
            "busy": w.in_use("worker"),
        },
        {"late": exact.timeout_probability, "goodput": exact.goodput, "busy": exact.utilisation},
        warm_up=20.0,
        half_width={"late": 0.15, "goodput": 0.04, "busy": 0.03},
    )


def test_near_the_boundary_goodput_comes_in_bursts() -> None:
    """48 users ask more than 10 times per second while served, and 48/5 times while all give up.

    So the line shrinks while nothing succeeds, and grows while all goes well. Fewer users are
    served all the time, more never again, and without a timeout nobody fails.
    """

    def goodput(number: int, timeout_s: float | None) -> np.ndarray:
        runs = [users(number, timeout_s, replication) for replication in range(4)]
        slices = [run.timeline(slice_s=2.0)["goodput_rps"].to_numpy()[25:] for run in runs]
        return np.array(slices)

    few, near, many, patient = (
        goodput(*case) for case in ((38, 2.0), (48, 2.0), (60, 2.0), (48, None))
    )
    assert many.max() == 0.0
    assert few.min() > 5.0
    assert patient.min() > 5.0
    for each in near:  # nothing at all in some slices, all that the server can do in others
        assert (each == 0.0).mean() > 0.05
        assert (each >= 9.0).mean() > 0.05
        changes = np.abs(np.diff(np.where(each > 5.0, 1, 0))).sum()
        assert changes >= 6
    assert near.var() > 10 * max(few.var(), patient.var())
