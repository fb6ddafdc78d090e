"""Alternating rounds, ratios of their pairs, and the machine that they ran on.

Time is the process's CPU time. In each round every contender takes a turn, and its speed is
compared with that of the first contender in the same round, so that a machine whose speed drifts
does not change the answer. A turn lasts long enough to be measured: fast contenders simulate
several seeds in it.
"""

import gc
import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_LEAST_TURN_S = 0.25
_DISTRIBUTIONS = ("numpy", "numba", "simpy", "ciw", "salabim")


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Something that simulates: `run` takes a seed and returns how many requests were answered."""

    name: str
    run: Callable[[int], int]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The speeds of a contender, and how many times as fast the first one was, by round."""

    name: str
    speeds: tuple[float, ...]  # requests per second of CPU
    ratios: tuple[float, ...]

    @property
    def speed(self) -> float:
        """The median speed."""
        return statistics.median(self.speeds)

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return statistics.median(self.ratios)


def measured(contenders: Sequence[Contender], rounds: int) -> list[Result]:
    """Measure contenders against the first of them, in alternating rounds."""
    for contender in contenders:
        contender.run(0)  # what is loaded or compiled once is no part of a round
    table = []
    for number in range(rounds):
        order = contenders if number % 2 == 0 else contenders[::-1]
        speeds = {each.name: _speed(each, 1 + 1000 * number) for each in order}
        table.append([speeds[contender.name] for contender in contenders])
    return [
        Result(
            name=contender.name,
            speeds=tuple(row[place] for row in table),
            ratios=tuple(row[0] / row[place] for row in table),
        )
        for place, contender in enumerate(contenders)
    ]


def _speed(contender: Contender, seed: int) -> float:
    """Return how many requests a contender simulates per second of CPU."""
    gc.collect()  # nobody pays for what another one left behind
    requests, begin = 0, time.process_time()
    while True:
        requests += contender.run(seed)
        seed += 1
        taken_s = time.process_time() - begin
        if taken_s >= _LEAST_TURN_S:
            return requests / taken_s


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table: the first column is text, the others stand to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def machine() -> str:
    """Describe the machine and what the benchmark ran with, as a list in Markdown."""
    versions = [f"{name} {_version(name)}" for name in _DISTRIBUTIONS]
    facts = (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        f"{platform.python_implementation()} {platform.python_version()}, {', '.join(versions)}",
    )
    return "\n".join(f"- {fact}" for fact in facts)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _processor() -> str:
    """Return the processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
