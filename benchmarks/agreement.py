"""Whether all that are compared simulate the same model: none is faster for doing less of it.

The compiled engine simulates each case many times, which gives the mean and the spread of the
number of requests, of their mean response time and of how many waits expired. The mean of a few
runs of another simulator may lie from that mean as far as luck allows: `_SIGMAS` standard errors.
Queues decide two of the cases, so threads given back too early or an order other than first come
first served would show.

    python benchmarks/agreement.py
"""

import math
from dataclasses import replace

import numpy as np
from base_case import BASE, CROWDED, IMPATIENT, Case, Outcome
from contenders import SIMULATORS, Simulator
from measuring import markdown

_CASES = (replace(BASE, horizon_s=30.0), CROWDED, IMPATIENT)
_RUNS, _THEIR_RUNS = 40, 3
_SIGMAS = 5.0  # by chance once in a million figures, some more for the spread's own error


def report() -> str:
    """Compare everybody with the compiled engine; return a table.

    Raises:
        AssertionError: somebody simulates another model.
    """
    ours = {case.name: _figures(SIMULATORS[0], case, range(100, 100 + _RUNS)) for case in _CASES}
    rows = []
    for simulator in SIMULATORS[1:]:
        if simulator.missing:
            rows.append([simulator.name, *["-"] * len(_CASES)])
            continue
        apart = [_sigmas_apart(ours[case.name], simulator, case) for case in _CASES]
        if max(apart) > _SIGMAS:
            raise AssertionError(f"{simulator.name} simulates another model: {apart} sigmas apart")
        rows.append([simulator.name, *[f"{sigmas:.1f}" for sigmas in apart]])
    return markdown(["largest difference, in standard errors", *[c.name for c in _CASES]], rows)


def _figures(simulator: Simulator, case: Case, seeds: range) -> np.ndarray:
    """Return a row of figures per seed."""
    return np.array([_row(simulator.run(case, seed)) for seed in seeds])


def _row(found: Outcome) -> tuple[float, float, float]:
    return found.requests, found.mean_s, found.expired


def _sigmas_apart(ours: np.ndarray, simulator: Simulator, case: Case) -> float:
    """Return by how many standard errors a simulator's figures differ at most."""
    theirs = _figures(simulator, case, range(1, 1 + _THEIR_RUNS))
    difference = np.abs(theirs.mean(axis=0) - ours.mean(axis=0))
    error = ours.std(axis=0, ddof=1) * math.sqrt(1 / len(ours) + 1 / len(theirs))
    # Where nothing varies, as with waits that never expire, nothing may differ.
    apart = [d / e if e else math.inf for d, e in zip(difference, error, strict=True) if d]
    return float(max(apart, default=0.0))


if __name__ == "__main__":
    print(report())
