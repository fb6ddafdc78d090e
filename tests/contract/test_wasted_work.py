"""Work for clients that have gone: how much of every resource's time it takes, and what is left."""

from typing import Any

import numpy as np
import pytest

from capsim.metrics.run import Run, simulate
from capsim.model.model import Model
from small_load_tests import arriving

PARTS = ("thread", "database connection", "app CPU", "database CPU")


def run(
    request: dict[str, Any],
    times_s: tuple[float, ...],
    client: dict[str, Any],
    *,
    server: dict[str, Any] | None = None,
    **parts: Any,
) -> Run:
    """Simulate one request at each of the times, for 20 s in all."""
    calls = arriving("page", *times_s)
    return simulate(
        Model.model_validate(
            {
                "name": "waste",
                "default_scenario": "test",
                "server": server or {"kind": "gunicorn-gthread", "threads": 1},
                "requests": {"page": request},
                "scenarios": {
                    "test": {"duration_s": 20.0, "arrivals": {"calls": calls}, "client": client}
                },
                **parts,
            }
        )
    )


def wasted(result: Run) -> dict[str, tuple[float, float]]:
    """Time used and time wasted, in slot-seconds or core-seconds, by name."""
    return {use.name: (use.utilisation * use.capacity * 20, use.wasted) for use in result.usages()}


THREE = {"app_cpu_s": 1.0, "queries": 1, "query_s": 2.0}


def test_every_second_after_the_client_has_gone_is_wasted() -> None:
    """One thread; half a second of CPU, a query of 2 s, half a second of CPU; patience 2 s.

    The first runs from 1.0 to 4.0 and is given up at 3.0; the second waits from 2.5, runs from
    4.0 to 7.0 and is given up at 4.5; the third is given up at 5.0, before it runs, up to 10.0.
    """
    result = run(THREE, (1.0, 2.5, 3.0), {"timeout_s": 2.0})
    found = wasted(result)
    assert {name: found[name][0] for name in PARTS} == pytest.approx(
        {"thread": 9.0, "database connection": 7.5, "app CPU": 3.0, "database CPU": 6.0}
    )
    assert {name: found[name][1] for name in PARTS} == pytest.approx(
        {
            "thread": (1.0 + 2.5 + 3.0) / 9.0,
            "database connection": (1.0 + 2.5 + 2.5) / 7.5,
            "app CPU": (0.5 + 0.5 + 1.0) / 3.0,
            "database CPU": (0.5 + 2.0 + 2.0) / 6.0,
        }
    )
    assert result.summary().goodput_rps == 0.0


def test_waste_is_told_by_window() -> None:
    """Up to 3.0 nothing is wasted, from 5.0 on everything is."""
    result = run(THREE, (1.0, 2.5, 3.0), {"timeout_s": 2.0})
    early = {use.name: use.wasted for use in result.usages(until_s=3.0)}
    late = {use.name: use.wasted for use in result.usages(begin_s=5.0)}
    assert [early[name] for name in PARTS] == [0.0] * 4
    assert [late[name] for name in PARTS] == pytest.approx([1.0] * 4)


@pytest.mark.parametrize("client", [{}, {"timeout_s": 50.0}, {"slower_than_s": 0.5}])
def test_nothing_is_wasted_while_clients_wait(client: dict[str, Any]) -> None:
    """Without a timeout, or with a long one, all work is for somebody, however slow."""
    result = run(THREE, (1.0, 2.5, 3.0), client)
    found = wasted(result)
    assert [found[name][1] for name in PARTS] == [0.0] * 4
    assert found["thread"][0] == pytest.approx(9.0)


def test_what_was_not_used_was_not_wasted() -> None:
    """A share of nothing is undefined."""
    result = run({"delay_s": 1.0}, (1.0,), {"timeout_s": 2.0})
    found = wasted(result)
    assert np.isnan(found["app CPU"][1])
    assert found["thread"][1] == 0.0


@pytest.mark.parametrize(
    ("switch_interval_s", "tolerance_s"), [(0.0, 1e-6), (0.005, 2 * 0.005)], ids=["PS", "slices"]
)
def test_a_shared_cpu_wastes_its_share(switch_interval_s: float, tolerance_s: float) -> None:
    """Two demands of 2 s, a second apart: shared evenly from 2.0 to 4.0, patience 2.5 s.

    Of the first half a second of sharing is for nobody (3.5 to 4.0), at half the core; of the
    second its last half second alone (4.5 to 5.0).
    """
    result = run(
        {"app_cpu_s": 2.0},
        (1.0, 2.0),
        {"timeout_s": 2.5},
        server={"kind": "development"},
        app={"switch_interval_s": switch_interval_s},
    )
    used, share = wasted(result)["app CPU"]
    assert used == pytest.approx(4.0)
    assert share * used == pytest.approx(0.5 / 2 + 0.5, abs=tolerance_s)


def test_a_killed_zombie_wastes_no_more() -> None:
    """Its worker is killed at 5.0; of the 4 s that it was held, 3 were for nobody."""
    server = {"kind": "gunicorn-sync", "timeout_s": 4.0, "boot_time_s": 2.0}
    result = run({"app_cpu_s": 60.0}, (1.0,), {"timeout_s": 1.0}, server=server)
    found = wasted(result)
    assert found["app CPU"] == pytest.approx((4.0, 3 / 4))
    # The boot keeps the slot away for 2 s more, in which nobody holds it.
    assert found["worker"] == pytest.approx((4.0, 3 / 4))


def test_goodput_is_what_clients_got_in_time() -> None:
    """Of three answers within 20 s one is late, and one too slow for its client's taste."""
    sync = {"kind": "gunicorn-sync", "workers": 1}
    client = {"timeout_s": 2.5, "slower_than_s": 1.5}
    result = run({"delay_s": 1.0}, (1.0, 1.2, 1.3), client, server=sync)
    summary = result.summary()
    assert summary.failures == pytest.approx({"client_timeout": 1 / 3, "slower_than_limit": 1 / 3})
    assert summary.rps == pytest.approx(3 / 20)
    assert summary.goodput_rps == pytest.approx(1 / 20)
