"""What the commands give: valid JSON as designed, whole files, calibrations rightly used."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

METRICS = {
    "rps",
    "goodput_rps",
    "failure_ratio",
    "mean_s",
    "p50_s",
    "p90_s",
    "p95_s",
    "p99_s",
    "max_s",
}
INTERVAL = {"median", "lo", "hi"}
TINY = ("--model", "tiny.toml", "--jobs", "1")
PREDICT = ("predict", *TINY, "--users", "14", "--draws", "3")
EFFORT = ("--design", "64", "--rounds", "1", "--per-round", "32")

Run = Callable[..., Any]


def strict(text: str) -> Any:
    """Read JSON that may hold neither NaN nor Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(name="calibrated")
def _calibrated(run: Run) -> None:
    """Calibrate the tiny system with little effort."""
    assert run("calibrate", *TINY, *EFFORT).code == 0


def test_prediction_as_json(run: Run) -> None:
    """A prediction in JSON has the metrics, intervals and doubts that the design names."""
    result = run(*PREDICT, "--format", "json")
    found = strict(result.out)
    assert result.code == 0
    assert (found["model"], found["scenario"], found["users"]) == ("tiny", "burst", 14)
    assert (found["draws"], found["calibrated"]) == (3, False)
    assert set(found["metrics"]) == METRICS
    assert all(set(interval) == INTERVAL for interval in found["metrics"].values())
    assert found["measured"] == {"rps": 12.0, "failure_ratio": 0.5, "p50_s": 1.1, "p95_s": 2.1}
    assert set(found["verdicts"].values()) <= {"inside", "outside"}
    assert {usage["name"] for usage in found["resources"]} >= set(found["limiting"]) - {"nothing"}
    assert found["cliff"]["searched_users"] == [1, 14]
    assert found["extrapolation"]
    assert found["warnings"]
    assert found["provenance"]["seed"] == 1


def test_what_is_unlimited_is_used_by_a_number(run: Run, folder: Path) -> None:
    """A gate that lets everybody in still says how many are in: no share, and no dash."""
    behind = 'extends = "tiny.toml"\nname = "gated"\n[balancer]\ninstances = 2\n'
    (folder / "gated.toml").write_text(behind, encoding="utf-8")
    options = ("--model", "gated.toml", "--users", "14")
    table = run("predict", *options, "--jobs", "1", "--draws", "3").out
    gates = [line.split("of unlimited")[0] for line in table.splitlines() if "unlimited" in line]
    assert gates
    assert all(0 < float(gate.split()[-1]) <= 14 for gate in gates)
    resources = strict(run("simulate", *options, "--format", "json").out)["resources"]
    assert all(resource["used"] >= 0 for resource in resources)
    assert any(resource["capacity"] is None for resource in resources)


def test_range_as_json(run: Run) -> None:
    """A range of users in JSON is a sweep of the parameter `users`."""
    arguments = ("predict", *TINY, "--users", "2..6", "--draws", "2", "--no-plot")
    found = strict(run(*arguments, "--format", "json").out)
    assert found["parameter"] == "users"
    assert [row["value"] for row in found["rows"]] == [2, 3, 4, 5, 6]
    assert all(set(row["metrics"]) == METRICS for row in found["rows"])


def test_beyond_the_range_is_null(run: Run) -> None:
    """A cliff that is not within the range is null in JSON, and words in the table."""
    arguments = ("predict", *TINY, "--users", "1..2", "--draws", "2", "--no-plot")
    found = strict(run(*arguments, "--format", "json").out)
    assert found["cliff"]["p95_passes_target_at_users"] == {"median": None, "lo": None, "hi": None}
    assert "p95 does not pass 200 ms within 1..2 users" in run(*arguments).out


def test_sweep_as_json(run: Run) -> None:
    """A sweep in JSON has a row per value, with differences; of this system no report claims."""
    arguments = ("sweep", "pool-size", *TINY, "--draws", "2", "--users", "14", "--no-plot")
    found = strict(run(*arguments, "--values", "1,500", "--format", "json").out)
    assert (found["parameter"], found["path"]) == ("pool-size", "database.access.size")
    assert found["today"] == 2
    assert [row["value"] for row in found["rows"]] == [1, 500]
    for row in found["rows"]:
        assert set(row["metrics"]) == set(row["differences"]) == METRICS
        assert 0 <= row["meets_target"] <= 1
        assert sum(row["limiting"].values()) == pytest.approx(1)
    assert found["answer"] is None


def test_sweep_without_a_pool(run: Run, folder: Path) -> None:
    """Where there is no pool, what bounds the connections is swept, and that is said."""
    path = folder / "tiny.toml"
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("[database.access]"), text.index("[requests.page]")
    limited = 'max_connections = 20\naccess = { kind = "persistent" }\n\n'
    path.write_text(text[:begin].rstrip() + "\n" + limited + text[end:], encoding="utf-8")
    arguments = ("sweep", "pool-size", *TINY, "--draws", "2", "--users", "6", "--no-plot")
    result = run(*arguments, "--values", "10,20")
    assert "tiny has no pool" in result.out
    assert "database.max_connections" in result.out


def test_swept_parameter_that_is_not_known(run: Run) -> None:
    """Where today's value is a parameter with a prior, today is named after it."""
    arguments = ("sweep", "requests.page.query_s.mean", *TINY, "--draws", "2", "--no-plot")
    found = strict(run(*arguments, "--values", "0.001,0.01", "--format", "json").out)
    assert found["today"] == "$query_s"
    assert "$query_s (today) is not known" in run(*arguments, "--values", "0.001").out


@pytest.mark.parametrize(
    ("options", "values"),
    [
        (("--from", "1", "--to", "5", "--steps", "3"), [1, 3, 5]),
        (("--from", "1", "--to", "4", "--steps", "3", "--log"), [1, 2, 4]),
        (("--from", "1", "--to", "2", "--steps", "9"), [1, 2]),
    ],
)
def test_spaced_values(options: tuple[str, ...], values: list[int], run: Run) -> None:
    """Values between two ends are whole where the ends are, each of them once."""
    arguments = ("sweep", "server.threads", *TINY, "--draws", "1", "--no-plot", *options)
    found = strict(run(*arguments, "--format", "json").out)
    assert [row["value"] for row in found["rows"]] == values


def test_values_that_are_words(run: Run) -> None:
    """A choice of the model can be swept like a number."""
    arguments = ("sweep", "database.access.scope", *TINY, "--draws", "1", "--no-plot")
    found = strict(run(*arguments, "--values", "process,system", "--format", "json").out)
    assert [row["value"] for row in found["rows"]] == ["process", "system"]


def test_what_if_is_not_compared_with_measurements(run: Run) -> None:
    """A changed system has no verdict; a changed target is no other system."""
    changed = strict(run(*PREDICT, "--format", "json", "--set", "pool-size=4").out)
    assert changed["changes"] == {"database.access.size": 4}
    assert changed["measured"] == changed["verdicts"] == {}
    same = strict(run(*PREDICT, "--format", "json", "--set", "targets.p95_s=0.3").out)
    assert same["verdicts"]
    assert same["cliff"]["target_p95_s"] == 0.3


@pytest.mark.usefixtures("calibrated")
def test_calibration_is_found_and_can_be_left_out(run: Run) -> None:
    """The calibration beside the model is used; --prior does without it."""
    found = strict(run(*PREDICT, "--format", "json").out)
    assert found["calibrated"]
    assert found["provenance"]["calibration"]["calibrated_on"] == ["light"]
    assert [text.split(":")[0] for text in found["warnings"]] == ["3 draws"]
    enough = strict(run(*PREDICT[:-1], "20", "--format", "json").out)
    assert not enough["warnings"]
    prior = strict(run(*PREDICT, "--format", "json", "--prior").out)
    assert not prior["calibrated"]
    assert "leave out --prior" in prior["warnings"][0]


@pytest.mark.usefixtures("calibrated")
def test_a_calibration_can_be_shown(run: Run, folder: Path) -> None:
    """`--show` prints the fit that there is, and neither simulates nor writes."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    shown = run("calibrate", *TINY, "--show").out
    assert "How the model fits them" in shown
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_there_may_be_no_calibration_to_show(run: Run) -> None:
    """Without one, the answer is one line with the remedy."""
    result = run("calibrate", *TINY, "--show")
    assert result.code == 2
    assert "leave out --show" in result.err


@pytest.mark.usefixtures("calibrated")
def test_what_if_on_the_calibrated_system(run: Run) -> None:
    """A changed setting keeps the calibration of the unchanged model."""
    found = strict(run(*PREDICT, "--format", "json", "--set", "server.threads=3").out)
    assert found["calibrated"]


def test_calibration_of_a_changed_system(run: Run, folder: Path) -> None:
    """A calibration with changes goes to a file of its own, and is used with the same changes."""
    changed = ("--set", "server.threads=3")
    done = run("calibrate", *TINY, *EFFORT, *changed, "--out", "three.json")
    assert done.code == 0
    assert not (folder / "tiny.posterior.json").exists()
    assert not (folder / "three.json.runs").exists()
    found = run(*PREDICT, "--format", "json", *changed, "--posterior", "three.json")
    assert strict(found.out)["calibrated"]
    assert run(*PREDICT, "--posterior", "three.json").code == 2


def test_calibration_as_json(run: Run) -> None:
    """A calibration in JSON says what was learned and how the model fits."""
    found = strict(run("calibrate", *TINY, *EFFORT, "--format", "json").out)
    assert {row["parameter"] for row in found["parameters"]} == {"cpu_s", "query_s"}
    assert {row["load_test"] for row in found["fit"]} == {"light"}
    assert found["effective_sample_size"] > 20


def test_data_named_in_another_folder(run: Run, folder: Path) -> None:
    """The load tests that a model names are looked for beside the model."""
    nested = folder / "nested"
    nested.mkdir()
    for name in ("tiny.toml", "tiny-data.toml"):
        (folder / name).rename(nested / name)
    arguments = ("predict", "--model", "nested/tiny.toml", "--jobs", "1")
    found = strict(run(*arguments, "--users", "14", "--draws", "1", "--format", "json").out)
    assert found["measured"]


def test_simulate_as_csv_is_the_requests(run: Run) -> None:
    """The requests of a run, a row each; with --timeline, a row per slice."""
    arguments = ("simulate", "--model", "tiny.toml", "--format")
    rows = list(csv.DictReader(io.StringIO(run(*arguments, "csv").out)))
    summary = strict(run(*arguments, "json").out)
    assert len(rows) == summary["requests"] + summary["in_flight"]
    assert {"user", "start_s", "end_s", "status"} <= set(rows[0])
    slices = list(csv.DictReader(io.StringIO(run(*arguments, "csv", "--timeline").out)))
    assert [float(row["time_s"]) for row in slices[:3]] == [0, 0.5, 1]


def test_csv_is_tidy(run: Run) -> None:
    """A prediction in CSV is a row per metric."""
    rows = list(csv.DictReader(io.StringIO(run(*PREDICT, "--format", "csv").out)))
    assert {row["metric"] for row in rows} == METRICS
    assert {row["metric"]: row["measured"] for row in rows}["rps"] == "12.0"


def test_out_is_the_same_as_printed(run: Run, folder: Path) -> None:
    """--out writes what would have been printed, and nothing else appears on standard output."""
    for form in ("table", "json", "csv"):
        printed = run(*PREDICT, "--format", form)
        written = run(*PREDICT, "--format", form, "--out", f"result.{form}")
        assert written.out == ""
        assert (folder / f"result.{form}").read_text(encoding="utf-8") == printed.out


def test_equal_seeds_give_equal_results(run: Run) -> None:
    """The same seed gives the same bytes, another seed gives others."""
    first = run(*PREDICT, "--format", "json", "--seed", "7")
    assert first.out == run(*PREDICT, "--format", "json", "--seed", "7").out
    assert first.out != run(*PREDICT, "--format", "json", "--seed", "8").out


@pytest.mark.slow
def test_jobs_change_nothing(run: Run) -> None:
    """One process and two worker processes give the same bytes."""
    arguments = (*PREDICT, "--format", "json")
    assert run(*arguments).out == run(*arguments, "--jobs", "2").out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "picture"),
    [
        (("predict", "--users", "2..4", "--draws", "2"), "capsim-tiny-burst-users.png"),
        (("predict", "--users", "4", "--draws", "2", "--plot", "one.svg"), "one.svg"),
        (
            ("sweep", "server.threads", "--values", "1,2", "--draws", "2"),
            "capsim-tiny-burst-server.threads.png",
        ),
        (("calibrate", *EFFORT, "--plot", "fit.pdf"), "fit.pdf"),
    ],
)
def test_pictures(arguments: tuple[str, ...], picture: str, run: Run, folder: Path) -> None:
    """A picture is drawn by default where there is a curve, and its name is told."""
    result = run(*arguments, *TINY)
    assert result.code == 0
    assert (folder / picture).stat().st_size > 1000
    assert f"capsim: wrote {picture}" in result.err


def test_schema_allows_references(run: Run) -> None:
    """The schema of model files knows `[parameters]`, and a parameter in place of a number."""
    found = strict(run("schema").out)
    assert "parameters" in found["properties"]
    size = found["$defs"]["Pool"]["properties"]["size"]
    assert {"type": "integer", "exclusiveMinimum": 0} in size["anyOf"] or len(size["anyOf"]) > 1


def test_models_are_listed_one_per_line(run: Run) -> None:
    """Every shipped model and dataset is one line of the list."""
    lines = run("models").out.splitlines()
    rows = strict(run("models", "--format", "json").out)
    assert len(lines) == len(rows)
    assert {row["name"] for row in rows} >= {"p43-report", "p43-results", "p43/report"}
    assert all(row["name"] in line for row, line in zip(rows, lines, strict=True))


def test_version_and_help(run: Run) -> None:
    """--version, --help and no arguments at all are answered."""
    from capsim import __version__

    assert run("--version").out == f"capsim {__version__}\n"
    assert "predict" in run("--help").out
    assert run().out == run("--help").out
    assert run().code == 0
