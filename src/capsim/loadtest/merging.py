"""Rows of the same endpoint put together: sums and weighted means, and no percentile averaged."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import floor

from capsim.loadtest.consistent import consistent
from capsim.loadtest.figures import SHARES, Figures
from capsim.loadtest.recording import LONGEST_NAME, Pattern, Row
from capsim.loadtest.rounding import Tool, rounding_step_s

_EXAMPLES = 3  # names that are kept of a pattern
_TWO = 2  # requests whose times are the minimum and the maximum
_PRODUCT = 1e-9  # 0.29 x 100 is a little less than 29


@dataclass(frozen=True, kw_only=True)
class Named:
    """The figures of one name, and all of its response times where they are known.

    Attributes:
        name: As the tool wrote it, e.g. `GET /orders/17/`.
        figures: Of its requests.
        times_ms: How often each response time occurred; none: only the figures are known.
    """

    name: str
    figures: Figures
    times_ms: Mapping[float, int] | None = None


def times_of_few(figures: Figures) -> Mapping[float, int] | None:
    """Return the response times of one or two requests, which their figures tell."""
    low, high = figures.min_ms, figures.max_ms
    if figures.requests not in {1, _TWO} or low is None or high is None:
        return None
    if figures.requests == 1:
        return {high: 1} if low == high else None
    return Counter([low, high])


def merged(rows: Iterable[Named], pattern: Pattern, source: object, tool: Tool) -> tuple[Row, ...]:
    """Return one row per pattern, in the order in which they first occur.

    Requests and failures add, the mean is weighted, minimum and maximum follow. Percentiles are
    kept where a pattern has one name, and computed where every response time is known.

    Args:
        rows: one per name.
        pattern: what groups the names.
        source: the file, for errors.
        tool: whose rounding applies.

    Raises:
        InputError: figures contradict each other.
    """
    groups: dict[str, list[Named]] = defaultdict(list)
    for row in rows:
        groups[pattern(row.name)[:LONGEST_NAME]].append(row)
    made = []
    for endpoint, members in groups.items():
        figures = together(members, source, endpoint, tool)
        if figures is not None:
            names = list(dict.fromkeys(member.name for member in members))
            made.append(
                Row(
                    endpoint=endpoint,
                    figures=figures,
                    names=tuple(name[:LONGEST_NAME] for name in names[:_EXAMPLES]),
                    number_of_names=len(names),
                )
            )
    return tuple(made)


def together(members: Sequence[Named], source: object, key: str, tool: Tool) -> Figures | None:
    """Return the figures of several names as one; none: they had no requests.

    Raises:
        InputError: figures contradict each other.
    """
    if len(members) == 1:
        # A pattern's throughput is its requests over the test's duration, however many its names.
        return members[0].figures.model_copy(update={"rps": None})
    values: dict[str, float | None] = {
        "requests": _sum(member.figures.requests for member in members),
        "failures": _sum(member.figures.failures for member in members),
        "mean_ms": _weighted_mean(members),
        "min_ms": _extreme([member.figures.min_ms for member in members], min),
        "max_ms": _extreme([member.figures.max_ms for member in members], max),
    }
    times = [member.times_ms for member in members]
    if all(known is not None for known in times):
        everything: Counter[float] = Counter()
        for known in times:
            everything.update(known or {})
        values |= percentiles(everything, tool)
    return consistent(values, source, key, tool)


def percentiles(times_ms: Mapping[float, int], tool: Tool) -> dict[str, float | None]:
    """Return the percentiles of response times, rounded as a tool does.

    As Locust counts (locust/stats.py, `calculate_response_time_percentile`): the largest time that
    has at most that share of the requests, rounded down, below it.
    """
    times = sorted(times_ms)
    below = [0, *accumulate(times_ms[time] for time in times)]
    number = below.pop()
    if number == 0:
        return {}
    return {
        name: _to_step(times[bisect_right(below, floor(number * share + _PRODUCT)) - 1], tool)
        for name, share in SHARES.items()
    }


def _to_step(value_ms: float, tool: Tool) -> float:
    step_ms = rounding_step_s(tool, value_ms / 1000) * 1000
    return round(value_ms / step_ms) * step_ms if step_ms else value_ms


def _sum(values: Iterable[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _weighted_mean(members: Sequence[Named]) -> float | None:
    total, requests = 0.0, 0
    for member in members:
        mean, number = member.figures.mean_ms, member.figures.requests
        if mean is None or number is None:
            return None
        total += mean * number
        requests += number
    return total / requests if requests else None


def _extreme(
    values: Sequence[float | None], choose: Callable[[list[float]], float]
) -> float | None:
    known = [value for value in values if value is not None]
    return choose(known) if len(known) == len(values) else None
