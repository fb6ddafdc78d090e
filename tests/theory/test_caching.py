"""Hit ratios of a cached key, against a Markov chain and a simulation of its requests."""

from collections import deque
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from capsim.theory import (
    locked_fill_rate,
    overwritten_ttl_hit_ratio,
    renewed_ttl_hit_ratio,
    solve_ctmc,
    ttl_hit_ratio,
)

Expiry = Literal["first fill", "latest fill", "latest hit"]


@pytest.mark.parametrize(("ttl", "fill_time"), [(10.0, 0.5), (3.0, 3.0), (1.0, 20.0)])
def test_a_key_is_absent_then_filled_then_cached(ttl: float, fill_time: float) -> None:
    """Poisson requests see the time average of a chain whose times have other laws."""
    rates = {"absent": ("filling", 0.8), "filling": ("cached", 1.0 / fill_time)}
    rates["cached"] = ("absent", 1.0 / ttl)

    def transitions(state: str) -> Iterator[tuple[str, float]]:
        yield rates[state]

    chain = solve_ctmc(start="absent", transitions=transitions)
    times = {"request_rate": 0.8, "ttl": ttl, "fill_time": fill_time}
    hits = chain.mean(lambda state: state == "cached")
    fills = 0.8 * chain.mean(lambda state: state == "absent")
    assert ttl_hit_ratio(**times) == pytest.approx(hits)
    assert locked_fill_rate(**times) == pytest.approx(fills)


def simulated_hits(
    expiry: Expiry, *, ttl: float, fill_time: float, batches: int = 30, size: int = 5_000
) -> tuple[float, float]:
    """Mean and standard error of the hit ratio of one key with one request per second."""
    gaps = np.random.default_rng(3).exponential(1.0, batches * size)
    expires, pending, hits = 0.0, deque[float](), np.zeros(batches * size)
    for i, now in enumerate(np.cumsum(gaps).tolist()):
        while pending and pending[0] <= now:
            filled = pending.popleft()
            if filled >= expires or expiry == "latest fill":
                expires = filled + ttl
        if now < expires:
            hits[i] = 1.0
            expires = now + ttl if expiry == "latest hit" else expires
        else:
            pending.append(now + fill_time)
    means = hits.reshape(batches, size).mean(axis=1)
    return float(means.mean()), float(stats.sem(means))


@pytest.mark.parametrize(("ttl", "fill_time"), [(4.0, 0.0), (4.0, 1.0), (2.0, 2.0)])
def test_every_fill_may_set_the_expiry(ttl: float, fill_time: float) -> None:
    """Cache-aside without a lock, request by request, within 4 standard errors."""
    mean, error = simulated_hits("latest fill", ttl=ttl, fill_time=fill_time)
    exact = overwritten_ttl_hit_ratio(request_rate=1.0, ttl=ttl, fill_time=fill_time)
    assert abs(mean - exact) < 4.0 * error


@pytest.mark.parametrize(("ttl", "fill_time"), [(4.0, 1.0), (2.0, 2.0)])
def test_only_the_first_fill_may_set_the_expiry(ttl: float, fill_time: float) -> None:
    """Later fills find the entry and leave its expiry alone, within 4 standard errors."""
    mean, error = simulated_hits("first fill", ttl=ttl, fill_time=fill_time)
    exact = ttl_hit_ratio(request_rate=1.0, ttl=ttl, fill_time=fill_time)
    assert abs(mean - exact) < 4.0 * error


@pytest.mark.parametrize(("ttl", "fill_time"), [(0.5, 0.0), (1.5, 0.0), (2.0, 1.5)])
def test_hits_may_renew_the_entry(ttl: float, fill_time: float) -> None:
    """The entry dies in the first long gap, within 4 standard errors."""
    mean, error = simulated_hits("latest hit", ttl=ttl, fill_time=fill_time)
    exact = renewed_ttl_hit_ratio(request_rate=1.0, ttl=ttl, fill_time=fill_time)
    assert abs(mean - exact) < 4.0 * error


@given(request_rate=st.floats(1e-3, 1e3), ttl=st.floats(0.1, 1e3), share=st.floats(0.0, 1.0))
def test_more_prolonging_hits_more(request_rate: float, ttl: float, share: float) -> None:
    """The first fill prolongs least; with no time to fill, who fills last is all the same."""
    times = {"request_rate": request_rate, "ttl": ttl, "fill_time": share * ttl}
    first = ttl_hit_ratio(**times)
    assert first <= overwritten_ttl_hit_ratio(**times) + 1e-12
    assert first <= renewed_ttl_hit_ratio(**times) + 1e-12
    at_once = overwritten_ttl_hit_ratio(request_rate=request_rate, ttl=ttl)
    assert at_once == pytest.approx(ttl_hit_ratio(request_rate=request_rate, ttl=ttl))


def test_bad_arguments_are_refused() -> None:
    """A refusal names the argument and the rule."""
    with pytest.raises(ValueError, match=r"fill_time must be at most ttl \(1\.0\), got 2\.0"):
        overwritten_ttl_hit_ratio(request_rate=1.0, ttl=1.0, fill_time=2.0)
    with pytest.raises(ValueError, match=r"ttl must be positive and finite, got 0"):
        ttl_hit_ratio(request_rate=1.0, ttl=0.0)
