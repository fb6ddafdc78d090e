"""From answers to figures, and from figures to TOML."""

from __future__ import annotations

import json
import math
from collections import Counter
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from load_generator import LOST, OK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from load_generator import Answer

LEVELS = {"p50_s": 0.5, "p75_s": 0.75, "p90_s": 0.9, "p95_s": 0.95, "p99_s": 0.99}
WINDOW_S = 5.0
SLOW_S = 0.6


def percentile(ordered: Sequence[float], level: float) -> float:
    """Return the smallest value that at least a share `level` does not exceed."""
    return ordered[max(0, math.ceil(level * len(ordered)) - 1)]


def distribution(times_s: Sequence[float]) -> dict[str, float]:
    """Return mean, standard deviation, percentiles and extremes."""
    ordered = sorted(times_s)
    cuts = {name: percentile(ordered, level) for name, level in LEVELS.items()}
    ends = {"min_s": ordered[0], "max_s": ordered[-1]}
    return {"mean_s": fmean(ordered), "sd_s": pstdev(ordered), **cuts, **ends}


def figures_of(answers: Sequence[Answer], duration_s: float) -> dict[str, Any]:
    """Return everything that is kept of a load test.

    Times are over all requests that ended, failed ones too, as load generators report them;
    those of successes and of each kind of failure follow in tables of their own.
    """
    groups: dict[str, list[float]] = {}
    for answer in answers:
        groups.setdefault(answer.outcome, []).append(answer.time_s)
    good = len(groups.get(OK, []))
    figures: dict[str, Any] = {
        "requests": len(answers),
        "rps": len(answers) / duration_s,
        "goodput": good / duration_s,
        **distribution([answer.time_s for answer in answers]),
        "goodput_by_window": windows(answers, duration_s),
        "requests_by_worker": by_worker(answers),
    }
    accepted = [answer for answer in answers if answer.outcome != LOST]
    if steps := by_second(answer.connect_s for answer in accepted):
        figures["slow_connects_by_second"] = steps
        after_s = (answer.time_s - answer.connect_s for answer in accepted)
        figures["slow_after_connect_by_second"] = by_second(after_s)
    for outcome, times_s in sorted(groups.items()):
        if len(groups) > 1:
            figures[f"times_{outcome}"] = {"requests": len(times_s), **distribution(times_s)}
    return figures


def windows(answers: Sequence[Answer], duration_s: float) -> list[float]:
    """Return successes per second in consecutive windows of five seconds."""
    counts = Counter(int(a.end_s // WINDOW_S) for a in answers if a.outcome == OK)
    return [counts[number] / WINDOW_S for number in range(round(duration_s / WINDOW_S))]


def by_worker(answers: Sequence[Answer]) -> list[int]:
    """Return how many requests each worker process answered, most first."""
    counts = Counter(answer.worker for answer in answers if answer.worker)
    return sorted(counts.values(), reverse=True)


def by_second(times_s: Iterable[float]) -> dict[str, int]:
    """Count what took long by the nearest whole second, which shows retransmissions as steps."""
    slow = Counter(round(time_s) for time_s in times_s if time_s > SLOW_S)
    return {str(second): count for second, count in sorted(slow.items())}


def toml(tables: Mapping[str, Any], prefix: str = "") -> str:
    """Write nested tables; plain values of a table come before the tables in it."""
    plain = {key: value for key, value in tables.items() if not isinstance(value, dict)}
    nested = {key: value for key, value in tables.items() if isinstance(value, dict)}
    lines = [f"[{prefix}]"] if prefix and plain else []
    lines += [f"{key} = {plain_value(value)}" for key, value in plain.items()]
    parts = ["\n".join(lines)] if lines else []
    for key, value in nested.items():
        parts.append(toml(value, f"{prefix}.{key}" if prefix else key).rstrip("\n"))
    return "\n\n".join(part for part in parts if part) + "\n"


def plain_value(value: object) -> str:
    """Write one value; figures to five digits."""
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        return "[" + ", ".join(plain_value(item) for item in value) + "]"
    return json.dumps(value)
