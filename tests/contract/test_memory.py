"""Memory that runs out: what adds up, who is killed, and what comes back."""

from typing import Any

import pytest

from capsim.errors import InputError
from capsim.model.template import parse_template
from capsim.plan.ops import Status
from small_load_tests import answers, at, run, users

SYNC = {"kind": "gunicorn-sync", "workers": 2}
THREADS = {"kind": "gunicorn-gthread", "workers": 1, "threads": 8}
DEVELOPMENT = {"kind": "development"}
LOST, UNREACHABLE = Status.SERVER_LOST, Status.UNREACHABLE
WORK = {"work": {"delay_s": 1.0}}


def room_for(requests: int, **settings: Any) -> dict[str, Any]:
    """Memory for so many requests at once, and half of another one."""
    return {"limit_mb": 10 * requests + 5, "per_request_mb": 10, **settings}


@pytest.mark.parametrize(
    ("memory", "fit"),
    [
        ({"limit_mb": 60}, 5),
        ({"limit_mb": 59}, 4),
        ({"limit_mb": 60, "base_mb": 20}, 3),
        ({"limit_mb": 60, "per_process_mb": 10}, 3),
        ({"limit_mb": 60, "base_mb": 5, "per_process_mb": 5, "per_connection_mb": 5}, 2),
        ({"limit_mb": 66, "base_mb": 5, "per_process_mb": 5, "per_connection_mb": 5}, 3),
    ],
    ids=["exactly full", "a little too small", "base", "processes", "all", "all, exactly full"],
)
def test_everything_adds_up(memory: dict[str, float], fit: int) -> None:
    """Base, two processes, 12 MB per request and its connection: so many fit, one more kills."""
    server = {"kind": "gunicorn-gevent", "workers": 2}
    requests = {"work": {"queries": 1, "query_s": 1.0}}
    for count, killed in ((fit, False), (fit + 1, True)):
        result = run(
            server,
            requests,
            users(count, 100.0, 10.0),
            memory={"per_request_mb": 12, "kills": "instance", **memory},
            database={"cores": 16, "access": {"kind": "per-request"}},
        )
        expected = (0.0, LOST) if killed else (1.0, Status.OK)
        assert answers(result) == [expected] * count


def test_too_small_a_limit_is_an_input_error() -> None:
    """Processes that alone use all of it up are found before the run, and named."""
    tree = {
        "name": "small",
        "default_scenario": "test",
        "server": SYNC,
        "requests": WORK,
        "scenarios": {"test": users(1, 1.0, 1.0)},
    }
    memory = {"base_mb": 20, "per_process_mb": 40}
    parse_template({**tree, "memory": {**memory, "limit_mb": 101}}, "model.toml")
    with pytest.raises(InputError, match=r"memory\.limit_mb = 100: .* 2 processes"):
        parse_template({**tree, "memory": {**memory, "limit_mb": 100}}, "model.toml")


# One process is killed.


def test_a_sync_worker_dies_with_the_request_that_is_too_much() -> None:
    """Room for one: the second dies at once, and the third waits, for its worker boots."""
    result = run(
        {**SYNC, "boot_time_s": 3.0},
        {"work": {"delay_s": 2.0}},
        {"duration_s": 20, **at(work=[1.0, 1.5, 2.0, 6.0, 6.5])},
        memory=room_for(1),
    )
    # The first goes on, and its worker serves the third from 3.0 to 5.0. Then there is room
    # again: the fourth is served, and it takes a fifth beside it to run out once more.
    assert answers(result) == [(2.0, 0), (0.0, LOST), (3.0, 0), (2.0, 0), (0.0, LOST)]


def test_a_worker_that_has_booted_needs_memory_too() -> None:
    """Who waits for the boot is as much too much as the one before: it dies when it is accepted."""
    result = run(
        {**SYNC, "boot_time_s": 1.0},
        {"work": {"delay_s": 5.0}},
        {"duration_s": 20, **at(work=[1.0, 1.5, 2.0])},
        memory=room_for(1),
    )
    assert answers(result) == [(5.0, 0), (0.0, LOST), (0.5, LOST)]


@pytest.mark.parametrize("kind", ["gunicorn-gthread", "gunicorn-gevent"])
def test_a_process_dies_with_all_of_its_requests(kind: str) -> None:
    """The fourth is too much: all four are lost, and the next one waits until it is back."""
    server = {**THREADS, "kind": kind}
    if kind == "gunicorn-gevent":
        del server["threads"]
    result = run(
        server,
        WORK,
        {"duration_s": 20, **at(work=[1.0, 1.1, 1.2, 1.3, 2.0, 6.0, 6.1, 6.2])},
        memory=room_for(3, restart_s=2.0),
    )
    assert answers(result)[:4] == [(0.3, LOST), (0.2, LOST), (0.1, LOST), (0.0, LOST)]
    assert answers(result)[4:] == [(2.3, 0), (1.0, 0), (1.0, 0), (1.0, 0)]


def test_the_largest_process_dies_and_the_others_go_on() -> None:
    """Seven requests over two processes: those of the larger are lost, the others not touched."""
    moments = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]
    result = run(
        {**THREADS, "workers": 2},
        {"work": {"delay_s": 10.0}},
        {"duration_s": 20, **at(work=[*moments, 2.0])},
        memory=room_for(6, restart_s=30.0),
    )
    *first, later = answers(result)
    lost = [moment for moment, (_, status) in zip(moments, first, strict=True) if status == LOST]
    assert 4 <= len(lost) < 7
    died, went_on = [(round(1.6 - moment, 6), LOST) for moment in lost], [(10.0, Status.OK)]
    assert sorted(first) == sorted(died + went_on * (7 - len(lost)))
    # The next one is served by the process that is left.
    assert later == (10.0, Status.OK)


def test_users_of_a_lost_process_go_on() -> None:
    """They see the error, think, and are taken at once by the process that is left."""
    result = run(
        {**THREADS, "workers": 2, "keepalive_s": 100},
        {"work": {"delay_s": 6.0}},
        {**users(6, 7.0, 16.5), "spawn_rate": 1.0},
        memory=room_for(5, restart_s=30.0),
    )
    trace = result.trace
    lost = trace.status == LOST
    assert set(trace.end[lost].tolist()) == {5.0}
    again = trace.start == 12.0
    assert sorted(trace.user[again].tolist()) == sorted(trace.user[lost].tolist())
    assert trace.waits[again].max() == 0.0


def test_a_killed_process_loses_its_connections() -> None:
    """Each thread of it has to connect to the database again, and no thread of another process."""
    expected = {"gunicorn-gthread": [0.75, 0.75, 0.25], "gunicorn-sync": [0.75, 0.25, 0.25]}
    for kind, after in expected.items():
        size = {"threads": 2} if kind == "gunicorn-gthread" else {"workers": 2}
        result = run(
            {"kind": kind, "boot_time_s": 1.0, **size},
            {"work": {"queries": 1, "query_s": 0.25}, "long": {"delay_s": 9.0}},
            {"duration_s": 20, **at(work=[1.0, 2.0, 3.0, 15.0, 16.0, 17.0], long=[5.0, 5.1])},
            memory=room_for(1),
            database={"access": {"kind": "persistent"}, "connection_setup_s": 0.5},
        )
        assert (0.0, LOST) in answers(result, "long")
        # Two threads, or workers, that take turns.
        assert [taken for taken, _ in answers(result)] == [0.75, 0.75, 0.25, *after]


# Everything is killed.


@pytest.mark.parametrize(
    "server",
    [{**SYNC, "workers": 8}, {**THREADS, "workers": 2}, DEVELOPMENT],
    ids=["sync", "gthread", "development"],
)
def test_an_instance_dies_as_a_whole(server: dict[str, Any]) -> None:
    """All four are lost, whichever process they are in; for 2 s nobody gets a connection."""
    result = run(
        server,
        WORK,
        {"duration_s": 20, **at(work=[1.0, 1.1, 1.2, 1.3, 2.0, 3.2, 3.4, 3.5, 3.6])},
        memory=room_for(3, restart_s=2.0, kills="instance"),
    )
    assert answers(result)[:4] == [(0.3, LOST), (0.2, LOST), (0.1, LOST), (0.0, LOST)]
    assert answers(result)[4:6] == [(0.0, UNREACHABLE)] * 2
    assert answers(result)[6:] == [(1.0, Status.OK)] * 3


def test_behind_a_balancer_the_other_instance_carries_on() -> None:
    """Memory is that of one machine: the instance that ran out is away, the other one is not."""
    result = run(
        {**SYNC, "workers": 8},
        {"work": {"delay_s": 2.0}},
        {"duration_s": 20, **at(work=[1.0, 1.1, 1.2, 1.3, 1.4, 3.6, 3.7])},
        memory=room_for(2, restart_s=5.0, kills="instance"),
        balancer={"instances": 2},
    )
    lost = [(taken, status) for taken, status in answers(result)[:5:2]]
    assert lost == [(0.4, LOST), (0.2, LOST), (0.0, LOST)]
    assert answers(result)[1:5:2] + answers(result)[5:] == [(2.0, Status.OK)] * 4
