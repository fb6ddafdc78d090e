"""`capsim simulate --export`: Locust's three files beside the report, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Run = Callable[..., Any]
TINY = ("simulate", "--model", "tiny.toml")


def test_three_files_beside_the_report(run: Run, folder: Path) -> None:
    """The report is the same as without an export, and the files hold the same requests."""
    plain = run(*TINY)
    result = run(*TINY, "--export", "run")
    assert (result.code, result.out) == (0, plain.out)
    assert "wrote run_stats.csv, run_stats_history.csv, run_failures.csv" in result.err
    total = pd.read_csv(folder / "run_stats.csv").iloc[-1]
    assert total["Name"] == "Aggregated"
    assert f"{total['Request Count']} requests" in plain.out


def test_full_history_is_an_option_of_the_export(run: Run, folder: Path) -> None:
    """With it, request classes have rows in the history; without an export it means nothing."""
    assert run(*TINY, "--export", "run", "--full-history").code == 0
    history = pd.read_csv(folder / "run_stats_history.csv")
    assert set(history["Name"]) == {"page", "Aggregated"}
    result = run(*TINY, "--full-history")
    assert (result.code, result.out) == (2, "")
    assert "give --export PREFIX" in result.err


@pytest.mark.parametrize("prefix", ["", "nowhere/run", "."])
def test_wrong_prefixes(prefix: str, run: Run, folder: Path) -> None:
    """A prefix that names no file is refused before any work, and nothing is written."""
    before = set(folder.rglob("*"))
    result = run(*TINY, "--export", prefix)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert set(folder.rglob("*")) == before
