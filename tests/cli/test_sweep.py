"""`capsim sweep`: two parameters at once, values as they are written, what a stop keeps."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from capsim.cli.axes import Spacing, parse_axes
from capsim.cli.output import plain_text
from capsim.errors import InputError
from capsim.experiments import running
from capsim.experiments.trials import Outcome, Trial

Run = Callable[..., Any]
SWEEP = ("sweep", "--model", "tiny.toml", "--jobs", "1", "--draws", "2", "--no-plot")
SHORT = ("--set", "scenarios.burst.duration_s=1.5")
GRID = (*SWEEP, *SHORT, "pool-size=1,2", "workers=2,4")
BARE = Spacing()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("20,50, 100", (20, 50, 100)),
        ("1..16", (1, 3, 4, 6, 8, 9, 11, 13, 14, 16)),
        ("50..1500/3", (50, 775, 1500)),
        ("log:0.001..0.1/3", (0.001, 0.01, 0.1)),
        ("log:1..16/5", (1, 2, 4, 8, 16)),
        ("1..2/9", (1, 2)),
        ("0.5..1/2", (0.5, 1.0)),
        ("7,7,7.0", (7,)),
        ("process,system", ("process", "system")),
    ],
)
def test_values_are_read(text: str, values: tuple[object, ...]) -> None:
    """Lists, ranges and ratios give their values, each once, and whole numbers where ends are."""
    assert parse_axes(["a.b=" + text], (), BARE) == {"a.b": values}
    assert parse_axes(["a.b"], (text,), BARE) == {"a.b": values}


def test_values_belong_to_the_parameters_that_have_none() -> None:
    """--values go, in order, to the parameters without values of their own."""
    both = {"pool-size": (1, 2), "workers": (3, 4)}
    assert parse_axes(["pool-size", "workers"], ("1,2", "3,4"), BARE) == both
    assert parse_axes(["pool-size=1,2", "workers"], ("3,4",), BARE) == both
    assert parse_axes(["pool-size", "workers=3,4"], ("1,2",), BARE) == both


def test_remedies_are_not_read_as_numbers() -> None:
    """Names of remedies stay as they are, with what joins them, and files in other folders."""
    found = parse_axes(["what-if"], ("today, debug-off+pool-500,../own/1.toml",), BARE)
    assert found == {"what-if": ("today", "debug-off+pool-500", "../own/1.toml")}


WRONG = {
    "three parameters": (["a.b=1", "c.d=1", "e.f=1"], [], "one or two parameters"),
    "the same twice": (["workers=1", "workers=2"], [], "workers: is named twice"),
    "misspelt": (["qeury-time=1"], [], "did you mean query-time?"),
    "unknown": (["bananas"], [], "name pool-size, workers"),
    "nothing behind the name": (["workers="], [], "workers=: a value is missing"),
    "empty values": (["workers"], [""], "--values : a value is missing"),
    "no values": (["pool-size", "workers"], ["1"], "workers: say which values to try"),
    "one too many": (["pool-size=1", "workers"], ["1", "2"], "--values 2: is one too many"),
    "three values": (["pool-size", "workers"], ["1", "2", "3"], "--values 3: is one too many"),
    "values twice": (["workers=1"], ["2"], "workers has values of its own"),
    "downwards": (["workers=16..1"], [], "workers=16..1: a range goes upwards; exchange 16 and 1"),
    "one end": (["workers=1.."], [], "'' is no end of a range"),
    "no end": (["workers=1..x"], [], "'x' is no end of a range"),
    "log from zero": (["workers=log:0..4"], [], "equal ratios (log) need a first value above 0"),
    "log of a list": (["workers=log:1,2"], [], "workers=log:1,2: 'log:1' is no value"),
    "one step": (["workers=1..4/1"], [], "workers=1..4/1: 1 values; give 2 to 1000"),
    "half a step": (["workers=1..4/2.5"], [], "2.5 is no number of values"),
    "no step": (["workers=1..4/"], [], "nothing is no number of values"),
    "too many steps": (["workers=1..4/999999999"], [], "give 2 to 1000"),
    "an endless range": (["workers=1..inf"], [], "both ends have to be numbers up to 1e+15"),
    "not a number": (["workers=nan,2"], [], "nan is not finite"),
    "no number at an end": (["workers=1..nan"], [], "both ends have to be numbers"),
    "too large": (["pool-size=1" + "0" * 400], [], "is too large a number; at most 1e+15"),
    "no name": (["=5"], [], "nothing: is no parameter of a model"),
    "a list in a list": (["workers=[1]"], [], "neither a number nor a word"),
    "true": (["app.atomic_requests=true"], [], "neither a number nor a word"),
    "too many users": (["users=10,2000000"], [], "more than 1000000 users cannot be simulated"),
}


@pytest.mark.parametrize(("parameters", "values", "words"), WRONG.values(), ids=WRONG)
def test_wrong_values_are_named(parameters: list[str], values: list[str], words: str) -> None:
    """Whatever is wrong with parameters and values is told in one line that shows it."""
    with pytest.raises(InputError) as caught:
        parse_axes(parameters, values, BARE)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_from_and_to_are_for_one_parameter() -> None:
    """--from and --to say which values a single parameter has, and nothing else does."""
    spacing = Spacing(first=1.0, last=4.0, steps=2)
    assert parse_axes(["workers"], (), spacing) == {"workers": (1, 4)}
    for parameters, values in (
        (["workers=1"], []),
        (["workers"], ["1"]),
        (["workers", "threads"], []),
    ):
        with pytest.raises(InputError, match="--from"):
            parse_axes(parameters, values, spacing)
    with pytest.raises(InputError, match="give both"):
        parse_axes(["workers"], (), Spacing(steps=3))


IN_THE_MODEL = {
    "unknown remedy": (("what-if", "--values", "today,debugoff"), "did you mean debug-off?"),
    "remedy that does not fit": (("what-if=debug-off",), "debug-off does not fit tiny"),
    "same key twice": (
        ("pool-size=1,2", "database.access.size=3"),
        "both set database.access.size",
    ),
    "part of a user": (("users=2.5",), "users = 2.5: is no whole number"),
    "no users": (("users=0,5",), "users = 0: at least 1 user is needed"),
    "users fixed and swept": (("users=2,5", "--users", "3"), "users are swept"),
    "users as a setting": (("workers=1", "--set", "users=3"), "give --users 3"),
    "alias without meaning": (
        ("worker-timeout=5",),
        "the gunicorn-gthread server of tiny has none",
    ),
    "rule of the model": (("pool-size=0,1", "workers=1,2"), "database.access.size = 0"),
    "a table": (("database.access=1",), "database.access"),
    "too many combinations": (("pool-size=1..60/60", "workers=1..60/60"), "3600 combinations"),
}


@pytest.mark.parametrize(("arguments", "words"), IN_THE_MODEL.values(), ids=IN_THE_MODEL)
def test_what_the_model_cannot_have(
    arguments: tuple[str, ...], words: str, run: Run, folder: Path
) -> None:
    """What does not fit the model ends in one line with exit code 2, and leaves nothing."""
    result = run(*SWEEP, *arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert result.err.count("\n") == 1
    assert {path.name for path in folder.iterdir()} == {"tiny.toml", "tiny-data.toml"}


def test_grid_as_json_and_csv(run: Run) -> None:
    """A grid names both parameters, and has a row per combination with what limits, and next."""
    found = json.loads(run(*GRID, "--format", "json").out)
    assert found["parameters"] == ["pool-size", "workers"]
    assert found["paths"] == ["database.access.size", "server.workers"]
    assert found["today"] == [2, 2]
    assert [row["values"] for row in found["rows"]] == [[1, 2], [1, 4], [2, 2], [2, 4]]
    for row in found["rows"]:
        assert sum(row["limiting"].values()) == pytest.approx(1)
        assert sum(row["next"].values()) == pytest.approx(1)
    today = found["rows"][2]
    assert today["metrics"] == found["today_metrics"]
    assert all(set(change.values()) == {0} for change in today["differences"].values())
    rows = list(csv.DictReader(io.StringIO(run(*GRID, "--format", "csv").out)))
    assert len(rows) == 4 * len(today["metrics"])
    assert {(row["pool-size"], row["workers"]) for row in rows} >= {("1", "2"), ("2", "4")}
    assert all(row["limiting"] and row["next"] and row["limiting_today"] for row in rows)


def test_a_row_of_a_grid_is_the_sweep_of_the_other_parameter(run: Run) -> None:
    """Combinations with today's value of one parameter equal a sweep of the other alone."""
    grid = json.loads(run(*GRID, "--format", "json").out)["rows"]
    line = json.loads(run(*SWEEP, *SHORT, "workers=2,4", "--format", "json").out)["rows"]
    for cell, row in zip(grid[2:], line, strict=True):
        assert (cell["metrics"], cell["differences"]) == (row["metrics"], row["differences"])


def test_users_are_those_of_the_load_test(run: Run) -> None:
    """A sweep of users simulates what --users does, model error included."""
    arguments = (*SWEEP, *SHORT, "--format", "json")
    swept = json.loads(run(*arguments, "users=3,9").out)
    fixed = json.loads(run(*arguments, "pool-size=2", "--users", "9").out)
    assert (swept["path"], swept["today"]) == ("scenarios.burst.users", 14)
    assert swept["users"] is None
    assert swept["rows"][1]["metrics"] == fixed["rows"][0]["metrics"]


def test_remedies_are_those_of_what_if(run: Run) -> None:
    """A remedy in a sweep is the one that --what-if applies, under the same draws and luck."""
    arguments = (*SWEEP, *SHORT, "--format", "json")
    swept = json.loads(run(*arguments, "what-if=today,pool-500+twice-the-workers").out)
    fixed = json.loads(run(*arguments, "--what-if", "pool-500+twice-the-workers", "threads=2").out)
    assert (swept["path"], swept["today"]) == (None, "today")
    assert swept["rows"][1]["metrics"] == fixed["rows"][0]["metrics"]
    assert any(note.startswith("pool-500: ") for note in swept["notes"])


def test_all_remedies_that_fit(run: Run) -> None:
    """Without values, what-if tries what fits, and says what does not, and why."""
    found = json.loads(run(*SWEEP, *SHORT, "--draws", "1", "what-if", "--format", "json").out)
    tried = [row["value"] for row in found["rows"]]
    assert tried[0] == "today"
    assert {"pool-500", "twice-the-workers"} <= set(tried)
    assert "its error pages may cost as little" in found["unfit"]["debug-off"]
    assert not set(tried) & set(found["unfit"])


def test_a_remedy_may_replace_what_is_swept(run: Run) -> None:
    """Where a remedy puts another part in the place of today's, the output says what was set."""
    arguments = (*SWEEP, *SHORT, "what-if=today,pgbouncer", "pool-size=1,2", "--format", "json")
    found = json.loads(run(*arguments).out)
    assert found["paths"] == [None, "database.access.size"]
    assert "with pgbouncer, pool-size is database.pgbouncer.pool_size." in found["notes"]


def test_query_time_is_not_multiplied_by_a_remedy(run: Run) -> None:
    """What is set stands as it is, whatever a remedy multiplied; today has no single value."""
    arguments = (*SWEEP, *SHORT, "--format", "json")
    plain = json.loads(run(*arguments, "query-time=0.01").out)
    shorter = json.loads(run(*arguments, "query-time=0.01", "--what-if", "shorter-queries").out)
    assert shorter["today"] == "as it is"
    assert shorter["rows"][0]["metrics"] == plain["rows"][0]["metrics"]


def test_short_names_are_explained(run: Run) -> None:
    """The output says which key a short name set, and which other timeouts there are."""
    out = " ".join(run(*SWEEP, *SHORT, "timeout=0.2,5", "query-time=0.001").out.split())
    assert "timeout is scenarios.burst.client.timeout_s of the model." in out
    assert "other timeouts are worker-timeout, pool-timeout and query-timeout" in out
    assert "query-time is requests.page.query_s.mean of the model." in out
    assert "timeout = none, query-time = $query_s: p95" in out


def test_swept_target(run: Run) -> None:
    """Where the target is what is swept, every value is held against its own."""
    arguments = (*SWEEP, *SHORT, "targets.p95_s=0.000001,1000", "--format", "json")
    found = json.loads(run(*arguments).out)
    assert [row["meets_target"] for row in found["rows"]] == [0, 1]


def test_timeout_that_is_not_set_today(run: Run) -> None:
    """Where there is no limit today, today is null in JSON and the last row of the table."""
    arguments = (*SWEEP, *SHORT, "timeout=0.2,5")
    assert json.loads(run(*arguments, "--format", "json").out)["today"] is None
    lines = run(*arguments).out.splitlines()
    assert any(line.startswith("none (today)") for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ("pool-size=1,2,1000", "--users", "40"),
        ("what-if=today,pool-500+twice-the-workers+shorter-queries", "--users", "40"),
        ("scenarios.burst.user_classes.visitor.think_s.mean=0.000123456,1234567",),
        ("query-time=log:0.00123456..12.3456/14", "workers=1,2"),
        ("workers=1,2", "query-time=log:0.00123456..12.3456/14"),
        ("workers=1,2", "what-if=today,pool-500+twice-the-workers+shorter-queries"),
    ],
)
def test_tables_fit_80_columns(
    arguments: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 80 columns no line is longer, and every number is there that wider output has."""
    texts = {}
    for width in (80, 400):
        monkeypatch.setattr("capsim.cli.output.PLAIN_WIDTH", width)
        monkeypatch.setattr("capsim.cli.output.plain_text", at_width(width))
        texts[width] = run(*SWEEP, *SHORT, *arguments).out
    assert max(map(len, texts[80].splitlines())) <= 80
    assert "…" not in texts[80]
    assert sorted(texts[80].split()) == sorted(texts[400].split())


def at_width(width: int) -> Callable[[Text], str]:
    """Return the function that writes a result for people, at another width."""
    return lambda renderable: plain_text(renderable, width)


class Simulator:
    """Runs trials and counts them; at some point, the user presses Ctrl-C."""

    def __init__(self, stop_after: int) -> None:
        """Begin to count."""
        self.left = stop_after
        self.done: list[Trial] = []
        self._run = running.run_trial

    def __call__(self, trial: Trial) -> Outcome:
        """Run a trial."""
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.done.append(trial)
        return self._run(trial)


def test_stopped_sweep_goes_on(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C keeps what is done and says so; the same command goes on and redoes nothing."""
    arguments = (*GRID, "--format", "json")
    whole = run(*arguments).out
    simulator = Simulator(stop_after=3)
    monkeypatch.setattr("capsim.experiments.running.run_trial", simulator)
    stopped = run(*arguments)
    assert stopped.code == 130
    assert stopped.out == ""
    assert "stopped after 3 of 8 simulations; .capsim-sweep-tiny-burst.runs keeps" in stopped.err
    simulator.left = -1
    again = run(*arguments)
    assert again.out == whole
    assert len(simulator.done) == 8
    assert not list(folder.glob(".capsim-*"))


def test_work_that_piles_up_is_told(run: Run, folder: Path) -> None:
    """A sweep says where background work does not keep up: no response time shows it."""
    text = (folder / "tiny.toml").read_text(encoding="utf-8")
    celery = "[celery]\nworkers = 1\n[celery.tasks.mail]\ncpu_s = 1\n"
    text = text.replace("queries = 2\n", 'queries = 2\ntask = "mail"\n') + celery
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    out = " ".join(run(*SWEEP, "workers=1,2").out.split())
    assert "At 2 of the 2 systems tried, today's among them, work piles up, fastest at" in out
    assert "Not in the response times: task mail does not keep up" in out
