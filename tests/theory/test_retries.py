"""Retries and their equilibria, against enumeration, a search on a grid and a simulation."""

import heapq
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from capsim.theory import (
    birth_death_distribution,
    expected_attempts,
    hidden_capacity,
    retry_equilibria,
)


@pytest.mark.parametrize("failure", [0.0, 0.3, 1.0])
def test_expected_attempts_enumerates_failures(failure: float) -> None:
    """All sequences of failures, weighted by their probability."""
    expected = 0.0
    for outcomes in itertools.product([True, False], repeat=4):
        weight = float(np.prod([failure if failed else 1.0 - failure for failed in outcomes]))
        attempts = outcomes.index(False) + 1 if False in outcomes else 4
        expected += weight * attempts
    result = expected_attempts(failure_probability=failure, retries=3)
    assert result == pytest.approx(expected)


def late(load: float, timeout: float) -> float:
    """P(sojourn > timeout) in M/M/1: fewer services than it needs, over the occupancy."""
    occupancy = birth_death_distribution(
        birth_rates=np.full(1500, load), death_rates=np.full(1500, 1.0)
    )
    return float(stats.poisson.cdf(np.arange(1501), timeout) @ occupancy)


@pytest.mark.parametrize("arrival_rate", [0.2, 0.3, 0.7, 0.8])
def test_equilibria_reproduce_themselves(arrival_rate: float) -> None:
    """Each load below saturation is what the first attempts and their late answers send."""
    found = retry_equilibria(arrival_rate=arrival_rate, service_rate=1.0, timeout=20.0, retries=3)
    for equilibrium in found:
        if not equilibrium.overloaded and equilibrium.attempt_rate < 0.985:
            failed = late(equilibrium.attempt_rate, 20.0)
            assert equilibrium.timeout_probability == pytest.approx(failed)
            sent = arrival_rate * (1.0 + failed + failed**2 + failed**3)
            assert equilibrium.attempt_rate == pytest.approx(sent)
            assert equilibrium.goodput == pytest.approx(arrival_rate * (1.0 - failed**4))


@given(arrival_rate=st.floats(0.01, 1.5), timeout=st.floats(0.5, 40.0), retries=st.integers(0, 6))
def test_no_equilibrium_is_missed(arrival_rate: float, timeout: float, retries: int) -> None:
    """A search of all sign changes on a fine grid finds the same loads, falling ones stable."""

    def excess(load: float) -> float:
        failed = np.exp(-max(0.0, 1.0 - load) * timeout)
        return arrival_rate * sum(failed**k for k in range(retries + 1)) - load

    result = retry_equilibria(
        arrival_rate=arrival_rate, service_rate=1.0, timeout=timeout, retries=retries
    )
    grid = np.linspace(arrival_rate * (1.0 - 1e-9), max(1.0, arrival_rate), 2001)
    values = [excess(load) for load in grid]
    for (low, high), (left, right) in zip(
        itertools.pairwise(grid), itertools.pairwise(values), strict=True
    ):
        if left * right < 0.0:
            root = optimize.brentq(excess, low, high, xtol=1e-14)
            nearest = min(result, key=lambda each, root=root: abs(each.attempt_rate - root))
            assert nearest.attempt_rate == pytest.approx(root)
            assert nearest.stable == (left > 0.0)
    for equilibrium in result:
        assert excess(equilibrium.attempt_rate) == pytest.approx(0.0, abs=1e-9)
    assert [each.attempt_rate for each in result] == sorted(each.attempt_rate for each in result)
    assert any(each.stable for each in result)


def test_vulnerable_from_the_hidden_capacity_on() -> None:
    """Below it one equilibrium; from it on an overloaded one too; near saturation only that."""
    limit = hidden_capacity(capacity=1.0, retries=3)
    assert limit == 0.25

    def states(arrival_rate: float) -> list[tuple[bool, bool]]:
        found = retry_equilibria(
            arrival_rate=arrival_rate, service_rate=1.0, timeout=20.0, retries=3
        )
        return [(each.stable, each.overloaded) for each in found]

    assert states(0.249) == [(True, False)]
    assert states(0.3) == states(0.8) == [(True, False), (False, False), (True, True)]
    assert states(0.9) == [(True, True)]


def attempts_per_second(arrival_rate: float, fault_s: float) -> tuple[float, float]:
    """Attempts per second before a fault of the server and long after it, in a FIFO queue.

    The answer to an attempt is known on its arrival: when the work before it and its own is done.
    """
    generator = np.random.default_rng(4)
    fault_at, end, timeout, retries = 4_000.0, 12_000.0, 20.0, 3
    first = np.cumsum(generator.exponential(1.0 / arrival_rate, int(1.1 * arrival_rate * end)))
    pending = [(time, 0) for time in first[first < end].tolist()]
    heapq.heapify(pending)
    free, before, after = 0.0, 0, 0
    while pending and pending[0][0] < end:
        now, tries = heapq.heappop(pending)
        before += 500.0 < now < fault_at
        after += now > end - 2_000.0
        start = max(now, free)
        if fault_at <= start < fault_at + fault_s:
            start = fault_at + fault_s
        free = start + generator.exponential(1.0)
        if free - now > timeout and tries < retries:
            heapq.heappush(pending, (now + timeout, tries + 1))
    return before / (fault_at - 500.0), after / 2_000.0


@pytest.mark.parametrize(("arrival_rate", "recovers"), [(0.2, True), (0.6, False)])
def test_a_fault_moves_a_vulnerable_system(arrival_rate: float, recovers: bool) -> None:  # noqa: FBT001
    """A fault of a minute is forgotten below the hidden capacity and lasts for ever above it.

    Requests are Poisson and bring k attempts each, 1 or 4: attempts per second have the variance
    k times their mean over the seconds. Within 5 standard deviations.
    """
    before, after = attempts_per_second(arrival_rate, fault_s=60.0)
    found = retry_equilibria(arrival_rate=arrival_rate, service_rate=1.0, timeout=20.0, retries=3)
    assert found[-1].overloaded != recovers
    healthy, final = found[0].attempt_rate, found[-1].attempt_rate
    assert abs(before - healthy) < 5.0 * (healthy / 3_500.0) ** 0.5
    per_request = final / arrival_rate
    assert abs(after - final) < 5.0 * (per_request * final / 2_000.0) ** 0.5


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument and the rule."""
    with pytest.raises(ValueError, match=r"failure_probability must be in \[0, 1\], got 1\.5"):
        expected_attempts(failure_probability=1.5, retries=1)
    with pytest.raises(ValueError, match=r"retries must be a whole number of at least 0, got -1"):
        retry_equilibria(arrival_rate=1.0, service_rate=1.0, timeout=1.0, retries=-1)
    with pytest.raises(ValueError, match=r"capacity must be positive and finite, got 0"):
        hidden_capacity(capacity=0.0, retries=1)
