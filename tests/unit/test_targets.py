"""Targets: what texts mean, and what is said of those that mean nothing."""

import math

import pytest

from capsim.errors import InputError
from capsim.experiments.targets import Target, default_targets, parse_targets
from capsim.model.toml import load

NOTHING_ANSWERED = {"p95_s": math.nan, "failure_ratio": math.nan, "rps": 0.0, "goodput_rps": 0.0}


@pytest.mark.parametrize(
    ("text", "metric", "operator", "value"),
    [
        ("p95 < 1s", "p95_s", "<", 1.0),
        ("P95<=200 ms", "p95_s", "<=", 0.2),
        ("mean < 50ms", "mean_s", "<", 0.05),
        ("median < .5s", "p50_s", "<", 0.5),
        ("max < 2e1 s", "max_s", "<", 20.0),
        ("slowest <= 5s", "max_s", "<=", 5.0),
        ("failed < 1%", "failure_ratio", "<", 0.01),
        ("failed < 0.01", "failure_ratio", "<", 0.01),
        ("failed <= 0", "failure_ratio", "<=", 0.0),
        ("rps > 100", "rps", ">", 100.0),
        ("requests/s >= 100/s", "rps", ">=", 100.0),
        ("goodput > 50 /s", "goodput_rps", ">", 50.0),
    ],
)
def test_one_bound(text: str, metric: str, operator: str, value: float) -> None:
    """Units are read, and everything becomes seconds, shares and requests per second."""
    (part,) = parse_targets(text).parts
    assert (part.metric, part.operator) == (metric, operator)
    assert part.value == pytest.approx(value)


def test_a_target_reads_as_it_is_shown() -> None:
    """What is shown can be given again, and means the same."""
    targets = parse_targets("p95 <  200ms AND failed<1% and rps>=5/s")
    assert str(targets) == "p95 < 200 ms and failed < 1 % and rps >= 5/s"
    assert parse_targets(str(targets)) == targets
    assert targets.metrics == ("p95_s", "failure_ratio", "rps")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p95 < 1", "needs a unit; write p95 < 1s"),
        ("p95 < 50%", "needs a unit"),
        ("p95 < 0s", "above 0"),
        ("p95 < 1e999s", "not finite"),
        ("p95 = 1s", "no operator; write <, <=, > or >="),
        ("p96 < 1s", "p96 is no metric; did you mean p9"),
        ("latency < 1s", "latency is no metric; choose one of mean"),
        ("failed < 5", "write failed < 5%"),
        ("failed < 120%", "100 % at most"),
        ("failed < 1s", "write failed < 1%"),
        ("rps > 5s", "write rps > 5/s"),
        ("p95 < -1s", "METRIC < NUMBER UNIT"),
        ("", "names nothing to hold"),
        ("p95 < 1s and ", "METRIC < NUMBER UNIT"),
        ("p95 < 1s and slow", "'slow': has no operator"),
        ("p95 < 1s, failed < 1%", "METRIC < NUMBER UNIT"),
    ],
)
def test_a_wrong_target_is_named_with_its_remedy(text: str, said: str) -> None:
    """One line names the text, the rule and an example."""
    with pytest.raises(InputError) as caught:
        parse_targets(text)
    line = str(caught.value)
    assert said in line
    assert repr(text) in line
    assert "e.g. 'p95 < 1s and failed < 1%'" in line
    assert "\n" not in line


@pytest.mark.parametrize("text", ["p95 < 9s", "p95 > 1ms", "failed < 1%", "rps > 0 and p95 < 9s"])
def test_undefined_metrics_meet_nothing(text: str) -> None:
    """Where nothing was answered, nothing is good enough."""
    targets = parse_targets(text)
    assert not targets.are_met(NOTHING_ANSWERED)
    assert math.isnan(targets.margin(NOTHING_ANSWERED))


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
    ],
)
def test_operators(operator: str, *, below: bool, equal: bool, above: bool) -> None:
    """Each operator at the bound and on both sides; the margin's sign says the same."""
    (part,) = parse_targets(f"p95 {operator} 1s").parts
    for value, is_met in ((0.5, below), (1.0, equal), (2.0, above)):
        assert part.is_met({"p95_s": value}) == is_met
        margin = part.margin({"p95_s": value})
        assert margin == pytest.approx((-1 if part.is_floor else 1) * -math.log(value))


def test_only_throughput_can_lack_load() -> None:
    """More users may bring requests per second, but no shorter response times."""
    targets = parse_targets("rps > 100 and p95 < 1s")
    assert targets.lack_load({"rps": 50.0, "p95_s": 0.5})
    assert not targets.lack_load({"rps": 50.0, "p95_s": 2.0})
    assert not targets.lack_load({"rps": 150.0, "p95_s": 0.5})
    assert not parse_targets("p95 > 1s").lack_load({"p95_s": 0.5})


def test_the_default_is_the_model_s_own() -> None:
    """p95 at most `targets.p95_s`."""
    expected = Target(metric="p95_s", operator="<=", value=1.0, text="p95 <= 1 s")
    assert default_targets(load("p43-report").bind({})).parts == (expected,)
