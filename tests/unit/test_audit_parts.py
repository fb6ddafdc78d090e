"""The computed tolerances of the audit: moments, bounds from percentiles, digits; and its page."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from capsim.loadtest.audit import WORDS, Kind, Severity, audited, unchecked
from capsim.loadtest.audit.case import Case
from capsim.loadtest.audit.digits import half_step
from capsim.loadtest.audit.spread import mean_bounds_s, second_moment
from capsim.loadtest.audit.text import listed, number, percent, seconds
from capsim.loadtest.audit.think import variance
from capsim.loadtest.figures import Figures
from capsim.loadtest.observations import Configured, Dataset, LoadTest
from capsim.model.laws import ThinkLaw
from clean_load_tests import figures

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"


@pytest.mark.parametrize(
    ("value", "half"), [(187.54, 0.005), (300.0, 0.5), (24.6, 0.05), (1e6, 0.5), (0.0, 0.5)]
)
def test_half_step(value: float, half: float) -> None:
    """A number is as exact as it was written."""
    assert half_step(value) == pytest.approx(half)


@pytest.mark.parametrize(
    "law",
    [
        2.0,
        {"law": "uniform", "low": 1, "high": 3},
        {"law": "exponential", "mean": 2},
        {"law": "lognormal", "mean": 2, "cv": 0.5},
        {"law": "percentiles", "p50": 1, "p95": 2},
        {"law": "gamma", "mean": 2, "cv": 0.7},
        {"law": "hyperexponential", "mean": 2, "cv": 1.5},
    ],
)
def test_variance_is_that_of_the_law(law: Any) -> None:
    """The variance equals that of many draws of the law."""
    spec: ThinkLaw = TypeAdapter(ThinkLaw).validate_python(law)
    drawn = spec.draw(np.random.default_rng(5), (400_000,))
    # The relative error of a variance of n draws is sqrt((kurtosis - 1) / n): 0.4 % for kurtosis 8.
    assert variance(spec) == pytest.approx(float(drawn.var()), rel=0.05, abs=1e-9)


def test_bounds_hold_for_real_samples() -> None:
    """Mean and mean square of any sample lie within what its reported percentiles allow."""
    generator = np.random.default_rng(3)
    for cv in (0.3, 1.0, 3.0):
        sigma = math.sqrt(math.log1p(cv**2))
        for _ in range(20):
            sample = 0.05 * np.exp(sigma * generator.standard_normal(3000))
            found = Figures.model_validate(figures(sample))
            least, most = mean_bounds_s(found, "locust")
            assert least <= sample.mean() <= most
            assert (sample**2).mean() <= second_moment(found, "locust")


def test_without_a_maximum_nothing_is_bounded() -> None:
    """A mean has no upper bound from percentiles alone."""
    found = Figures(requests=1000, p50_ms=10, p95_ms=20)
    assert mean_bounds_s(found, "locust")[1] == math.inf
    assert mean_bounds_s(found, "locust")[0] == pytest.approx(
        0.448 * 0.0095 + 0.048 * 0.0195 + 0.002 * 0.0, rel=0.2
    )


def test_steady_figures_are_taken_where_they_are_known() -> None:
    """Laws are held against the part with all users, not against the ramp."""
    steady = {"from_s": 20, "until_s": 120, "users": 45, "requests": 2000, "mean_ms": 10}
    test = LoadTest.model_validate(
        {
            "source": "made",
            "users": 50,
            "duration_s": 130,
            "total": {"requests": 2300, "mean_ms": 12},
            "steady": steady,
        }
    )
    case = Case(label="a/b", name="b", test=test, tool="exact", configured=Configured())
    assert (case.users, case.rps, case.mean_s) == ((45, 45), 20, 0.01)
    assert case.duration_error == pytest.approx(1 / 100)  # two whole seconds


def test_numbers_in_sentences() -> None:
    """Numbers have three digits and units, and no share is 0 or 100 % unless it is."""
    assert [number(value) for value in (0.123456, 24.75, 34451)] == ["0.123", "24.8", "34,451"]
    assert [seconds(value) for value in (0.0131, 18.78)] == ["13.1 ms", "18.8 s"]
    assert [percent(value) for value in (0, 0.00012, 0.119, 1)] == [
        "0 %",
        "0.01 %",
        "12 %",
        "100 %",
    ]
    assert [listed(names) for names in (["a"], ["a", "b", "c"])] == ["a", "a, b and c"]


def test_what_could_not_be_checked_is_said() -> None:
    """Silence about a law that had no figures would read as a pass."""
    test = {"source": "made", "users": 5, "duration_s": 60, "total": {"requests": 100}}
    dataset = Dataset.model_validate(
        {"name": "d", "source": "made", "tool": "exact", "load_tests": {"t": test}}
    )
    assert audited([dataset]) == ()
    gaps = unchecked([dataset])
    assert [labels for _, labels in gaps] == [("d/t",), ("d/t",)]
    assert "think_s" in gaps[0][0]


def test_the_page_names_every_kind() -> None:
    """docs/audit.md has a row for every kind, and no other."""
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    named = [row.split("`")[1] for row in rows]
    assert sorted(named) == sorted(str(kind) for kind in Kind)


def test_every_kind_says_what_it_means() -> None:
    """Each kind has a meaning and a remedy, in sentences."""
    assert set(WORDS) == set(Kind)
    for words in WORDS.values():
        assert words.meaning.endswith(".")
        assert words.remedy.endswith(".")


def test_serious_findings_come_first() -> None:
    """Findings are in order of severity."""
    order = list(Severity)
    from capsim import audit

    ranks = [order.index(finding.severity) for finding in audit("p43/report", "p43/results")]
    assert ranks == sorted(ranks)
