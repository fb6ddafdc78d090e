"""What the audit finds in the shipped load tests by itself, from the figures alone."""

from collections.abc import Sequence

import pytest

from capsim import audit
from capsim.loadtest.audit import Finding, Kind, Severity, audited
from capsim.loadtest.observations import load_dataset, observations


@pytest.fixture(scope="module", name="both")
def _both() -> tuple[Finding, ...]:
    """Return what is found in both datasets together."""
    return audit("p43/report", "p43/results")


def the(findings: Sequence[Finding], kind: Kind, load_test: str) -> Finding:
    """Return the one finding of a kind about a load test."""
    (found,) = [one for one in findings if one.kind is kind and load_test in one.load_tests]
    return found


def test_deploy_is_twice_what_its_users_can_send() -> None:
    """The report's total alone, with the think law, is twice what 100 users allow."""
    found = the(audit("p43/report"), Kind.TOO_MANY_REQUESTS, "p43/report/deploy")
    assert found.severity is Severity.SERIOUS
    assert found.numbers["factor"] == pytest.approx(2, rel=0.06)  # of 5 min, not 300 s
    assert "twice" in found.what


def test_deploy_was_counted_twice(both: tuple[Finding, ...]) -> None:
    """Both sources together show the factor of exactly two."""
    found = the(both, Kind.COUNTED_TWICE, "p43/report/deploy")
    assert found.numbers["requests"] == 2 * found.numbers["other_requests"] == 68902
    assert found.load_tests == ("p43/report/deploy", "p43/results/deploy")


@pytest.mark.parametrize(("name", "share"), [("deploy", 0.722), ("cab", 0.119)])
def test_no_failures_is_contradicted(both: tuple[Finding, ...], name: str, share: float) -> None:
    """The report's 0 % is held against the files' failures, which are rejections."""
    found = the(both, Kind.FAILURES_DISAGREE, f"p43/report/{name}")
    assert (found.numbers["share"], found.severity) == (0, Severity.SERIOUS)
    assert found.numbers["other_share"] == pytest.approx(share, abs=1e-3)
    rejected = the(both, Kind.REJECTED, f"p43/results/{name}")
    assert rejected.numbers["share"] == pytest.approx(share, abs=1e-3)


def test_a_quarter_of_the_users_is_missing() -> None:
    """The history counts 75 of the 100 users."""
    found = the(audit("p43/results"), Kind.USERS_MISSING, "p43/results/deploy")
    assert (found.numbers["users"], found.numbers["users_counted"]) == (100, 75)


def test_connector_drifts() -> None:
    """Response times triple at a flat throughput; the others do not drift."""
    findings = audit("p43/results")
    found = the(findings, Kind.DRIFT, "p43/results/connector")
    assert found.numbers["last_mean_s"] > 3 * found.numbers["first_mean_s"]
    assert len([one for one in findings if one.kind is Kind.DRIFT]) == 1


def test_connector_drifts_in_its_windows_alone() -> None:
    """The cumulated windows show the drift, too, without any stretch."""
    dataset = load_dataset("p43/results")
    bare = {"stretches": (), "steady": None}
    tests = {"connector": dataset.load_tests["connector"].model_copy(update=bare)}
    found = audited([dataset.model_copy(update={"load_tests": tests})])
    assert Kind.DRIFT in [one.kind for one in found]


@pytest.mark.parametrize("name", ["p43/report", "p43/results"])
def test_the_pool_cannot_be_exhausted(name: str) -> None:
    """A hundred connections at these rates need hold times far above the response times."""
    found = the(audit(name), Kind.POOL_NOT_EXHAUSTED, f"{name}/connector")
    assert found.numbers["hold_needed_s"] == pytest.approx(100 / found.numbers["rps"])
    assert found.numbers["hold_needed_s"] > 10 * found.numbers["response_s"]
    assert found.numbers["worst_hold_needed_s"] == pytest.approx(100 / 52.4, rel=1e-2)
    assert f"{name}/burst" not in found.load_tests
    assert "In burst each would have to hold it 1.91 s: " in found.what


@pytest.mark.parametrize("name", ["p43/report", "p43/results"])
def test_the_plateau_is_what_littles_law_gives(name: str) -> None:
    """N/X - Z is 18.8 s: no timeout of 20 s is needed, and a quarter of it is exceeded."""
    findings = audit(name)
    found = the(findings, Kind.PLATEAU, f"{name}/burst")
    assert found.numbers["expected_s"] == pytest.approx(18.8, abs=0.05)
    exceeded = the(findings, Kind.TIMEOUT_EXCEEDED, f"{name}/burst")
    assert exceeded.numbers["slowest_s"] == pytest.approx(34.878)


@pytest.mark.parametrize("name", ["p43/report", "p43/results"])
def test_the_failures_are_no_timeouts_alone(name: str) -> None:
    """All requests failed, the first thousand within 5 to 50 ms, half below 20 s."""
    found = the(audit(name), Kind.FAILURES_NOT_TIMEOUTS, f"{name}/burst")
    assert found.numbers["fastest_s"] == pytest.approx(0.005)
    assert found.numbers["quick_share"] == pytest.approx(0.5)
    assert found.what == (
        "100 % of the requests failed, but not by a timeout of 20 s alone. At least 50 % failed in "
        "less time. The fastest took 5 ms, from 0 to 10 s, when none took more than 50 ms."
    )


def test_nothing_else_is_serious(both: tuple[Finding, ...]) -> None:
    """The list of serious findings is this one, so that a new false alarm shows."""
    serious = sorted(str(one.kind) for one in both if one.severity is Severity.SERIOUS)
    assert serious == [
        "counted_twice",
        "failures_disagree",
        "failures_disagree",
        "failures_not_timeouts",
        "mostly_failed",
        "mostly_failed",
        "rejected",
        "too_many_requests",
        "users_missing",
    ]


def test_keys_for_the_audit_are_not_calibrated_on() -> None:
    """A dataset without its audit keys has the same observations."""
    audit_keys = {"think_s", "ramp_s", "steady", "stretches", "failures_by_status"}
    for name in ("p43/report", "p43/results"):
        dataset = load_dataset(name)
        tests = {
            label: type(test).model_validate(test.model_dump(exclude=audit_keys))
            for label, test in dataset.load_tests.items()
        }
        bare = dataset.model_copy(update={"load_tests": tests})
        assert observations(bare) == observations(dataset)
