"""Load tests with nothing wrong with them: closed users before a queue, as Locust reports them.

Apart from the think laws nothing here is capsim's own simulation, so that an audit is not held
against the assumptions that it shares with the engine.
"""

import heapq
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from capsim.loadtest.figures import SHARES
from capsim.loadtest.observations import Dataset, LoadTest
from capsim.model.laws import ConstantPacing, ThinkLaw

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Requests that were answered, in the order of their ends; every array: (requests,)."""

    end_s: FloatArray
    response_s: FloatArray


def closed_queue(  # noqa: PLR0913 (a load test has as many)
    *,
    users: int,
    think: ThinkLaw,
    service_s: FloatArray,
    servers: int = 1,
    duration_s: float = 120.0,
    ramp_s: float = 0.0,
    seed: int = 1,
) -> Rows:
    """Run closed users against one FIFO queue; request i takes `service_s[i]`."""
    generator = np.random.default_rng([seed, users])
    thinks = iter(think.draw(generator, (len(service_s),)))
    arriving = [(ramp_s * user / users, user) for user in range(users)]
    free_s = [0.0] * servers
    rows: list[tuple[float, float]] = []
    heapq.heapify(arriving)
    for taken in service_s:
        start, user = heapq.heappop(arriving)
        if start >= duration_s:
            break
        end = max(start, heapq.heappop(free_s)) + taken
        heapq.heappush(free_s, end)
        waited = next(thinks)
        if isinstance(think, ConstantPacing):
            waited = max(waited - (end - start), 0.0)
        heapq.heappush(arriving, (end + waited, user))
        rows.append((end, end - start))
    else:
        raise AssertionError("too few services were drawn")
    done = np.array(sorted(row for row in rows if row[0] <= duration_s))
    return Rows(end_s=done[:, 0], response_s=done[:, 1])


def locust_ms(value_ms: float) -> float:
    """Round as Locust does: two significant digits (locust/stats.py, `round_response_time`)."""
    digits = 0 if value_ms < 100 else -1 if value_ms < 1000 else -2 if value_ms < 10_000 else -3
    return float(round(value_ms, digits))


def figures(response_s: FloatArray) -> dict[str, Any]:
    """Return the figures of a row of Locust's table."""
    ordered = np.sort(response_s) * 1000
    ranks = {name: int(share * len(ordered)) for name, share in SHARES.items()}
    largest = float(ordered[-1])
    percentiles = {name: locust_ms(float(ordered[rank])) for name, rank in ranks.items()}
    return {
        "requests": len(ordered),
        "failures": 0,
        "min_ms": float(ordered[0]),
        "mean_ms": float(ordered.mean()),
        **{name: min(value, largest) for name, value in percentiles.items() if value <= largest},
        "max_ms": largest,
    }


def reported(  # noqa: PLR0913 (as above)
    rows: Rows,
    *,
    users: int,
    think: ThinkLaw | None,
    duration_s: float = 120.0,
    ramp_s: float = 0.0,
    parts: int = 6,
    steady: bool = True,
    **more: Any,
) -> LoadTest:
    """Return the load test as its result files have it."""
    edges = np.linspace(ramp_s, duration_s, parts + 1).round()
    inside = rows.end_s > edges[0]
    total = figures(rows.response_s)
    found: dict[str, Any] = {
        "source": "made for a test",
        "users": users,
        "duration_s": duration_s,
        "ramp_s": ramp_s,
        "think_s": None if think is None else think.model_dump(),
        "total": total | {"rps": total["requests"] / float(rows.end_s[-1])},
        "stretches": [
            _stretch(rows, float(begin), float(end), users) for begin, end in pairwise(edges)
        ],
    }
    if steady:
        found["steady"] = _stretch(rows, float(edges[0]), duration_s, users)
    assert inside.any()
    return LoadTest.model_validate(found | more)


def dataset(**tests: LoadTest) -> Dataset:
    """Return load tests as one dataset of Locust's."""
    return Dataset(name="made", source="made for a test", tool="locust", load_tests=tests)


def _stretch(rows: Rows, from_s: float, until_s: float, users: int) -> dict[str, Any]:
    inside = (rows.end_s > from_s) & (rows.end_s <= until_s)
    return {
        "from_s": from_s,
        "until_s": until_s,
        "users": users,
        "requests": int(inside.sum()),
        "failures": 0,
        "mean_ms": float(rows.response_s[inside].mean() * 1000),
    }
