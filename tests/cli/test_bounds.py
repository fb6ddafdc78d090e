"""`capsim bounds`: published cases to their digits, what it prints, and what it refuses."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capsim.cli.output import plain_text
from capsim.experiments import bounds as experiment

Run = Callable[..., Any]
TINY = ("bounds", "--model", "tiny.toml", "--draws", "6")

WRONG = {
    "no users": (("--users", "0"), "at least 1 user"),
    "users not a number": (("--users", "nan"), "--users nan"),
    "a demand of zero": (("--demand", "0"), "--demand 0: a demand is a time"),
    "a negative demand": (("--demand", "-1"), "--demand -1: a demand is a time"),
    "a demand not a number": (("--demand", "nan"), "--demand nan: a demand is a time"),
    "a demand in words": (("--demand", "db=slow"), "--demand db=slow: is no number of seconds"),
    "a demand without a name": (("--demand", "=1"), "has no name before ="),
    "two stations alike": (("--demand", "a=1", "--demand", "a=2"), "two stations are called 'a'"),
    "classes that do not fit": (
        ("--demand", "1,2", "--demand", "3"),
        "give each station one demand for every class",
    ),
    "half a server": (("--demand", "1", "--servers", "1.5"), "--servers 1.5"),
    "no server": (("--demand", "1", "--servers", "0"), "--servers 0"),
    "servers of nothing": (("--servers", "2"), "--servers: belongs to --demand"),
    "too many servers": (
        ("--demand", "1", "--servers", "1", "--servers", "2"),
        "give one for every station",
    ),
    "a think time of a model": (("--think", "1"), "a model has think times of its own"),
    "a negative think time": (("--demand", "1", "--think", "-1"), "--think -1"),
    "a think time not a number": (("--data", "tiny-data.toml", "--think", "nan"), "--think nan"),
    "users of two classes": (("--demand", "1", "--users", "1,2"), "has 2 classes of users"),
    "data and a network": (("--data", "tiny-data.toml", "--demand", "1"), "leave out --data"),
    "data and a model": (("--data", "tiny-data.toml", "--model", "tiny.toml"), "leave it out"),
    "a network and a setting": (("--demand", "1", "--set", "a=1"), "--set: is about a model"),
    "a load test of no data": (("--load-test", "light"), "--load-test: belongs to --data"),
    "an unknown load test": (
        ("--data", "tiny-data.toml", "--load-test", "heavy"),
        "choose among light, burst",
    ),
    "missing data": (("--data", "nowhere.toml"), "nowhere.toml: no such file"),
    "missing model": (("--model", "nowhere.toml"), "nowhere.toml: no such file"),
    "unknown scenario": (("--model", "tiny.toml", "--scenario", "nope"), "nope"),
    "no picture": (("--plot", "bounds.txt"), "no picture format"),
    "no curve": (("--data", "tiny-data.toml", "--plot", "x.png"), "no curve over users"),
    "no folder": (("--out", "nowhere/x.json"), "nowhere does not exist"),
}


def strict(text: str) -> Any:
    """Read JSON that may hold neither NaN nor Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def network(run: Run, *arguments: str) -> Any:
    """Return what is found of a network at one number of users, by JSON."""
    result = run("bounds", *arguments, "--format", "json", "--no-plot")
    assert (result.code, result.err) == (0, "")
    return strict(result.out)


def exact(found: Any, name: str) -> float:
    """Return a metric in the only row."""
    (row,) = found["rows"]
    value = row["metrics"][name]
    assert value["lo"] == value["median"] == value["hi"]
    return float(value["median"])


def to_digits(text: str) -> object:
    """Equality to the digits that are written down."""
    return pytest.approx(float(text), rel=0.0, abs=0.5 * 10.0 ** -len(text.partition(".")[2]))


def queues(found: Any) -> list[float]:
    """Return the mean numbers at the stations."""
    return [station["queue"]["median"] for station in found["stations"]]


def test_case_1_one_saturated_server(run: Run) -> None:
    """LINE's closed examples (Markov chain): N = 10, Z = 1/0.3, one server of 1.5 s."""
    think = repr(1 / 0.3)
    found = network(run, "--demand", "1.5", "--think", think, "--users", "10")
    assert exact(found, "rps_mva") == to_digits("0.666608197")
    assert exact(found, "mean_s_mva") == to_digits("11.66798")
    assert queues(found) == [to_digits("7.777973")]
    assert found["stations"][0]["utilisation"]["median"] == to_digits("0.999912")
    assert found["knee_users"]["median"] == pytest.approx((1.5 + 1 / 0.3) / 1.5)


def test_case_3_three_queues(run: Run) -> None:
    """Lazowska et al. 1984: N = 3, Z = 15 s, demands of 0.605, 2.10 and 1.35 s."""
    demands = ("--demand", "0.605", "--demand", "2.10", "--demand", "1.35")
    found = network(run, *demands, "--think", "15", "--users", "3")
    assert exact(found, "rps_mva") == to_digits("0.151516")
    assert queues(found) == [to_digits(text) for text in ("0.0975660", "0.3946566", "0.2350300")]
    # By the formulas of chapter 5: D = 4.055 s, the largest 2.1 s, the mean 4.055 / 3.
    assert exact(found, "rps_at_most") == pytest.approx(3 / 19.055)
    assert exact(found, "rps_at_least") == pytest.approx(3 / (3 * 4.055 + 15))
    balanced = 4.055 + 2 * (4.055 / 3) / (1 + 15 / 4.055)
    assert exact(found, "rps_balanced_most") == pytest.approx(3 / (15 + balanced))
    slowest = 4.055 + 2 * 2.1 / (1 + 15 / (3 * 4.055))
    assert exact(found, "mean_s_balanced_most") == pytest.approx(slowest)
    assert found["knee_users"]["median"] == pytest.approx(19.055 / 2.1)


def test_case_4_processor_sharing_and_fcfs(run: Run) -> None:
    """QNAP introduction: N = 5, Z = 30 s, demands of 2.0, 0.24 and 0.6 s."""
    demands = ("--demand", "2.0", "--demand", "0.24", "--demand", "0.6")
    found = network(run, *demands, "--think", "30", "--users", "5")
    assert exact(found, "rps_mva") == to_digits("0.1494")
    assert queues(found) == [to_digits(text) for text in ("0.3852", "0.0369", "0.0965")]


def test_case_7_three_hundred_threads(run: Run) -> None:
    """PDQ's README (Tomcat): N = 400 on 300 threads of 0.444 s, without think time."""
    found = network(run, "--demand", "0.444", "--servers", "300", "--users", "400")
    assert exact(found, "rps_mva") == to_digits("675.6757")
    assert exact(found, "mean_s_mva") == to_digits("0.5920")
    assert exact(found, "mean_s_mva") - 0.444 == to_digits("0.1480")
    assert exact(found, "rps_at_most") == pytest.approx(300 / 0.444)
    assert found["knee_users"]["median"] == pytest.approx(300)


def test_case_8_machine_repairman(run: Run) -> None:
    """PDQ's example of M/M/1//N: N = 100, Z = 300 s, S = 0.63 s."""
    found = network(run, "--demand", "0.63", "--think", "300", "--users", "100")
    assert exact(found, "rps_mva") == to_digits("0.332453")
    assert exact(found, "mean_s_mva") == to_digits("0.794260")
    assert found["stations"][0]["utilisation"]["median"] == to_digits("0.209445")


@pytest.mark.parametrize(
    ("arguments", "throughput", "knee"),
    [
        # Nested pools: 8 threads, 0.05 s of application, 4 connections held with the thread, 0.1 s.
        (("--demand", "0.05", "--servers", "8", "--demand", "0.1", "--servers", "4"), 37.97325, 46),
        # A full backlog: 4 servers of 0.1 s; those refused go back to thinking.
        (("--demand", "0.1", "--servers", "4"), 37.573826, 44),
    ],
    ids=["case 20, nested pools", "case 22, full backlog"],
)
def test_what_has_no_product_form_is_within_its_bounds(
    arguments: tuple[str, ...], throughput: float, knee: float, run: Run
) -> None:
    """N = 50, Z = 1 s (Markov chains): X <= min(N / (R0 + Z), c / D), and N* = (R0 + Z) c / D."""
    found = network(run, *arguments, "--think", "1", "--users", "50")
    assert exact(found, "rps_at_least") < throughput < exact(found, "rps_at_most")
    assert exact(found, "rps_at_most") == pytest.approx(40)
    assert found["knee_users"]["median"] == pytest.approx(knee)


def test_two_classes_of_users(run: Run) -> None:
    """Commas make classes; each has figures of its own, and Little's law holds in all."""
    arguments = ("--demand", "app=0.2,0.9", "--demand", "db=0.5,0.1", "--servers", "2")
    found = network(run, *arguments, "--servers", "1", "--think", "1,2", "--users", "3,2")
    classes = found["user_classes"]
    assert [each["users"] for each in classes] == [3, 2]
    present = sum(
        each["rps"]["median"] * (each["mean_s"]["median"] + think)
        for each, think in zip(classes, (1, 2), strict=True)
    )
    assert present == pytest.approx(5)


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_wrong_arguments(arguments: tuple[str, ...], said: str, run: Run, folder: Path) -> None:
    """Exit code 2, one line that names value and remedy, nothing left behind."""
    before = set(folder.rglob("*"))
    result = run("bounds", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert set(folder.rglob("*")) == before


def test_a_model_has_intervals(run: Run) -> None:
    """Knee, capacity and rows have medians with intervals; what is unknown is left out."""
    found = strict(run(*TINY, "--format", "json").out)
    assert (found["kind"], found["systems"]) == ("model", 6)
    assert set(found["knee_users"]) == {"median", "lo", "hi"}
    assert sum(found["bottlenecks"].values()) == pytest.approx(1)
    assert found["rows"][0]["value"] == 1
    first = found["rows"][0]["metrics"]
    assert first["rps_at_least"]["median"] <= first["rps_at_most"]["median"]
    assert found["rows"][-1]["metrics"]["rps_mva"]["median"] is None  # the pool limits there
    assert "timeouts" in found["mva_leaves_out"]
    assert any("pool" in text for text in found["assumptions"])


def test_csv_has_a_row_per_number_of_users_and_metric(run: Run) -> None:
    """Medians with both ends of their intervals; an unknown value is an empty cell."""
    rows = list(csv.DictReader(io.StringIO(run(*TINY, "--users", "2..40", "-f", "csv").out)))
    assert {row["users"] for row in rows} >= {"2", "40"}
    assert {"rps_at_most", "rps_mva", "mean_s_at_least"} <= {row["metric"] for row in rows}
    unknown = [row for row in rows if row["users"] == "40" and row["metric"] == "rps_mva"]
    assert [row["median"] for row in unknown] == [""]


def test_remedies_and_settings_move_the_knee(run: Run) -> None:
    """--set and --what-if make another system, and measurements of today's are not its own."""
    today = strict(run(*TINY, "--format", "json").out)
    changed = strict(run(*TINY, "--format", "json", "--set", "machine.cores=8").out)
    assert changed["load_tests"] == []
    assert changed["knee_users"]["median"] >= today["knee_users"]["median"]
    wide = run(*TINY, "--what-if", "pool-500", "--no-plot")
    assert wide.code == 0
    assert "what-if" in wide.out


def test_load_tests_alone(run: Run, folder: Path) -> None:
    """Four loads give a curve, a knee and the fitted law; its peak beyond them is said to be so."""
    (folder / "loads.toml").write_text(LOADS, encoding="utf-8")
    result = run("bounds", "--data", "loads.toml", "--no-plot")
    assert result.code == 0
    assert "so this is an extrapolation" in " ".join(result.out.split())
    found = strict(run("bounds", "--data", "loads.toml", "-f", "json", "--no-plot").out)
    assert found["usl"]["extrapolated"]
    assert found["usl"]["users"] == [10, 25, 50, 100]
    demand_s = 0.18 / (1 + 79 * 0.18)
    assert found["load_tests"][3]["demand_s"] == pytest.approx(demand_s)
    assert found["knee_users"]["hi"] == pytest.approx((demand_s + 1) / demand_s)


def test_one_load_is_too_few_for_the_law(run: Run, folder: Path) -> None:
    """The reason is said in words, and JSON has no fit."""
    (folder / "loads.toml").write_text(LOADS, encoding="utf-8")
    arguments = ("bounds", "--data", "loads.toml", "--load-test", "u50", "--no-plot")
    assert "there is 1 (50 users)" in " ".join(run(*arguments).out.split())
    assert strict(run(*arguments, "-f", "json").out)["usl"] is None


def test_a_think_time_that_nobody_knows(run: Run) -> None:
    """Readings need none; a curve over users does, and says how to give it."""
    result = run("bounds", "--data", "tiny-data.toml")
    assert result.code == 0
    assert "No curve over users" in result.out


def test_pictures(run: Run, folder: Path) -> None:
    """A range has a picture under a name of its own; one number of users has one if asked for."""
    assert run(*TINY).code == 0
    assert (folder / "capsim-tiny-burst-bounds.png").stat().st_size > 10_000
    assert run("bounds", "--demand", "1", "--users", "3").code == 0
    assert len(list(folder.glob("*.png"))) == 1
    assert run("bounds", "--demand", "1", "--users", "3", "--plot", "x.svg").code == 0
    assert (folder / "x.svg").stat().st_size > 10_000


def test_a_stop_says_so(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with one line, and leaves nothing."""
    before = set(folder.rglob("*"))

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "envelope", stopped)
    result = run(*TINY)
    assert (result.code, result.err) == (130, "capsim: stopped\n")
    assert set(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        TINY,
        (*TINY, "--users", "14"),
        ("bounds", "--data", "loads.toml"),
        ("bounds", "--demand", "0.605", "--demand", "2.1", "--users", "1..300"),
    ],
)
def test_the_table_fits_a_narrow_terminal(
    arguments: tuple[str, ...], run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 80 columns nothing is cut off."""
    (folder / "loads.toml").write_text(LOADS, encoding="utf-8")
    monkeypatch.setattr("capsim.cli.output.plain_text", lambda it: plain_text(it, width=80))
    out = run(*arguments, "--no-plot").out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert "How far to trust it" in out


LOADS = """
name = "loads"
source = "made up for the tests"
tool = "exact"
""" + "\n".join(
    f"""
[load_tests.u{users}]
source = "made up"
users = {users}
duration_s = 300
think_s = 1.0
total = {{ rps = {rps}, mean_ms = {mean_ms} }}
"""
    for users, rps, mean_ms in ((10, 9.4, 55), (25, 23.1, 60), (50, 44, 80), (100, 79, 180))
)
