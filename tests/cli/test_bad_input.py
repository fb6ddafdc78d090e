"""Bad input: exit code 2, one line that says where and what, and nothing left behind."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PREDICT = ("predict", "--model", "tiny.toml", "--users", "14", "--draws", "2", "--jobs", "1")
SWEEP = ("sweep", "--model", "tiny.toml", "--jobs", "1", "--draws", "2", "--no-plot")
RUNS = ("simulate", "--model", "tiny.toml")

# Changes to the model file, as (old, new), and what the message has to name.
BROKEN_MODELS = {
    "misspelt key": ("cores = 2\n\n[server]", "coers = 2\n\n[server]", "machine.coers"),
    "missing key": ("size = 2\n", "", "database.access.size"),
    "negative time": ("wait_timeout_s = 0.3", "wait_timeout_s = -0.3", "wait_timeout_s = -0.3"),
    "no users": ("users = 14\nspawn_rate = 14", "users = 0", "scenarios.burst"),
    "nan": ("cv = 0.5", "cv = nan", "cv = nan"),
    "infinity": ("p95_s = 0.2", "p95_s = inf", "targets.p95_s = inf"),
    "no toml": ("[machine]", "[machine", "TOML"),
    "unknown parameter": ('"$cpu_s"', '"$cpu"', "$cpu"),
    "unused parameter": ('mean = "$cpu_s"', "mean = 0.01", "parameters.cpu_s"),
    "unknown request": ("tasks = { page = 1 }", "tasks = { pgae = 1 }", "pgae"),
    "unknown default": ('default_scenario = "burst"', 'default_scenario = "x"', "'x'"),
    "no name": ('name = "tiny"', "", "name"),
    "half a query": ("queries = 2", "queries = 2.5", "queries"),
}

# Changes to the data file, likewise.
BROKEN_DATA = {
    "percentile order": ("p50_ms = 33, p95_ms = 70", "p50_ms = 70, p95_ms = 33", "p95_ms = 33"),
    "failures": ("requests = 108, failures = 0", "requests = 108, failures = 109", "failures"),
    "misspelt figure": ("p95_ms = 70", "p59_ms = 70", "p59_ms"),
    "other users": ("users = 3\n", "users = 4\n", "load_tests.light.users = 4"),
    "other duration": ("duration_s = 12", "duration_s = 60", "load_tests.light.duration_s = 60"),
    "other name": ("[load_tests.light]", "[load_tests.bright]", "bright"),
    "all held out": ('source = "made up"\nusers = 3', "held_out = true\nusers = 3", "light"),
}

# Arguments, and what the message has to name.
BAD_ARGUMENTS = {
    "no users": (("predict",), "--users"),
    "zero users": (("predict", "--users", "0"), "--users 0"),
    "negative users": (("predict", "--users", "-5"), "--users -5"),
    "users as words": (("predict", "--users", "abc"), "--users abc"),
    "half a range": (("predict", "--users", "50.."), "--users 50.."),
    "range downwards": (("predict", "--users", "50..10"), "--users 50..10"),
    "too many users": (("predict", "--users", "99999999"), "99999999"),
    "no draws": (("predict", "--users", "5", "--draws", "0"), "--draws"),
    "draws as words": (("predict", "--users", "5", "--draws", "x"), "--draws"),
    "no jobs": (("predict", "--users", "5", "--jobs", "0"), "--jobs"),
    "negative seed": (("predict", "--users", "5", "--seed", "-1"), "--seed"),
    "unknown option": (("predict", "--usres", "5"), "--usres"),
    "unknown command": (("perdict",), "perdict"),
    "unknown format": (("predict", "--users", "5", "--format", "xml"), "xml"),
    "unknown engine": ((*PREDICT, "--engine", "fastest"), "reference, compiled"),
    "unknown model": (("predict", "--users", "5", "--model", "nope"), "nope"),
    "model is a folder": (("predict", "--users", "5", "--model", "."), "no such file"),
    "endless name": (("predict", "--users", "5", "--model", "a" * 5000), "File name too long"),
    "unknown scenario": ((*PREDICT, "--scenario", "nope"), "nope"),
    "setting without =": ((*PREDICT, "--set", "cores"), "--set cores"),
    "setting without a value": ((*PREDICT, "--set", "machine.cores="), "machine.cores="),
    "setting with two values": ((*PREDICT, "--set", "machine.cores=1\na=2"), "machine.cores"),
    "unknown setting": ((*PREDICT, "--set", "database.access.sise=4"), "database.access.size"),
    "setting out of range": ((*PREDICT, "--set", "machine.cores=0"), "machine.cores = 0"),
    "setting not finite": ((*PREDICT, "--set", "targets.p95_s=nan"), "targets.p95_s"),
    "no folder for out": ((*PREDICT, "--out", "nowhere/x.json"), "nowhere"),
    "out is a folder": ((*PREDICT, "--out", "."), "folder"),
    "picture format": ((*PREDICT, "--plot", "x.doc"), "x.doc"),
    "no folder for a picture": ((*PREDICT, "--plot", "nowhere/x.png"), "nowhere"),
    "no posterior file": ((*PREDICT, "--posterior", "none.json"), "none.json"),
    "no posterior": ((*PREDICT, "--posterior", "tiny.toml"), "tiny.toml"),
    "no parameter": (("sweep",), "PARAM"),
    "unknown parameter": ((*SWEEP, "server.treads", "--values", "1,2"), "server.threads"),
    "misspelt short name": ((*SWEEP, "pool-siez"), "pool-size"),
    "no values": ((*SWEEP, "server.threads"), "--values"),
    "empty value": ((*SWEEP, "server.threads", "--values", "1,,2"), "--values 1,,2"),
    "value out of range": ((*SWEEP, "server.threads", "--values", "1,0"), "server.threads = 0"),
    "value not whole": ((*SWEEP, "server.threads", "--values", "1.5"), "server.threads = 1.5"),
    "value not finite": ((*SWEEP, "targets.p95_s", "--values", "1,inf"), "inf"),
    "values twice": ((*SWEEP, "server.threads", "--values", "1", "--from", "1", "--to", "2"), "--"),
    "from without to": ((*SWEEP, "server.threads", "--from", "1"), "--to"),
    "from after to": ((*SWEEP, "server.threads", "--from", "9", "--to", "2"), "--from 9"),
    "log from zero": ((*SWEEP, "server.threads", "--from", "0", "--to", "2", "--log"), "--log"),
    "range in a sweep": ((*SWEEP, "pool-size", "--users", "1..5"), "--users 1..5"),
    "range in a run": (("simulate", "--users", "1..5"), "--users 1..5"),
    "one replication": (("simulate", "--replications", "1"), "--replications"),
    "precision as words": ((*RUNS, "--precision", "fine"), "write e.g. 5% or 0.05"),
    "precision out of range": ((*RUNS, "--precision", "5"), "between 0.1% and 50%"),
    "no precision": ((*RUNS, "--precision", "0%"), "between 0.1% and 50%"),
    "precision of nothing known": (
        (*RUNS, "--precision", "5%", "--precision-of", "p59"),
        "did you mean p99",
    ),
    "metrics without a precision": ((*RUNS, "--precision-of", "p95"), "give --precision 5%"),
    "course of many runs": ((*RUNS, "--precision", "5%", "--timeline"), "--timeline"),
    "files of many runs": ((*RUNS, "--replications", "3", "--export", "x"), "--export"),
    "precision of few draws": ((*PREDICT, "--precision", "5%"), "--draws 2"),
    "precision of a range": (
        ("predict", "--users", "5..9", "--precision", "5%"),
        "one number of users",
    ),
    "unknown data": (("calibrate", "--model", "tiny.toml", "--data", "nope"), "nope"),
    "no folder for a posterior": (("calibrate", "--out", "nowhere/x.json"), "nowhere"),
    "little design": (("calibrate", "--design", "0"), "--design"),
    "changed without out": (
        ("calibrate", "--model", "tiny.toml", "--set", "machine.cores=4"),
        "--out",
    ),
    "no folder for the schema": (("schema", "--out", "nowhere/x.json"), "nowhere"),
}


def complaint(result: Any, folder: Path, before: set[Path]) -> str:
    """Return the one line of a command that had to fail, having left nothing behind."""
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("capsim: ")
    assert result.err.count("\n") == 1
    assert result.err.endswith("\n")
    assert len(result.err) < 300
    assert set(folder.rglob("*")) == before
    return str(result.err)


@pytest.mark.parametrize(
    "command",
    [PREDICT, (*SWEEP[:-1], "pool-size"), ("whatif",), ("capacity",)],
    ids=lambda command: str(command[0]),
)
def test_a_picture_is_drawn_or_not(
    command: tuple[str, ...], run: Callable[..., Any], folder: Path
) -> None:
    """--plot beside --no-plot contradicts itself, and is refused wherever both exist."""
    before = set(folder.rglob("*"))
    result = run(*command, "--plot", "x.png", "--no-plot")
    assert "leave one of the two out" in complaint(result, folder, before)


def change(path: Path, old: str, new: str) -> None:
    """Change a file in one place that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(("arguments", "named"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_bad_arguments(
    arguments: tuple[str, ...], named: str, run: Callable[..., Any], folder: Path
) -> None:
    """Arguments that cannot be used are named, before anything is simulated."""
    before = set(folder.rglob("*"))
    assert named in complaint(run(*arguments), folder, before)


@pytest.mark.parametrize(("old", "new", "named"), BROKEN_MODELS.values(), ids=BROKEN_MODELS)
def test_broken_model(
    old: str, new: str, named: str, run: Callable[..., Any], folder: Path
) -> None:
    """A model file that breaks a rule is named with the key."""
    change(folder / "tiny.toml", old, new)
    before = set(folder.rglob("*"))
    line = complaint(run(*PREDICT, "--out", "result.json"), folder, before)
    assert "tiny.toml" in line
    assert named in line


@pytest.mark.parametrize(("old", "new", "named"), BROKEN_DATA.values(), ids=BROKEN_DATA)
def test_broken_data(old: str, new: str, named: str, run: Callable[..., Any], folder: Path) -> None:
    """A file of load tests that contradicts itself or the model is named with the key."""
    change(folder / "tiny-data.toml", old, new)
    before = set(folder.rglob("*"))
    line = complaint(run("calibrate", "--model", "tiny.toml", "--jobs", "1"), folder, before)
    assert "tiny-data" in line
    assert named in line


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\xff", b"\xff\xfe\x00", b""])
def test_no_text_at_all(content: bytes, run: Callable[..., Any], folder: Path) -> None:
    """A binary or empty file in place of a model is named."""
    (folder / "tiny.toml").write_bytes(content)
    before = set(folder.rglob("*"))
    assert "tiny.toml" in complaint(run(*PREDICT), folder, before)


def test_dataset_of_the_model_is_missing(run: Callable[..., Any], folder: Path) -> None:
    """A model that names load tests which are not there cannot be compared with them."""
    (folder / "tiny-data.toml").unlink()
    before = set(folder.rglob("*"))
    assert "tiny-data.toml" in complaint(run(*PREDICT), folder, before)


def test_posterior_of_another_model(run: Callable[..., Any], folder: Path) -> None:
    """A calibration of an earlier version of the model, or of the data, is not used silently."""
    effort = ("--design", "64", "--rounds", "1", "--per-round", "32", "--jobs", "1")
    assert run("calibrate", "--model", "tiny.toml", *effort).code == 0
    changed = "figures of tiny-data have changed since the calibration"
    change(folder / "tiny-data.toml", "users = 3", 'users = 3\nmachine = "what no fit depends on"')
    assert changed not in " ".join(run(*PREDICT).out.split())
    change(folder / "tiny-data.toml", "requests = 108", "requests = 109")
    assert changed in " ".join(run(*PREDICT).out.split())
    change(folder / "tiny.toml", "threads = 2", "threads = 3")
    before = set(folder.rglob("*"))
    line = complaint(run(*PREDICT), folder, before)
    assert "tiny.posterior.json" in line
    assert "capsim calibrate" in line


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_model_beside_which_nothing_can_be_written(
    run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calibrating a model in a read-only folder asks for --out."""
    monkeypatch.setattr("os.access", lambda *_: False)
    before = set(folder.rglob("*"))
    line = complaint(run("calibrate", "--model", "tiny.toml"), folder, before)
    assert "--out" in line
    assert "--posterior" in line


def test_too_little_agrees(run: Callable[..., Any], folder: Path) -> None:
    """A calibration that hardly any draw survives is a failed run, and saves nothing."""
    result = run(
        "calibrate", "--model", "tiny.toml", "--design", "8", "--rounds", "0", "--jobs", "1"
    )
    assert result.code == 1
    assert result.err.count("\n") == 1
    assert "effective draws" in result.err
    assert not (folder / "tiny.posterior.json").exists()


def test_clock_that_stands_still(run: Callable[..., Any], folder: Path) -> None:
    """A model in which nothing takes time fails as a run, in one line."""
    change(folder / "tiny.toml", 'mean = "$cpu_s", cv = 0.5', "mean = 0, cv = 0.5")
    text = (folder / "tiny.toml").read_text(encoding="utf-8")
    text = text.replace('query_s = { law = "exponential", mean = "$query_s" }', "query_s = 0")
    text = text.replace('law = "exponential", mean = 0.1', 'law = "constant", value = 0')
    for name in ("cpu_s", "query_s"):
        begin = text.index(f"[parameters.{name}]")
        text = text[:begin] + text[text.index("\n\n", begin) :]
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    result = run(*PREDICT)
    assert result.code == 1
    assert result.out == ""
    assert result.err.count("\n") == 1
