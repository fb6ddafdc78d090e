"""The fit of the Universal Scalability Law: what it finds, how sure it is, what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.calibration.scalability import Estimate, UslFit, fit_usl
from capsim.theory import usl_throughput

USERS = (1, 2, 5, 10, 20, 50, 100, 200)
LEVELS = st.lists(st.integers(1, 5000), min_size=4, max_size=10, unique=True)


def fitted(
    *, contention: float, coherency: float, noise: float = 0.0, seed: int = 1, rate: float = 50.0
) -> UslFit:
    """Fit the law to itself, with relative errors of the measurements."""
    luck = np.random.default_rng(seed).standard_normal(len(USERS))
    rps = [
        usl_throughput(population=n, unit_rate=rate, contention=contention, coherency=coherency)
        for n in USERS
    ]
    return fit_usl(users=USERS, rps=(np.array(rps) * np.exp(noise * luck)).tolist())


def inside(estimate: Estimate, value: float) -> bool:
    """Whether an interval has a value."""
    return estimate.lo <= value <= estimate.hi


@settings(max_examples=25, deadline=None)
@given(
    users=LEVELS,
    rate=st.floats(0.01, 1000),
    contention=st.floats(0, 1),
    coherency=st.floats(1e-8, 0.1),
)
def test_exact_data_give_their_law_back(
    users: list[int], rate: float, contention: float, coherency: float
) -> None:
    """Throughputs that follow the law are met by the fit, whatever its parameters."""
    rps = [
        usl_throughput(population=n, unit_rate=rate, contention=contention, coherency=coherency)
        for n in users
    ]
    fit = fit_usl(users=users, rps=rps)
    assert fit.throughput(users) == pytest.approx(rps, rel=1e-6)
    assert fit.error < 1e-6


def test_a_throughput_that_falls_from_the_first_user_on_has_no_peak() -> None:
    """With contention alone nothing is gained by a second user, and the peak lies at none."""
    fit = fitted(contention=1.0, coherency=0.0625)
    assert fit.contention.best == pytest.approx(1.0)
    assert inside(fit.peak, 0.0)
    assert fit.peak.hi < 1.0


def test_the_published_form_is_met() -> None:
    """A known law comes out with its own parameters, and its peak at sqrt((1 - sigma) / kappa)."""
    fit = fitted(contention=0.02, coherency=1e-4)
    assert fit.unit_rate.best == pytest.approx(50)
    assert fit.contention.best == pytest.approx(0.02)
    assert fit.coherency.best == pytest.approx(1e-4)
    assert fit.peak.best == pytest.approx(math.sqrt(0.98 / 1e-4))
    assert not fit.is_beyond


def test_intervals_hold_what_they_promise() -> None:
    """Nine of ten 90 % intervals have the true value, within what 50 trials can tell."""
    true = {"unit_rate": 50.0, "contention": 0.02, "coherency": 1e-4, "peak": math.sqrt(0.98e4)}
    fits = [fitted(contention=0.02, coherency=1e-4, noise=0.03, seed=s) for s in range(50)]
    for name, value in true.items():
        hits = sum(inside(getattr(fit, name), value) for fit in fits)
        assert hits >= 39, name  # 45, less 2.8 standard errors


def test_what_the_data_do_not_exclude_stays_open() -> None:
    """Without a loss at high load no peak is claimed: coherency may be 0, the peak infinite."""
    fit = fitted(contention=0.02, coherency=0.0, noise=0.02, seed=3)
    assert fit.coherency.lo == 0
    assert fit.peak.hi == math.inf
    assert fit.peak.lo > 100
    assert fit.is_beyond


def test_a_straight_line_has_no_peak() -> None:
    """Throughput in proportion to the users: nothing is shared, and nothing falls."""
    fit = fit_usl(users=[10, 20, 50, 100], rps=[5, 10, 25, 50])
    assert [fit.contention.best, fit.coherency.best] == pytest.approx([0, 0], abs=1e-12)
    assert fit.peak.best == math.inf
    assert fit.unit_rate.best == pytest.approx(0.5)


def test_the_interval_of_the_curve_widens_beyond_the_data() -> None:
    """Between the load tests the fitted throughput is known better than far beyond them."""
    fit = fitted(contention=0.02, coherency=1e-5, noise=0.03)
    widths = []
    for users in (100, 2000):
        found = fit.interval(users)
        assert found.best == pytest.approx(fit.throughput([users])[0])
        assert found.lo < found.best < found.hi
        widths.append(found.hi / found.lo)
    assert widths[1] > 1.5 * widths[0]


@pytest.mark.parametrize(
    ("users", "rps", "said"),
    [
        ([1, 2, 3], [1, 2, 3], "4 different values"),
        ([1, 2, 3, 3, 2], [1, 2, 3, 3, 2], "4 different values"),
        ([0, 1, 2, 3], [1, 1, 2, 3], "at least 1"),
        ([1, 2, 3, math.nan], [1, 1, 2, 3], "finite"),
        ([1, 2, 3, 4], [1, 2, 0, 3], "positive"),
        ([1, 2, 3, 4], [1, 2, math.nan, 3], "positive"),
    ],
)
def test_what_cannot_be_fitted_is_refused(users: list[float], rps: list[float], said: str) -> None:
    """Too few loads, and figures that are none, are refused with the rule."""
    with pytest.raises(ValueError, match=said):
        fit_usl(users=users, rps=rps)
