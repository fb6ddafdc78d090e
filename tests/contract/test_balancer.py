"""A load balancer before several instances: who gets the next request, and who waits how long."""

import numpy as np
import pytest

from capsim.plan.ops import Status
from small_load_tests import answers, at, run, users

SYNC = {"kind": "gunicorn-sync", "workers": 1}
GATEWAY_TIMEOUT = 504


def test_round_robin_deals_in_turn() -> None:
    """Six at once over three instances: two to each."""
    balancer = {"instances": 3, "policy": "round-robin"}
    result = run(SYNC, {"work": {"delay_s": 1.0}}, users(6, 100.0, 10.0), balancer=balancer)
    assert [taken for taken, _ in answers(result)] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("round-robin", [1.0, 8.0, 1.0, 5.0]),
        ("least-connections", [1.0, 1.0, 1.0, 1.0]),
        ("two-choices", [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_counting_connections_avoids_the_busy_instance(policy: str, expected: list[float]) -> None:
    """One long request: in turn, every second one waits behind it; who counts goes elsewhere."""
    result = run(
        SYNC,
        {"work": {"delay_s": 1.0}, "long": {"delay_s": 10.0}},
        {"duration_s": 20, **at(long=[1.0], work=[2.0, 4.0, 6.0, 8.0])},
        balancer={"instances": 2, "policy": policy},
    )
    assert [taken for taken, _ in answers(result)] == expected


def test_two_choices_are_less_than_all() -> None:
    """Three busy instances of four: least connections finds the idle one, two choices may not."""
    requests = {"work": {"delay_s": 0.1}, "long": {"delay_s": 400.0}}
    moments = np.arange(2.0, 102.0, 0.5).tolist()
    waiting = {}
    for policy in ("least-connections", "two-choices", "random"):
        result = run(
            {**SYNC, "timeout_s": 0},
            requests,
            {"duration_s": 120, **at(long=[1.0, 1.1, 1.2], work=moments)},
            balancer={"instances": 4, "policy": policy, "timeout_s": None},
        )
        trace = result.trace
        work = trace.request_class == trace.class_names.index("work")
        waiting[policy] = int((work & (trace.status == Status.IN_FLIGHT)).sum())
    assert waiting["least-connections"] == 0
    assert 0 < waiting["two-choices"] < waiting["random"]


def test_a_random_choice_has_equal_shares() -> None:
    """Each of four instances gets a quarter, within four standard deviations."""
    result = run(
        {"kind": "gunicorn-gevent"},
        {"work": {"app_cpu_s": 0.001}},
        users(40, 1.0, 50.0),
        balancer={"instances": 4, "policy": "random"},
    )
    trace = result.trace
    cpus = [i for i, name in enumerate(trace.station_names) if name == "app CPU"]
    served = trace.busy[-1, cpus] / 0.001
    assert len(cpus) == 4
    assert np.abs(served - served.sum() / 4).max() < 4 * np.sqrt(served.sum() * 3 / 16)


def test_the_balancer_chooses_anew_for_every_request() -> None:
    """A user is not kept: its requests alternate, and each instance has to connect once."""
    result = run(
        {"kind": "gunicorn-gthread", "keepalive_s": 100},
        {"work": {"queries": 1, "query_s": 0.25}},
        users(1, 1.0, 9.0),
        balancer={"instances": 2},
        database={"access": {"kind": "persistent"}, "connection_setup_s": 2.0},
    )
    assert [taken for taken, _ in answers(result)[:4]] == [2.25, 2.25, 0.25, 0.25]


@pytest.mark.parametrize(
    ("client_s", "given_up", "status"),
    [(None, 2.0, GATEWAY_TIMEOUT), (1.0, 1.0, Status.CLIENT_TIMEOUT)],
    ids=["balancer", "client, before it"],
)
def test_the_instance_works_on_after_a_gateway_timeout(
    client_s: float | None, given_up: float, status: int
) -> None:
    """The client has its answer, and the instance is busy for nobody until the work is done."""
    result = run(
        SYNC,
        {"work": {"delay_s": 5.0}},
        {"duration_s": 20, "client": {"timeout_s": client_s}, **at(work=[1.0, 10.0])},
        balancer={"instances": 1, "timeout_s": 2.0},
    )
    assert answers(result) == [(given_up, status)] * 2
    usage = {use.name: use for use in result.usages()}["worker"]
    assert usage.utilisation == pytest.approx(2 * 5.0 / 20)
    assert usage.wasted == pytest.approx((5.0 - given_up) / 5.0)


@pytest.mark.parametrize("instances", [1, 2, 4])
def test_instances_share_one_database(instances: int) -> None:
    """Two cores for queries of 50 ms are 40 requests/s, whatever the number of instances."""
    query = {"law": "exponential", "mean": 0.05}
    result = run(
        {**SYNC, "workers": 16},
        {"work": {"app_cpu_s": 0.01, "queries": 1, "query_s": query}},
        users(120, 0.5, 40.0),
        database={"cores": 2, "access": {"kind": "per-request"}},
        balancer={"instances": instances},
    )
    database = {use.name: use for use in result.usages(begin_s=10)}["database CPU"]
    assert (database.capacity, database.utilisation) == (2, pytest.approx(1.0, abs=0.01))
    # Within four standard deviations of the number of exponential services in that time.
    deviation = np.sqrt(40 * 30) / 30
    assert result.summary(begin_s=10).rps == pytest.approx(40, abs=4 * deviation)


def test_instances_add_up_where_the_application_is_the_limit() -> None:
    """The same load on four instances of one slow core each: four times as many answers."""
    rps = []
    for instances in (1, 4):
        result = run(
            SYNC,
            {"work": {"app_cpu_s": 0.1}},
            users(100, 0.5, 40.0),
            balancer={"instances": instances},
        )
        rps.append(result.summary(begin_s=10).rps)
    assert rps == pytest.approx([10, 40], abs=4 / 30)
