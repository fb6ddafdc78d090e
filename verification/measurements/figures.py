"""Timing loops, the figures they yield, and the file that keeps them."""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Value = str | int | float
Samples = dict[str, list[float]]
KINDS = ("cpu", "wall")


@dataclass(frozen=True)
class Figure:
    """One measured duration, summed up by its median and its spread."""

    name: str
    median_s: float
    p5_s: float
    p95_s: float
    repetitions: int
    note: str


def summarise(name: str, samples_s: Sequence[float], note: str) -> Figure:
    """Reduce raw durations to median, 5th and 95th percentile."""
    twentieths = statistics.quantiles(samples_s, n=20, method="inclusive")
    return Figure(
        name=name,
        median_s=statistics.median(samples_s),
        p5_s=twentieths[0],
        p95_s=twentieths[-1],
        repetitions=len(samples_s),
        note=note,
    )


@dataclass(frozen=True)
class Case:
    """One thing to time; its clean-up runs outside the timed stretch."""

    name: str
    note: str
    action: Callable[[], Any]
    clean_up: Callable[[Any], None] | None = None


def reference_loop() -> None:
    """Do a fixed bit of pure Python, as a yardstick for other machines."""
    total = 0
    for number in range(20_000):
        total += number * number % 7


REFERENCE = Case("reference_loop", "20000 turns of a pure Python loop", reference_loop)


def warm_up_turns(repetitions: int) -> int:
    """Count the first turns to throw away: they only fill caches."""
    return max(3, repetitions // 20)


def time_in_turn(cases: Sequence[Case], repetitions: int) -> Samples:
    """Time each case once per turn; return the CPU and wall seconds by name.

    The speed of a shared machine drifts from second to second. Taking the cases
    in turn lets the drift hit all of them alike, so they can be compared.
    """
    warm_up = warm_up_turns(repetitions)
    samples: Samples = defaultdict(list)
    for turn in range(warm_up + repetitions):
        for case in cases:
            cpu_s, wall_s = time_once(case)
            if turn >= warm_up:
                samples[f"{case.name}_cpu"].append(cpu_s)
                samples[f"{case.name}_wall"].append(wall_s)
    return samples


def time_once(case: Case) -> tuple[float, float]:
    """Run one case once and return its CPU and wall seconds."""
    wall_start_s, cpu_start_s = time.perf_counter(), time.process_time()
    result = case.action()
    cpu_s = time.process_time() - cpu_start_s
    wall_s = time.perf_counter() - wall_start_s
    if case.clean_up is not None:
        case.clean_up(result)
    return cpu_s, wall_s


def notes_of(cases: Sequence[Case]) -> dict[str, str]:
    """Give both figures of every case the note of the case."""
    return {f"{case.name}_{kind}": case.note for case in cases for kind in KINDS}


def measure_in_turn(cases: Sequence[Case], repetitions: int) -> list[Figure]:
    """Time the cases in turn and sum up both figures of each."""
    samples, notes = time_in_turn(cases, repetitions), notes_of(cases)
    return [summarise(name, samples[name], notes[name]) for name in notes]


def toml_value(value: Value) -> str:
    """Write one plain value as TOML; a JSON string is also a TOML string."""
    if isinstance(value, float):
        # Seven decimals keep a tenth of a microsecond, beyond any clock here.
        return repr(round(value, 7))
    return json.dumps(value)


def toml_table(title: str, values: Mapping[str, Value]) -> str:
    """Write one TOML table of plain values."""
    lines = [f"{key} = {toml_value(value)}" for key, value in values.items()]
    return "\n".join([f"[{title}]", *lines]) + "\n"


def write_figures(
    path: Path,
    figures: Sequence[Figure],
    tables: Mapping[str, Mapping[str, Value]],
) -> None:
    """Rewrite the figures file: the side tables first, then every figure."""
    parts = ["# Written by measure.py; all durations are in seconds.\n"]
    parts += [toml_table(title, values) for title, values in tables.items()]
    for figure in figures:
        values = {key: value for key, value in vars(figure).items() if key != "name"}
        parts.append(toml_table(f"figures.{figure.name}", values))
    path.write_text("\n".join(parts), encoding="utf-8")


def print_figures(figures: Sequence[Figure]) -> None:
    """Print the figures as a Markdown table, in milliseconds for the eye."""
    print("| figure | median ms | p5 ms | p95 ms | repetitions |")
    print("|---|---:|---:|---:|---:|")
    for figure in figures:
        low, middle, high = (
            f"{seconds * 1000:.3f}" for seconds in (figure.p5_s, figure.median_s, figure.p95_s)
        )
        print(f"| {figure.name} | {middle} | {low} | {high} | {figure.repetitions} |")
