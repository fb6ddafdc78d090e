"""Servers and what stands before them: exact values must lie in the engine's own intervals."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats

from capsim.engine import simulate_plan
from capsim.model.laws import Exponential
from capsim.model.model import Model
from capsim.plan.builder import PlanBuilder
from capsim.plan.lowering import lower
from capsim.plan.ops import Status
from capsim.plan.plan import Plan, Resource
from capsim.theory import (
    constant_service_kills,
    exponential_service_kills,
    mg1,
    mmc,
    mmck,
    random_split,
    recycling_availability,
    round_robin,
    solve_ctmc,
)

Agrees = Callable[..., None]
SYNC = {"kind": "gunicorn-sync", "workers": 1}
GREENLETS = {"kind": "gunicorn-gevent", "workers": 1}
SHEDDING = 503


def exponential(mean: float) -> dict[str, Any]:
    """An exponential law as a model file has it."""
    return {"law": "exponential", "mean": mean}


def lowered(
    server: dict[str, Any], request: dict[str, Any], scenario: dict[str, Any], **parts: Any
) -> Callable[[int], Plan]:
    """The plan of each replication of a load test of one request class, `work`."""
    table = {"name": "small", "default_scenario": "test", "machine": {"cores": 16}}
    table |= {"server": server, "requests": {"work": request}, "scenarios": {"test": scenario}}
    model = Model.model_validate(table | parts)
    return lambda replication: lower(model, model.scenario(), seed=1, replication=replication)


def poisson(rate: float, horizon_s: float) -> dict[str, Any]:
    """Open arrivals of `work`."""
    stages = [{"duration_s": horizon_s, "rate": rate}]
    return {
        "duration_s": horizon_s,
        "arrivals": {"calls": {"stages": stages, "tasks": {"work": 1}}},
    }


# Workers that are killed or replaced.

KILLS = {"workers": 1, "timeout": 4.0, "boot_time": 0.5, "sweep": 1.0}


@pytest.mark.parametrize(
    ("service", "exact"),
    [
        (exponential(3.0), exponential_service_kills(service_time=3.0, **KILLS)),
        (4.3, constant_service_kills(service_time=4.3, **KILLS)),
    ],
    ids=["exponential", "constant"],
)
def test_the_masters_looks_kill_a_known_share(agrees: Agrees, service: Any, exact: Any) -> None:
    """Begun at any time between two looks, a request dies after the timeout and up to 1 s."""
    # Whole seconds and a fraction that is uniform lie between an answer and the next request, so
    # that the master's looks find a request at any age.
    think = {"law": "uniform", "low": 1.0, "high": 2.0}
    classes = {"user": {"think_s": think, "tasks": {"work": 1}}}
    agrees(
        lowered(
            {**SYNC, "workers": 40, "timeout_s": 4.0, "boot_time_s": 0.5},
            {"delay_s": service},
            {"duration_s": 100.0, "users": 40, "user_classes": classes},
        ),
        lambda w: {"killed": w.share(Status.WORKER_TIMEOUT)},
        {"killed": exact.kill_probability},
        warm_up=10.0,
        half_width=0.10,
    )


def test_kills_and_boots_at_saturation(agrees: Agrees) -> None:
    """Killed requests cost the timeout and the boot: three workers that are never idle."""
    exact = exponential_service_kills(workers=3, service_time=1.0, timeout=1.5, boot_time=0.7)

    def build(replication: int) -> Plan:
        builder = PlanBuilder()
        worker = builder.resource(
            Resource(name="worker", capacity=3, hold_limit_s=1.5, restart_s=0.7, identified=True)
        )
        service = builder.column("service", Exponential(law="exponential", mean=1.0))
        request = builder.request_class("request")
        builder.acquire(worker)
        builder.delay(service)
        builder.end()
        nothing = Exponential(law="exponential", mean=0.0)
        builder.users("users", think=nothing, classes=[(request, 1.0)], starts=np.zeros(9))
        return builder.build(horizon_s=400.0, seed=1, replication=replication)

    agrees(
        build,
        lambda w: {
            "X": w.throughput() + w.share(Status.WORKER_TIMEOUT) * w.ended.sum() / w.length_s,
            "goodput": w.throughput(),
            "killed": w.share(Status.WORKER_TIMEOUT),
        },
        {"X": exact.throughput, "goodput": exact.goodput, "killed": exact.kill_probability},
        warm_up=20.0,
        half_width={"X": 0.03, "goodput": 0.04, "killed": 0.06},
    )


@pytest.mark.parametrize(
    "server",
    [
        {**SYNC, "workers": 3},
        {"kind": "gunicorn-gthread", "threads": 1, "worker_connections": 1},
        {"kind": "gunicorn-gevent", "worker_connections": 1},
    ],
    ids=["sync", "gthread", "gevent"],
)
def test_recycled_workers_serve_most_of_the_time(agrees: Agrees, server: dict[str, Any]) -> None:
    """Lives of 5 to 9 requests and a boot: at saturation the availability of renewal theory."""
    lives = {"max_requests": 5, "max_requests_jitter": 4, "boot_time_s": 1.5}
    share = recycling_availability(max_requests=5, jitter=4, service_time=0.5, boot_time=1.5)
    workers = server.get("workers", 1)
    agrees(
        lowered(
            {**server, **lives, "backlog": 60},
            {"delay_s": exponential(0.5)},
            poisson(4.0 * workers, 900.0 / workers),  # 2.9 times what they can do
            network={"overflow": "refuse"},
        ),
        lambda w: {"X": w.throughput()},
        {"X": workers * share / 0.5},
        warm_up=20.0,
        half_width=0.03,
    )


@pytest.mark.parametrize(
    ("demand", "cv"),
    [(0.1, 0.0), (exponential(0.1), 1.0), ({"law": "gamma", "mean": 0.1, "cv": 2.0}, 2.0)],
    ids=["constant", "exponential", "gamma"],
)
def test_greenlets_wait_as_in_one_line(agrees: Agrees, demand: Any, cv: float) -> None:
    """One burst per request, nobody interrupted: Pollaczek and Khinchine's mean wait."""
    exact = mg1(arrival_rate=6.0, service_time=0.1, cv=cv)
    agrees(
        lowered(GREENLETS, {"app_cpu_s": demand}, poisson(6.0, 600.0)),
        lambda w: {"R": w.response(), "Q": w.present("app CPU")},
        {"R": exact.response_time, "Q": exact.population},
        warm_up=20.0,
        half_width=0.07 + 0.07 * cv,
    )


# Balancers and shedding.

RATE, SERVICE_S = 28.0, 0.1  # four servers at 70 %


def balanced(policy: str, horizon_s: float, instances: int = 4) -> Callable[[int], Plan]:
    """Instances of one server each; `central` is one instance with all of the servers."""
    central = policy == "central"
    return lowered(
        {**SYNC, "workers": instances if central else 1},
        {"delay_s": exponential(SERVICE_S)},
        poisson(RATE * instances / 4, horizon_s),
        **({} if central else {"balancer": {"instances": instances, "policy": policy}}),
    )


@pytest.mark.parametrize("policy", ["random", "round-robin", "central"])
def test_balancers_have_their_response_times(agrees: Agrees, policy: str) -> None:
    """Random is M/M/1 at each instance, round robin E4/M/1; one common queue is M/M/4."""
    rates = {"arrival_rate": RATE, "service_rate": 1 / SERVICE_S, "servers": 4}
    theory = {"random": random_split, "round-robin": round_robin, "central": mmc}
    agrees(
        balanced(policy, 150.0),
        lambda w: {"R": w.response()},
        {"R": theory[policy](**rates).response_time},
        warm_up=10.0,
        half_width=0.10,
    )


@pytest.mark.parametrize("policy", ["least-connections", "two-choices"])
def test_two_instances_and_the_shorter_queue(agrees: Agrees, policy: str) -> None:
    """Of two instances both rules take the one with fewer in flight: the chain of that rule."""
    rate, most = RATE / 2 * SERVICE_S, 45

    def transitions(state: tuple[int, int]) -> Iterator[tuple[tuple[int, int], float]]:
        fewer, more = state  # the order of the two does not matter
        if fewer < most:
            yield (min(fewer + 1, more), max(fewer + 1, more)), rate
        if fewer:
            yield (fewer - 1, more), 1.0
        if more:
            yield (min(fewer, more - 1), max(fewer, more - 1)), 1.0

    chain = solve_ctmc(start=(0, 0), transitions=transitions)
    agrees(
        balanced(policy, 200.0, instances=2),
        lambda w: {"R": w.response()},
        {"R": chain.mean(sum) / rate * SERVICE_S},
        warm_up=10.0,
        half_width=0.10,
    )


def test_balancers_have_an_order() -> None:
    """With the same arrivals and demands: one queue < least < two choices < random."""
    replications = 10
    policies = ("central", "least-connections", "two-choices", "random")
    means = np.empty((replications, len(policies)))
    for place, policy in enumerate(policies):
        build = balanced(policy, 100.0)
        for replication in range(replications):
            trace = simulate_plan(build(replication))
            means[replication, place] = np.nanmean(trace.end - trace.start)
    longer = np.diff(means, axis=1)
    error = longer.std(axis=0, ddof=1) / np.sqrt(replications)
    assert np.all(longer.mean(axis=0) > stats.t.ppf(0.9995, replications - 1) * error)


@pytest.mark.parametrize("rate", [8.0, 20.0], ids=["80 %", "overload"])
def test_shedding_at_the_front_is_a_queue_with_few_places(agrees: Agrees, rate: float) -> None:
    """M/M/1/5: those admitted are answered in its mean time, its loss is the share of 503."""
    exact = mmck(arrival_rate=rate, service_rate=10.0, servers=1, capacity=5)
    agrees(
        lowered(SYNC, {"delay_s": exponential(0.1)}, poisson(rate, 250.0), shedding={"limit": 5}),
        lambda w: {
            "R": w.response(),
            "X": w.throughput(),
            "shed": float((w.trace.status[w.ended] == SHEDDING).mean()),
        },
        {"R": exact.response_time, "X": exact.throughput, "shed": exact.loss_probability},
        warm_up=10.0,
        half_width={"R": 0.06, "X": 0.03, "shed": 0.15},
    )
