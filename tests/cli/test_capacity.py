"""`capsim capacity`: what it prints, what it refuses, and that a stop loses nothing."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from capsim.cli.output import plain_text
from capsim.experiments import capacity as experiment

Run = Callable[..., Any]
TINY = ("capacity", "--model", "tiny.toml", "--jobs", "1")
SHORT = (*TINY, "--draws", "2", "--no-plot")

WRONG = {
    "no unit": (("--target", "p95 < 1"), "write p95 < 1s"),
    "no operator": (("--target", "p95 1s"), "no operator"),
    "no metric": (("--target", "latency < 1s"), "no metric"),
    "confidence of one": (("--confidence", "1"), "--confidence 1"),
    "confidence in percent": (("--confidence", "90"), "--confidence 90"),
    "confidence not a number": (("--confidence", "nan"), "--confidence nan"),
    "levels as words": (("--at", "5,many"), "'many' is no number"),
    "a level of zero": (("--at", "0,5"), "--at 0,5"),
    "half a user": (("--at", "2.5"), "write 2, or add --rate"),
    "endless": (("--at", "inf"), "--at inf"),
    "too high a rate": (("--rate", "--at", "1000000", "--draws", "2"), "400000 at most"),
    "a negative highest level": (("--most", "-5"), "--most -5"),
    "unknown scenario": (("--scenario", "nope"), "nope"),
    "unknown remedy": (("--what-if", "nope"), "nope"),
    "two models": (("--hypothesis", "slow-queries"), "leave out --model tiny.toml"),
    "no folder for a picture": (("--plot", "nowhere/x.png"), "nowhere"),
}


def strict(text: str) -> Any:
    """Read JSON that may hold neither NaN nor Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_wrong_arguments(arguments: tuple[str, ...], said: str, run: Run, folder: Path) -> None:
    """Exit code 2, one line that names value and remedy, nothing left behind."""
    before = set(folder.rglob("*"))
    result = run(*TINY, *arguments)
    assert result.code == 2
    assert result.out == ""
    assert said in result.err
    assert result.err.count("\n") == 1
    assert set(folder.rglob("*")) == before


def test_a_scenario_without_users_needs_a_rate(run: Run, folder: Path) -> None:
    """Open arrivals have no number of users: the line says what to ask for, and that works."""
    text = (folder / "tiny.toml").read_text(encoding="utf-8")
    text += "\n[scenarios.open]\nduration_s = 5\n[scenarios.open.arrivals.calls]\n"
    text += "stages = [{ duration_s = 5, rate = 10 }]\ntasks = { page = 1 }\n"
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    result = run(*SHORT, "--scenario", "open")
    assert result.code == 2
    assert "--rate" in result.err
    found = strict(run(*SHORT, "--scenario", "open", "--rate", "--format", "json").out)
    assert found["parameter"] == "rate"
    assert found["capacity"]["median"] > 1


def test_json_has_what_was_asked(run: Run) -> None:
    """Target, capacity, what limits, levels asked for, monotone or not, after a burst."""
    result = run(*SHORT, "--target", "p95 < 200ms and failed < 1%", "--at", "20,3", "-f", "json")
    found = strict(result.out)
    assert result.code == 0
    assert found["target"] == "p95 < 200 ms and failed < 1 %"
    assert found["bounds"][0] == {"metric": "p95_s", "operator": "<", "value": 0.2}
    assert found["confidence"] == 0.9
    assert set(found["capacity"]) == {"median", "lo", "hi"}
    assert found["at_confidence"] == found["confirmed"]["level"] == found["capacity"]["lo"]
    assert found["sampling_error"]["lo"] is None  # two draws cannot tell
    assert [level["level"] for level in found["levels"]] == [3, 20]
    assert all(0 <= level["share_met"] <= 1 for level in found["levels"])
    assert sum(found["limiting"].values()) == pytest.approx(1)
    assert sum(found["next"].values()) == pytest.approx(1)
    assert sum(found["hysteresis"].values()) == 2
    assert isinstance(found["monotone"], bool)
    assert any("--draws 10 or more" in text for text in found["warnings"])


def test_csv_has_the_answer_the_levels_and_the_draws(run: Run) -> None:
    """The answer first, then what was asked with --at, then how every draw's search ended."""
    text = run(*SHORT, "--at", "3,20", "--format", "csv").out
    found = strict(run(*SHORT, "--at", "3,20", "--format", "json").out)
    rows = list(csv.DictReader(io.StringIO(text)))
    answer, median = (row for row in rows if row["part"] == "answer")
    assert (answer["metric"], median["metric"]) == ("capacity_at_confidence", "capacity")
    assert float(answer["median"]) == found["at_confidence"]
    assert {name: float(median[name]) for name in ("median", "lo", "hi")} == found["capacity"]
    assert set(answer["limiting"].split("|")) <= set(found["limiting"])
    met = [row for row in rows if (row["part"], row["metric"]) == ("level", "share_met")]
    assert [float(row["level"]) for row in met] == [3, 20]
    assert [float(row["median"]) for row in met] == [x["share_met"] for x in found["levels"]]
    draws = [row for row in rows if row["part"] == "draw"]
    assert [row["draw"] for row in draws] == ["0", "1"]
    assert {row["ending"] for row in draws} == {"found"}
    assert all(float(row["median"]) < float(row["lowest_missed"]) for row in draws)
    assert {(row["unit"], row["target"]) for row in rows} == {("users", "p95 <= 200 ms")}


def test_censored_capacities_are_no_numbers(run: Run) -> None:
    """Met everywhere, and nowhere: null in JSON, words in the table."""
    always = (*SHORT, "--target", "p95 < 4.9s", "--most", "20")
    found = strict(run(*always, "--format", "json").out)
    assert (found["at_confidence"], found["capacity"]["median"]) == (None, None)
    assert found["censored"] == {"more": 2, "less": 0, "never": 0, "highest": 20, "lowest": 1}
    assert "at every load tried, up to 20 users" in run(*always).out
    never = (*SHORT, "--target", "p95 < 1ms")
    assert "not even with 1 user" in run(*never).out
    assert strict(run(*never, "--format", "json").out)["at_confidence"] == 0
    assert "at no load tried" in run(*SHORT, "--target", "rps > 9999").out


def test_a_throughput_is_reached_from_below(run: Run) -> None:
    """Few users do not bring it, which is no collapse."""
    found = strict(run(*SHORT, "-t", "rps > 15 and p95 < 300ms", "-f", "json").out)
    assert found["at_confidence"] > 1
    assert found["monotone"]


def test_a_remedy_moves_the_capacity(run: Run) -> None:
    """--what-if and --set make another system, and the heading says so."""
    arguments = (*SHORT, "--target", "p95 < 200ms", "--format", "json")
    today = strict(run(*arguments).out)
    changed = strict(run(*arguments, "--set", "machine.cores=8", "--set", "pool-size=8").out)
    assert changed["capacity"]["median"] > today["capacity"]["median"]
    result = run(*SHORT, "--what-if", "twice-the-workers")
    assert result.code == 0
    assert "what-if" in result.out


def test_the_picture_is_written(run: Run, folder: Path) -> None:
    """Beside the table, under a name of its own."""
    assert run(*TINY, "--draws", "2", "--at", "5").code == 0
    assert (folder / "capsim-tiny-burst-capacity.png").stat().st_size > 10_000


def test_a_stop_loses_nothing(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C keeps the draws that are done; the same command does only the others."""
    arguments = (*TINY, "--draws", "4", "--no-plot", "--format", "json")
    whole = run(*arguments).out
    search, searched = experiment.search_draw, []

    def stopped(task: Any) -> Any:
        if len(searched) == 2:
            raise KeyboardInterrupt
        searched.append(task.replication)
        return search(task)

    monkeypatch.setattr(experiment, "search_draw", stopped)
    result = run(*arguments)
    assert result.code == 130
    assert "keeps what is done" in result.err
    (runs,) = folder.glob(".capsim-capacity-*.runs")
    assert len(pd.read_parquet(runs)) == 2

    def counted(task: Any) -> Any:
        searched.append(task.replication)
        return search(task)

    monkeypatch.setattr(experiment, "search_draw", counted)
    assert run(*arguments).out == whole
    assert searched == [0, 1, 2, 3]
    assert not runs.exists()


@pytest.mark.slow
def test_processes_change_nothing(run: Run) -> None:
    """The same bytes on two processes as on one."""
    arguments = ("capacity", "--model", "tiny.toml", "--draws", "2", "--no-plot", "-f", "json")
    assert run(*arguments, "--jobs", "2").out == run(*arguments, "--jobs", "1").out


def test_the_table_fits_a_narrow_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns nothing is cut off."""
    monkeypatch.setattr("capsim.cli.output.plain_text", lambda it: plain_text(it, width=80))
    target = "p95 < 200ms and failed < 1% and goodput > 1"
    out = run(*SHORT, "--target", target, "--at", "3,20").out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    for words in ("with 90 % confidence", "sampling error", "What limits", "Other loads"):
        assert words in out


def test_claims_of_an_unknown_report_are_refused(run: Run) -> None:
    """Without a report there are no claims to answer, and it is said before any work."""
    result = run("capacity", "--model", "tiny.toml", "--claims")
    assert result.code == 2
    assert "--claims: no report is known of tiny" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "p95 < 5s"), "the load test lasts 5 s, so nobody can wait that long in it"),
        (("--at", "71"), "71 users: only 70 come in the 5 s of scenarios.burst at 14 a second"),
        (("--most", "5000"), "5000 users: only 70 come"),
        (("--claims", "--rate"), "--claims: a report's claims are about its own load test"),
    ],
)
def test_what_a_load_test_cannot_show_is_refused(
    arguments: tuple[str, ...], message: str, run: Run
) -> None:
    """Users that never come and waits longer than the test are refused before any work."""
    result = run("capacity", "--model", "tiny.toml", *arguments)
    assert result.code == 2
    assert message in result.err
