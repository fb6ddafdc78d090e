"""The command line of an audit: forms, exit codes, result files, bad input."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

import capsim
from capsim.cli import main
from capsim.errors import InputError

HERE = Path(__file__).parents[1] / "golden"
STATS = """Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,\
Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,\
90%,95%,98%,99%,99.9%,99.99%,100%
GET,/a/,3000,0,17,20.0,5.0,150.0,512.0,10.0,0.0,17,21,25,28,35,47,61,80,120,150,150
,Aggregated,3000,0,17,20.0,5.0,150.0,512.0,10.0,0.0,17,21,25,28,35,47,61,80,120,150,150
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command, and return its exit code and what it printed."""
    with pytest.raises(SystemExit) as left:
        main(["audit", *arguments])
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_output_is_as_recorded(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The audit of the shipped data equals the recorded one in every form."""
    code, out, _ = run(capsys, "p43/report", "p43/results", "--format", form)
    golden = HERE / f"audit-{form}.txt"
    if os.environ.get("CAPSIM_WRITE_GOLDEN"):
        golden.write_text(out, encoding="utf-8")
    assert (code, out) == (0, golden.read_text(encoding="utf-8"))


def test_the_table_is_80_wide(capsys: pytest.CaptureFixture[str]) -> None:
    """A finding is readable in a narrow window, and none takes more than eight lines."""
    _, out, _ = run(capsys, "p43/report", "p43/results")
    assert max(map(len, out.splitlines())) <= 80
    blocks = out.split("\n\n")
    assert max(len(block.splitlines()) for block in blocks[1:-1]) <= 8


def test_json_and_csv_have_every_finding(capsys: pytest.CaptureFixture[str]) -> None:
    """The forms for machines agree with each other."""
    _, text, _ = run(capsys, "p43/report", "--format", "json")
    _, table, _ = run(capsys, "p43/report", "--format", "csv")
    found = json.loads(text)
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["kind"] for row in rows] == [one["kind"] for one in found["findings"]]
    assert sum(found["counts"].values()) == len(rows)


def test_strict_fails_on_something_serious(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--strict exits with 1 for the report, and with 0 where nothing is serious."""
    assert run(capsys, "p43/report", "--strict")[0] == 1
    path = tmp_path / "fine.toml"
    path.write_text(
        'name = "fine"\nsource = "made"\ntool = "exact"\n[load_tests.a]\nsource = "made"\n'
        "users = 5\nduration_s = 60\ntotal = { requests = 150 }\n",
        encoding="utf-8",
    )
    code, out, _ = run(capsys, str(path), "--strict")
    assert code == 0
    assert "nothing found" in out
    assert "Not checked" in out


def test_result_files_are_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tool's own files are audited directly, with the think time told on the command line."""
    (tmp_path / "run_stats.csv").write_text(STATS, encoding="utf-8")
    code, out, _ = run(capsys, str(tmp_path), "--users", "50", "--think", "1..3")
    assert code == 0
    assert "too_few_requests" in out
    assert run(capsys, str(tmp_path), "--users", "50", "--think", "4.98")[1].count("SERIOUS") == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.toml",), "nowhere.toml"),
        (("p43/nothing",), "p43/nothing"),
        (("p43/report", "--think", "2"), "for result files"),
        (("p43/report", "--format", "xml"), "--format"),
        ((), "files"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistake ends as one line that names it, with exit code 2."""
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert words.lower() in err.lower()


def test_notes_of_the_importer_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was noted as result files were read stands below the findings, and in JSON."""
    without_sum = "".join(STATS.splitlines(keepends=True)[:-1])
    for name, mean in (("one", "20.0"), ("two", "21.0")):
        text = without_sum.replace("20.0", mean)
        (tmp_path / f"{name}_stats.csv").write_text(text, encoding="utf-8")
    code, out, _ = run(capsys, str(tmp_path), "--users", "50", "--duration", "300")
    notes = out.partition("Notes")[2].partition("Not checked")[0]
    assert code == 0
    assert notes.count("Aggregated") == 1
    assert "one, two: " in notes
    args = (str(tmp_path), "--users", "50", "--duration", "300", "--format", "json")
    found = json.loads(run(capsys, *args)[1])
    assert {one["load_test"] for one in found["notes"]} == {"files/one", "files/two"}
    assert "Notes" not in run(capsys, "p43/report")[1]


def test_the_same_dataset_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A dataset beside itself agrees with itself, which would look like a check that passed."""
    code, out, err = run(capsys, "p43/report", "p43/results", "p43/report")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "p43/report: is named twice" in err
    with pytest.raises(InputError, match="named twice"):
        capsim.audit("p43/report", "p43/report")


def test_out_writes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--out writes the findings to a file and prints none of them."""
    path = tmp_path / "audit.json"
    code, out, _ = run(capsys, "p43/report", "--format", "json", "--out", str(path))
    assert (code, out) == (0, "")
    assert json.loads(path.read_text(encoding="utf-8"))["findings"]
