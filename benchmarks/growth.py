"""How the compiled engine's time and memory grow with requests, users and workers.

Each point is a fresh process, which loads the engine, simulates something small, and then
simulates the point. Memory is the most that this process ever held beyond what it held before: the
tables, the draws, the trace, and whatever lives only for a moment. Along each axis one thing grows:

- requests: the base case for longer, once with its trace kept, and once with its summary only;
- users: each thinks in proportion to their number, so that the requests stay as many, a million;
- workers: the first 30 s of the load test of `p43-report`, 1000 users, with more gunicorn workers
  on the same cores.

    python benchmarks/growth.py [--most-requests 100000000]
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from base_case import BASE, Case, plan
from measuring import markdown

from capsim.engine import compiled, simulate_plan
from capsim.engine.choice import using
from capsim.metrics.folding import fold_plan
from capsim.model.toml import load
from capsim.plan.lowering import lower
from capsim.plan.plan import Plan

_GOAL_REQUEST_BYTES, _GOAL_USER_BYTES = 40, 200
_GOAL_SUMMARY_BYTES = 0.1  # as good as none: 10 MB of 10^8 requests
_MOST_REQUESTS, _MOST_USERS, _MOST_WORKERS = 10**8, 10**6, 10**4
_MOST_KEPT = 10**7  # requests of which a trace is kept
_SUMMARY = "requests, summary only"
_REQUESTS_OF_USERS = 10**6  # while their number grows
_WORKERS_FOR_S = 30.0
_PER_SECOND = BASE.users / (BASE.think_s + BASE.query_s)  # nobody waits in the base case


@dataclass(frozen=True, kw_only=True)
class Point:
    """What a process measured."""

    axis: str
    size: int
    refused: str | None = None  # why the compiled engine does not simulate it
    requests: int = 0
    cpu_s: float = 0.0
    peak_bytes: int = 0

    def row(self) -> list[str]:
        """Return the point as a row of a table."""
        if self.refused:
            return [f"{self.size:,}", f"refused: {self.refused}", "", "", "", ""]
        return [
            f"{self.size:,}",
            f"{self.requests:,}",
            f"{self.cpu_s:.2f}",
            f"{self.cpu_s / self.requests * 1e9:,.0f}",
            f"{self.peak_bytes / 1e6:,.1f}",
            f"{self.peak_bytes / self.size:,.0f}",
        ]


def made(axis: str, size: int) -> Plan:
    """Return the plan of a point."""
    if axis == "workers":
        model = load("p43-report").bind({"workers": size})
        scenario = model.scenario().model_copy(update={"duration_s": _WORKERS_FOR_S})
        return lower(model, scenario, seed=1)
    if axis in {"requests", _SUMMARY}:
        return plan(_lasting(BASE, size), 1)
    case = Case(name="users", users=size, think_s=size / _PER_SECOND - BASE.query_s)
    # As if all had been thinking before: the requests are as many per second from the beginning.
    starts = np.random.default_rng(1).exponential(case.think_s, size)
    return plan(_lasting(case, _REQUESTS_OF_USERS), 1, starts)


def _lasting(case: Case, requests: int) -> Case:
    """Return a case that lasts for so many requests."""
    return Case(**{**asdict(case), "horizon_s": requests / _PER_SECOND})


def measure(axis: str, size: int) -> Point:
    """Simulate a point in this process."""
    subject = made(axis, size)
    refused = compiled.unsupported(subject)
    if refused:
        return Point(axis=axis, size=size, refused=refused)
    simulate = _summarised if axis == _SUMMARY else _traced
    simulate(plan(Case(name="loaded", horizon_s=1.0), 1))
    before = _forget_peak()
    begin = time.process_time()
    requests = simulate(subject)
    taken_s = time.process_time() - begin
    return Point(
        axis=axis, size=size, requests=requests, cpu_s=taken_s, peak_bytes=_held("VmHWM") - before
    )


def _traced(subject: Plan) -> int:
    """Simulate a plan and keep its trace; return the number of requests."""
    return len(simulate_plan(subject, engine="compiled"))


def _summarised(subject: Plan) -> int:
    """Simulate a plan and keep its summary only; return the number of requests."""
    with using("compiled"):
        summary = fold_plan(subject).summary
    return summary.requests + summary.in_flight


def _forget_peak() -> int:
    """Have the system count this process's peak of memory anew; return what it holds now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _held("VmRSS")


def _held(name: str) -> int:
    """Return a figure of this process's memory in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise LookupError(name)


def report(most_requests: int = _MOST_REQUESTS) -> str:
    """Measure all points; return tables in Markdown."""
    if not Path("/proc/self/clear_refs").exists():
        return "Not measured: this system does not tell a process's peak of memory (Linux does)."
    requests = _points("requests", 10**4, min(most_requests, _MOST_KEPT))
    summaries = _points(_SUMMARY, 10**4, most_requests)
    users = _points("users", 10**2, _MOST_USERS)
    workers = _points("workers", 1, _MOST_WORKERS)
    parts = [_table(points) for points in (requests, summaries, users, workers)]
    return "\n\n".join([*parts, _goals(requests, users, summaries)])


def _points(axis: str, size: int, most: int) -> list[Point]:
    """Measure an axis at every power of ten, each in a process of its own."""
    points = []
    while size <= most:
        command = [sys.executable, __file__, "--point", axis, str(size)]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        points.append(Point(**json.loads(found.stdout)))
        size *= 10
    return points


def _table(points: list[Point]) -> str:
    axis = points[0].axis
    per_size = f"bytes / {axis.split(',')[0].removesuffix('s')}"
    head = [axis, "requests", "CPU s", "ns / request", "peak MB", per_size]
    return markdown(head, [point.row() for point in points])


def _goals(requests: list[Point], users: list[Point], summaries: list[Point]) -> str:
    """Return the bytes that one more takes, between the two largest points, beside the goals."""
    rows = []
    for points, goal in ((requests, _GOAL_REQUEST_BYTES), (users, _GOAL_USER_BYTES)):
        slope = _slope(points[-2:])
        met = "yes" if slope <= goal else "no"
        name = f"bytes for each of more {points[0].axis}"
        rows.append([name, f"{slope:,.1f}", f"{goal}", met])
    slope = _slope(summaries[-2:])
    name = "bytes for each of more requests, summary only"
    met = "yes" if slope <= _GOAL_SUMMARY_BYTES else "no"
    rows.append([name, f"{slope:,.3f}", f"{_GOAL_SUMMARY_BYTES}", met])
    return markdown(["", "measured", "goal: at most", "met"], rows)


def _slope(points: list[Point]) -> float:
    """Return the bytes for each of more, between two points."""
    small, large = points
    return (large.peak_bytes - small.peak_bytes) / (large.size - small.size)


def main() -> None:
    """Measure, and print tables in Markdown; or measure one point for another process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most-requests", type=int, default=_MOST_REQUESTS)
    parser.add_argument("--point", nargs=2, metavar=("AXIS", "SIZE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.point:
        print(json.dumps(asdict(measure(given.point[0], int(given.point[1])))))
        return
    print(report(given.most_requests))


if __name__ == "__main__":
    main()
