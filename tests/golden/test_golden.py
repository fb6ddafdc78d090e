"""What the commands print for a tiny system, word by word.

After a change that is meant: CAPSIM_WRITE_GOLDEN=1 pytest tests/golden, then read the difference.
"""

import json
import os
import shutil
from pathlib import Path

import pytest

from capsim.cli import main

HERE = Path(__file__).parent
COMMANDS = {
    "predict": "predict --users 14 --draws 8",
    "predict-prior": "predict --users 14 --draws 4 --prior",
    "predict-range": "predict --users 2..20 --draws 5 --no-plot",
    "predict-what-if": "predict --users 14 --draws 4 --set pool-size=4",
    "capacity": "capacity --draws 6 --at 3,14 --no-plot",
    "sweep-pool": "sweep pool-size --values 1,2,4,500 --users 14 --draws 6 --no-plot",
    "sweep-threads": "sweep server.threads --from 1 --to 9 --steps 3 --draws 4 --no-plot",
    "sweep-grid": "sweep pool-size=1,2,4 query-time=log:0.001..0.02/3 --draws 3 --no-plot",
    "sweep-what-if": "sweep what-if --values today,pool-500+twice-the-workers --draws 3 --no-plot",
    "whatif": "whatif celery pool-500+shorter-queries debug-off --users 14 --draws 4 --no-plot",
    "predict-precision": "predict --users 14 --draws 120 --precision 25% --precision-of mean",
    "simulate": "simulate --timeline",
    "simulate-runs": "simulate --replications 3",
    "simulate-precision": "simulate --precision 2% --replications 15",
    "bounds": "bounds --draws 6 --no-plot",
    "bounds-users": "bounds --draws 6 --users 14",
    "bounds-data": "bounds --data levels-data.toml --no-plot",
    "bounds-network": "bounds --demand app=0.605 --demand db=2.1 --demand d=1.35 --think 15 -u 3",
}
NO_MODEL = {"bounds-data", "bounds-network"}
NO_JOBS = {"simulate", "bounds", "bounds-users", *NO_MODEL}
# The design alone, without rounds: rounds draw from fitted covariances, whose last digits differ
# from processor to processor.
CALIBRATE = "calibrate --design 128 --rounds 0"
ALL = [*COMMANDS, "calibrate"]


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the tiny system to a folder of its own and calibrate it there."""
    folder = tmp_path_factory.mktemp("golden")
    for name in ("tiny.toml", "tiny-data.toml", "levels-data.toml"):
        shutil.copy(HERE / name, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with pytest.raises(SystemExit) as left:
            main(arguments("calibrate", CALIBRATE, "csv"))
    assert left.value.code == 0
    return folder


def arguments(name: str, command: str, form: str) -> list[str]:
    """Return the arguments of a command on the tiny system, in this process."""
    model = [] if name in NO_MODEL else ["--model", "tiny.toml"]
    jobs = [] if name in NO_JOBS else ["--jobs", "1"]
    return [*command.split(), *model, *jobs, "--format", form]


def settled(text: str, form: str) -> str:
    """Return output without what differs from day to day and from processor to processor."""
    if form == "table":
        return text
    if form == "json":
        return json.dumps(rounded(json.loads(text)), indent=1, ensure_ascii=False) + "\n"
    rows = [[rounded_cell(cell) for cell in line.split(",")] for line in text.splitlines()]
    return "\n".join(",".join(row) for row in rows) + "\n"


def rounded(node: object) -> object:
    """Return JSON with four digits of every number, and without the day."""
    if isinstance(node, dict):
        return {key: "a day" if key == "date" else rounded(value) for key, value in node.items()}
    if isinstance(node, list):
        return [rounded(value) for value in node]
    return float(f"{node:.4g}") if isinstance(node, float) else node


def rounded_cell(cell: str) -> str:
    """Return a cell of CSV with four digits, where it is a number."""
    try:
        return f"{float(cell):.4g}"
    except ValueError:
        return cell


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("name", ALL)
def test_output_is_as_recorded(
    name: str,
    form: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Tables, JSON and CSV of every command equal the recorded ones."""
    monkeypatch.chdir(folder)
    options = arguments(name, COMMANDS.get(name, f"{CALIBRATE} --out again.json"), form)
    with pytest.raises(SystemExit) as left:
        main(options)
    found = settled(capsys.readouterr().out, form)
    assert left.value.code == 0
    golden = HERE / f"{name}-{form}.txt"
    if os.environ.get("CAPSIM_WRITE_GOLDEN"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALL)
def test_tables_are_at_most_100_wide(name: str) -> None:
    """A recorded table fits into the width that is used for files and pipes."""
    text = (HERE / f"{name}-table.txt").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 100
