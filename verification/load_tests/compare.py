"""Simulate every model of this folder and print it beside what was measured: python compare.py.

Runs in the project's environment. A figure of the simulation is its mean over five seeds. The
last columns say how far the second run of the real test was from the first: a simulation that
is off by as much is as good as it can be told to be. A `!` marks more than 10 %.
"""

from __future__ import annotations

import sys
import tomllib
from statistics import fmean
from typing import TYPE_CHECKING, Any

import shared_scripts

from capsim import load, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEEDS = range(1, 6)
METRICS = ("rps", "goodput", "mean_s", "p50_s", "p95_s")
TOLERANCE = 0.1


def simulated(path: Path) -> dict[str, float]:
    """Return the figures of a model, each the mean over the seeds."""
    model = load(path).bind({})
    rows = []
    for seed in SEEDS:
        summary = simulate(model, seed=seed).summary()
        goodput = summary.rps * (1 - summary.failure_ratio)
        rows.append({**summary.metrics(), "goodput": goodput})
    return {metric: fmean(row[metric] for row in rows) for metric in METRICS}


def ratio(numerator: float, denominator: float) -> str:
    """Write a ratio, marked if it is off by more than the tolerance."""
    if denominator == 0:
        return "   =  " if numerator == 0 else "  inf!"
    value = numerator / denominator
    return f"{value:5.2f}" + ("!" if abs(value - 1) > TOLERANCE else " ")


def line(name: str, measured: Mapping[str, Any], figures: Mapping[str, float]) -> str:
    """Write one test: figures of both, simulated over measured, second run over first."""
    first, second = measured["figures"], measured.get("figures_again", measured["figures"])
    pairs = " ".join(f"{first[metric]:7.3f} {figures[metric]:7.3f}" for metric in METRICS)
    off = " ".join(ratio(figures[metric], first[metric]) for metric in METRICS)
    again = " ".join(ratio(second[metric], first[metric]) for metric in METRICS)
    return f"{name:24} {pairs} | {off} | {again}"


def main() -> None:
    """Compare the tests that are named, or all that have a model."""
    measured = tomllib.loads(shared_scripts.MEASURED_FILE.read_text("utf-8"))["tests"]
    asked = sys.argv[1:] or list(measured)
    short = " ".join(f"{metric:>6}" for metric in METRICS)
    print(f"{'measured, simulated':24} {' '.join(f'{metric:>15}' for metric in METRICS)}", end="")
    print(f" | {short} | {short}")
    for name in asked:
        path = shared_scripts.HERE / f"{name}.toml"
        if path.exists():
            print(line(name, measured[name], simulated(path)), flush=True)


if __name__ == "__main__":
    main()
