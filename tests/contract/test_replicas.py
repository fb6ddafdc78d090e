"""Read replicas: whose work they take over, what they lag behind by, and what they cannot do."""

from typing import Any

import numpy as np
import pytest

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from capsim.plan.ops import Status

Arrivals = dict[str, tuple[float, ...]]
READ = {"queries": 4, "query_s": 0.01, "read_share": 0.75}


def run(
    requests: dict[str, Any],
    arrivals: Arrivals,
    *,
    replicas: dict[str, Any] | None,
    duration_s: float = 100.0,
) -> Run:
    """Simulate requests that come evenly, at (rate,), or at given times (one each).

    Where there are replicas, a class that nobody asks for would read from them.
    """
    return simulate(
        Model.model_validate(
            {
                "name": "replicas",
                "default_scenario": "test",
                "server": {"kind": "development"},
                "database": {"cores": 16, "access": {"kind": "per-request"}, "replicas": replicas},
                "requests": {**requests, **({"other": READ} if replicas else {})},
                "scenarios": {
                    "test": {
                        "duration_s": duration_s,
                        "arrivals": {
                            name: {
                                "stages": _stages(times, duration_s),
                                "interarrival": "constant",
                                "tasks": {name: 1},
                            }
                            for name, times in arrivals.items()
                        },
                    }
                },
            }
        )
    )


def _stages(times: tuple[float, ...], duration_s: float) -> list[dict[str, float]]:
    if len(times) == 1:
        return [{"duration_s": duration_s, "rate": times[0]}]
    gaps = np.diff([0.0, *times]).tolist()
    return [*({"duration_s": g, "rate": 1 / g} for g in gaps), {"duration_s": 1.0, "rate": 0.5}]


def busy(result: Run, name: str) -> list[float]:
    """Core-seconds of the stations of a name."""
    trace = result.trace
    columns = [i for i, other in enumerate(trace.station_names) if other == name]
    return [float(trace.busy[-1, column]) for column in columns]


def test_reads_leave_the_primary() -> None:
    """Three quarters of the queries move to the replicas, shared evenly; none is lost."""
    alone = run({"page": {**READ, "read_share": 0}}, {"page": (50.0,)}, replicas=None)
    helped = run({"page": READ}, {"page": (50.0,)}, replicas={"count": 2})
    (before,), (after,), reads = (
        busy(alone, "database CPU"),
        busy(helped, "database CPU"),
        busy(helped, "replica CPU"),
    )
    queries = 4 * len(helped.trace)
    assert after + sum(reads) == pytest.approx(before)
    four_deviations = 4 * np.sqrt(0.75 * 0.25 / queries)
    assert after / before == pytest.approx(0.25, abs=four_deviations)
    # A request reads one replica for all of its queries, so that requests are what is shared.
    assert reads[0] / sum(reads) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / (queries / 4)))


@pytest.mark.parametrize(("read_share", "primary", "replays"), [(0.0, 1.0, 1), (1.0, 0.0, 0)])
def test_what_only_reads_is_not_replayed(read_share: float, primary: float, replays: int) -> None:
    """A class that only reads leaves the primary alone; one that only writes, the replica's CPU."""
    request = {"queries": 2, "query_s": 0.01, "read_share": read_share}
    result = run({"page": request}, {"page": (10.0,)}, replicas={"replay_s": 0.001})
    work = 0.02 * len(result.trace)
    assert busy(result, "database CPU") == pytest.approx([primary * work])
    assert busy(result, "replica CPU") == pytest.approx([(1 - primary) * work])
    assert len(result.trace.tasks.start) == replays * len(result.trace)


def test_commits_arrive_late_and_one_after_the_other() -> None:
    """The COMMIT waits for nobody; a replica has a change after the way and its turn to replay."""
    write = {"queries": 1, "query_s": 0.1, "app_cpu_s": 0.2}
    result = run(
        {"write": write},
        {"write": (1.0, 2.0, 2.5)},
        replicas={"count": 2, "lag_s": 0.3, "replay_s": 0.8},
        duration_s=10.0,
    )
    trace, tasks = result.trace, result.trace.tasks
    assert (trace.end - trace.start).tolist() == pytest.approx([0.3] * 3)
    assert (trace.status == Status.OK).all()
    order = np.lexsort((tasks.end, tasks.start))
    # 0.1 s of CPU and the query come before the COMMIT; the third waits for the second.
    assert tasks.start[order].tolist() == pytest.approx([1.2, 1.2, 2.2, 2.2, 2.7, 2.7])
    assert tasks.end[order].tolist() == pytest.approx([2.3, 2.3, 3.3, 3.3, 4.1, 4.1])
    (summary,) = result.tasks()
    assert (summary.name, summary.done) == ("replication", 6)
    assert summary.mean_s == pytest.approx((1.1 + 1.1 + 1.4) / 3)


def test_a_read_may_miss_what_is_on_its_way() -> None:
    """A change is committed at 2.0 and seen from 3.0 on: two of four reads come between."""
    requests = {
        "write": {"queries": 1, "query_s": 1.0},
        "read": {"queries": 1, "query_s": 0.01, "read_share": 1.0},
    }
    result = run(
        requests,
        {"write": (1.0, 20.0), "read": (1.5, 2.1, 2.9, 3.1)},
        replicas={"lag_s": 0.6, "replay_s": 0.4},
        duration_s=10.0,
    )
    assert result.stale_share() == pytest.approx(2 / 4)


@pytest.mark.parametrize("count", [1, 3])
def test_replicas_do_not_scale_writes(count: int) -> None:
    """Each replica replays all writes: 20 per second at 16.7 are too many, however many replicas.

    The writers do not notice.
    """
    write = {"queries": 1, "query_s": 0.001}
    result = run({"write": write}, {"write": (20.0,)}, replicas={"count": count, "replay_s": 0.06})
    replay = {use.name: use for use in result.usages(begin_s=1)}["replica replay"]
    assert replay.utilisation == pytest.approx(1.0)
    (tasks,) = result.tasks(begin_s=10)
    assert tasks.growth_per_s / count == pytest.approx(20 - 1 / 0.06, abs=1 / 90)
    assert result.summary().max_s == pytest.approx(0.001)
