"""`capsim predict --hypothesis NAME`: a shipped cause, beside what was measured."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from capsim.cli.options import DEFAULT_MODEL, Asked, named_model
from capsim.cli.system import read_system

Run = Callable[..., Any]
SHORT = ("--users", "20", "--draws", "2", "--no-plot", "--jobs", "1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--hypothesis", "pool-exhausted"), "did you mean pool-exhaustion?"),
        (("--hypothesis", "x"), "choose one of client-timeouts, costly-error-path"),
        (
            ("--hypothesis", "slow-queries", "--model", "tiny.toml"),
            "is a model of its own; leave out --model tiny.toml",
        ),
    ],
)
def test_a_hypothesis_that_cannot_be(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """One line says what is wrong with the name, and the exit code is 2."""
    result = run("predict", *SHORT, *arguments)
    assert result.code == 2
    assert said in result.err.replace("\n", " ")


def test_a_hypothesis_says_what_it_rests_on() -> None:
    """The report names the calibration it inherits, and the parameters that are mere priors."""
    asked = Asked(model=named_model(DEFAULT_MODEL, "client-timeouts"), settings={})
    context = read_system(asked).context()
    assert context.model == "client-timeouts"
    assert context.calibration.startswith("what it shares with p43-report as calibrated on")
    (warning,) = context.warnings
    assert "not itself fitted" in warning
    assert "client_timeout_s from the priors alone" in warning
    assert not context.is_what_if


def test_hypotheses_are_listed(run: Run) -> None:
    """`capsim models` names every shipped hypothesis."""
    listed = [entry["name"] for entry in json.loads(run("models", "--format", "json").out)]
    assert sum(name.startswith("hypotheses/") for name in listed) == 6
