"""`capsim whatif` and `--what-if`: choosing remedies, right and wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_list_says_what_does_not_fit(run: Run) -> None:
    """The list shows every remedy, and of those that a model cannot have, why."""
    listed = run("whatif", "--list", "--model", "tiny.toml", "--format", "json")
    unfit = {row["name"]: row["unfit"] for row in json.loads(listed.out)}
    assert listed.code == 0
    assert unfit["pool-500"] is None
    assert "app.error_cpu_s = 0" in unfit["debug-off"]
    assert (
        "debug-off: DEBUG off (does not fit tiny)"
        in run("whatif", "--list", "--model", "tiny.toml").out
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pool-50"], "did you mean pool-500?"),
        (["pool-500+pool-500"], "names a remedy twice"),
        (["debug-off"], "debug-off does not fit: its error pages may cost as little"),
        (["pool-500", "--users", "5..10"], "give one number"),
        (["pool-500", "--draws", "0"], "--draws"),
    ],
)
def test_wrong_remedies_are_refused(arguments: list[str], message: str, run: Run) -> None:
    """What cannot be compared is refused on one line, before anything is simulated."""
    result = run("whatif", *arguments, "--model", "tiny.toml")
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "--users", "3", "--draws", "2"],
        ["sweep", "threads", "--values", "1,2", "--draws", "2", "--no-plot"],
        ["simulate", "--users", "3"],
    ],
)
def test_any_command_takes_a_remedy(command: list[str], run: Run) -> None:
    """--what-if applies remedies, says so, and keeps measurements of today's system out."""
    options = ["--model", "tiny.toml", "--what-if", "celery", "--what-if", "pool-500"]
    result = run(*command, *options, "--format", "json")
    content = json.loads(result.out)
    assert result.code == 0
    assert content["changes"] == {"what-if": "celery+pool-500"}
    assert content["notes"][0].startswith("celery: An answer now means")


def test_a_remedy_that_does_not_fit_is_refused(run: Run) -> None:
    """A remedy that a model cannot have is never applied in silence."""
    result = run("predict", "--users", "3", "--model", "tiny.toml", "--what-if", "debug-off")
    assert result.code == 2
    assert "debug-off does not fit tiny" in result.err


def test_every_place_says_the_same_of_how_long_it_takes(run: Run) -> None:
    """Help and README promise the same time for all remedies."""
    words = "a quarter of a minute on two cores"
    readme = Path(__file__).parents[2] / "README.md"
    assert words in " ".join(run("whatif", "--help").out.split())
    assert words in readme.read_text(encoding="utf-8")
