"""Simulate every model of this folder and print it beside what was measured: python compare.py.

Runs in the project's environment. A figure of the simulation is its mean over twenty seeds, and
what is measured the mean of the two runs. The last columns say how far the second run was from the
first. A `!` marks more than 10 %; a `*` says that both runs lie outside what the seeds gave.
"""

from __future__ import annotations

import sys
import tomllib
from statistics import fmean
from typing import TYPE_CHECKING, Any

import shared_scripts

from capsim import load, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SEEDS = range(1, 21)
METRICS = ("rps", "goodput", "mean_s", "p50_s", "p95_s")
RUNS = ("figures", "figures_again")
TOLERANCE = 0.1


def simulated(path: Path) -> dict[str, list[float]]:
    """Return the figures of a model, one for each seed."""
    model = load(path).bind({})
    rows = []
    for seed in SEEDS:
        summary = simulate(model, seed=seed).summary()
        goodput = summary.rps * (1 - summary.failure_ratio)
        rows.append({**summary.metrics(), "goodput": goodput})
    return {metric: [row[metric] for row in rows] for metric in METRICS}


def ratio(numerator: float, denominator: float) -> str:
    """Write a ratio, marked if it is off by more than the tolerance."""
    value = numerator / denominator
    return f"{value:5.2f}" + ("!" if abs(value - 1) > TOLERANCE else " ")


def outside(runs: Sequence[float], seeds: Sequence[float]) -> str:
    """Return a star where all runs lie on one side of what the seeds gave."""
    return "*" if max(runs) < min(seeds) or min(runs) > max(seeds) else " "


def line(name: str, measured: Mapping[str, Any], figures: Mapping[str, Sequence[float]]) -> str:
    """Write one test: figures of both, simulated over measured, second run over first."""
    pairs, off, again = [], [], []
    for metric in METRICS:
        runs = [measured[table][metric] for table in RUNS]
        seeds = figures[metric]
        pairs.append(f"{fmean(runs):7.3f} {fmean(seeds):7.3f}")
        off.append(ratio(fmean(seeds), fmean(runs)) + outside(runs, seeds))
        again.append(ratio(runs[1], runs[0]))
    return f"{name:24} {' '.join(pairs)} | {' '.join(off)} | {' '.join(again)}"


def main() -> None:
    """Compare the tests that are named, or all."""
    measured = tomllib.loads(shared_scripts.MEASURED_FILE.read_text("utf-8"))["tests"]
    asked = sys.argv[1:] or list(measured)
    short = " ".join(f"{metric:>6}" for metric in METRICS)
    print(f"{'measured, simulated':24} {' '.join(f'{metric:>15}' for metric in METRICS)}", end="")
    wide = " ".join(f"{metric:>7}" for metric in METRICS)
    print(f" | {wide} | {short}")
    for name in asked:
        path = shared_scripts.HERE / f"{name}.toml"
        print(line(name, measured[name], simulated(path)), flush=True)


if __name__ == "__main__":
    main()
