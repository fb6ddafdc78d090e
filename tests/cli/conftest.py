"""A tiny system in a folder of its own, and the command line run in this process."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from capsim.cli import main

TINY = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class Result:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the tiny model and its data, made the current one."""
    for name in ("tiny.toml", "tiny-data.toml"):
        shutil.copy(TINY / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(name="run")
def _run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command line in the folder of the tiny system."""
    assert folder.is_dir()

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        printed = capsys.readouterr()
        code = left.value.code
        return Result(code if isinstance(code, int) else 1, printed.out, printed.err)

    return run
