"""Sweeps from Python: pairs under the same luck, what must be monotone, and what need not be."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import capsim
from capsim.errors import InputError
from capsim.experiments.axes import make_axis
from capsim.experiments.beliefs import Belief
from capsim.experiments.sweep import Sweep, SweepRow
from capsim.model.template import parse_template
from capsim.plots import plot_sweep
from capsim.report.sweep_notes import notes

RESPONSES = ("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "max_s")
ROUNDING = 1e-9


def belief(server: dict[str, Any], request: dict[str, Any], **parts: Any) -> Belief:
    """Return a system that has only open arrivals, all of which are answered before the end."""
    stages = [{"duration_s": 30, "rate": 8}, {"duration_s": 30, "rate": 0}]
    scenario = {"duration_s": 60, "arrivals": {"a": {"stages": stages, "tasks": {"work": 1}}}}
    tree = {"name": "small", "default_scenario": "test", "server": server}
    tree |= {"requests": {"work": request}, "scenarios": {"test": scenario}}
    return Belief(template=parse_template(tree | parts, "small"))


def queue() -> Belief:
    """Return a queue with several servers, first come, first served."""
    service_s = {"law": "exponential", "mean": 0.2}
    server = {"kind": "gunicorn-sync", "workers": 2, "timeout_s": 0}
    return belief(server, {"delay_s": service_s})


def responses(row: SweepRow) -> npt.NDArray[np.float64]:
    """Return every response-time metric of every draw."""
    return np.array([row.values(metric) for metric in RESPONSES])


@pytest.fixture(scope="module", name="workers")
def _workers() -> Sweep:
    return capsim.sweep(queue(), "workers", (1, 2, 3, 4, 8), draws=4)


def test_more_workers_make_no_response_slower(workers: Sweep) -> None:
    """In a FIFO queue with open arrivals, one more server delays nobody, draw by draw.

    Proven for fixed arrivals and service times (Kiefer and Wolfowitz 1955): it holds only where
    both are the same at every value, which is what this protects.
    """
    for fewer, more in zip(workers.rows, workers.rows[1:], strict=False):
        assert (responses(more) <= responses(fewer) + ROUNDING).all()
    assert (responses(workers.rows[-1]) < responses(workers.rows[0]) - 0.01).any()
    assert workers.rows[1].differences["mean_s"].hi == 0  # today


def test_a_larger_pool_can_lengthen_the_tail() -> None:
    """Before rows whose waiters get them in no order, a larger pool only shuffles the queue.

    Holds of equal length end at the same times in any order: the mean stays, p95 grows.
    """
    lock = {"name": "row", "hold_s": 0.11}
    access = {"kind": "pool", "size": 1, "scope": "system", "wait_timeout_s": 1000}
    shuffled = belief(
        {"kind": "gunicorn-gthread", "workers": 1, "threads": 500},
        {"queries": 1, "lock": lock},
        database={"access": access, "locks": {"row": {"order": "random"}}},
    )
    one, many = capsim.sweep(shuffled, "pool-size", (1, 100), draws=4).rows
    assert many.values("mean_s") == pytest.approx(one.values("mean_s"))
    assert (many.values("p95_s") > one.values("p95_s") * 1.05).all()


def test_grid_from_python() -> None:
    """A grid has a row per combination, and a tidy table with a column per parameter."""
    grid = capsim.sweep_grid(queue(), {"workers": (1, 3), "worker-timeout": (0, 60)}, draws=1)
    assert [row.point for row in grid.rows] == [(1, 0), (1, 60), (3, 0), (3, 60)]
    assert grid.now.point == (2, 0)
    frame = grid.frame
    assert list(frame.columns[:3]) == ["workers", "worker-timeout", "metric"]
    chosen = frame[(frame["workers"] == 3) & (frame["worker-timeout"] == 60)]
    assert len(chosen) == len(grid.now.metrics)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "0 parameters: a sweep has one or two"),
        ({"a.b": (1,), "c.d": (1,), "e.f": (1,)}, "3 parameters"),
        ({"workers": ()}, "workers: no values to try"),
        ({"what-if": ()}, "what-if: no remedies to try"),
        ({"workers": None}, "workers: no values to try"),
        ({"users": (1, 2)}, "open arrivals only"),
        ({"server.threds": (1,)}, "server.threds: small has no such parameter"),
        ({"server": (1,)}, "server"),
    ],
)
def test_wrong_parameters(parameters: dict[str, tuple[int, ...]], words: str) -> None:
    """Parameters that make no sense are told in one line."""
    with pytest.raises(InputError) as caught:
        capsim.sweep_grid(queue(), parameters, draws=1)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "today"),
    [
        (0.01, 0.01, 0.01),
        (0.01, {"law": "exponential", "mean": 0.01}, 0.01),
        (0.01, 0.02, "as it is"),
        ("$query_s", "$query_s", "$query_s"),
        ("$query_s", {"law": "gamma", "mean": "$query_s", "cv": 2}, "$query_s"),
        ("$query_s", 0.01, "as it is"),
    ],
)
def test_query_time_today(first: object, second: object, today: object) -> None:
    """Today's query time is what all classes share, a parameter's name, or no single value."""
    prior = {"prior": "uniform", "low": 0.001, "high": 0.01, "reason": "a guess for this test"}
    uses_it = "$query_s" in f"{first} {second}"
    known = queue().template
    requests = {
        "work": {"queries": 1, "query_s": first},
        "more": {"queries": 1, "query_s": second},
    }
    stages = [{"duration_s": 1, "rate": 8}]
    arrivals = {"stages": stages, "tasks": {"work": 1, "more": 1}}
    tree = {**known.tree, "requests": requests}
    tree["scenarios"] = {"test": {"duration_s": 2, "arrivals": {"a": arrivals}}}
    tree |= {"parameters": {"query_s": prior}} if uses_it else {}
    found = make_axis(
        Belief(template=parse_template(tree, "small")), "query-time", (0.02,), scenario="test"
    )
    assert found.today == today
    assert len(found.paths) == 2


def test_a_swept_target_is_each_row_s_own() -> None:
    """Rows with targets of their own are judged by these, and the words and lines say so."""
    found = capsim.sweep(queue(), "targets.p95_s", (0.05, 9.0), draws=2)
    assert [row.meets_target for row in found.rows] == [0.0, 1.0]
    assert found.targets_s == (0.05, 9.0)
    assert "the target of the row" in " ".join(notes(found))
    drawn = {line.get_ydata()[0] for axes in plot_sweep(found).axes for line in axes.get_lines()}
    assert {0.05, 9.0} <= drawn


@pytest.mark.parametrize(("name", "claims"), [("p43-report", 1), ("small", 0)])
def test_a_report_s_claim_is_about_its_own_system(name: str, claims: int) -> None:
    """What a report says of a pool is not held against systems that it does not know."""
    template = replace(queue().template, tree={**queue().template.tree, "name": name})
    found = capsim.sweep(Belief(template=template), "workers", (1,), draws=1)
    assert len(found.claims) == claims


def test_frame_is_tidy(workers: Sweep) -> None:
    """A sweep's table has a row per value and metric."""
    frame = workers.frame
    assert len(frame) == 5 * len(workers.rows[0].metrics)
    chosen = frame[(frame["value"] == 8) & (frame["metric"] == "p95_s")].iloc[0]
    assert chosen["median"] == workers.rows[-1].metrics["p95_s"].median
    assert chosen["difference"] == workers.rows[-1].differences["p95_s"].median
