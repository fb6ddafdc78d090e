"""Finished jobs on disk: readable at any time, and nobody's but one's own."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from capsim.errors import InputError
from capsim.journal import Cell, Journal

ABOUT: dict[str, Cell] = {"scenario": "burst", "users": 7, "p95_s": float("nan"), "is_whole": True}
RESULT = {"metrics": {"p95_s": 0.1 + 0.2, "rps": float("nan")}, "thin": []}


def put(journal: Journal, *names: str, kind: str = "simulations") -> None:
    """Keep some jobs."""
    for name in names:
        journal.put(name, {**RESULT, "job": name}, kind=kind, about=ABOUT)


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    """Down to the last bit, and what is undefined stays undefined."""
    put(Journal(tmp_path / "runs", "key"), "one")
    found = Journal(tmp_path / "runs", "key").get("one")
    assert repr(found) == repr({**RESULT, "job": "one"})


def test_each_job_is_a_row_group_for_pandas(tmp_path: Path) -> None:
    """A person reads all finished jobs as one table, before the work is done."""
    journal = Journal(tmp_path / "runs", "key")
    put(journal, "one", "two")
    put(journal, "three", kind="searches")
    frame = pd.read_parquet(tmp_path / "runs" / "simulations")
    assert sorted(frame["name"]) == ["one", "two"]
    assert list(frame.columns) == ["key", "name", *ABOUT, "digest", "outcome"]
    assert frame["users"].tolist() == [7, 7]
    assert frame["is_whole"].tolist() == [True, True]
    assert frame["p95_s"].isna().all()
    assert len(pd.read_parquet(tmp_path / "runs")) == 3
    for part in tmp_path.glob("runs/*/*"):
        assert parquet.ParquetFile(part).metadata.num_row_groups == 1


@pytest.mark.parametrize("value", ["", "Zürich", True, False, 0, -(2**62), 1e-300, np.inf])
def test_columns_hold_what_they_were_given(value: Cell, tmp_path: Path) -> None:
    """Values come back from the columns for people with their type, too."""
    journal = Journal(tmp_path / "runs", "key")
    journal.put("one", RESULT, kind="simulations", about={"column": value})
    (found,) = parquet.read_table(tmp_path / "runs" / "simulations")["column"].to_pylist()
    assert (found, type(found)) == (value, type(value))


def test_no_folder_before_the_first_job(tmp_path: Path) -> None:
    """A command that is refused, or does nothing, leaves nothing."""
    journal = Journal(tmp_path / "runs", "key")
    assert journal.get("one") is None
    journal.forget()
    assert not list(tmp_path.iterdir())


def test_another_jobs_file_is_no_job(tmp_path: Path) -> None:
    """One that was copied over another, or written by somebody else, is done again."""
    runs = tmp_path / "runs"
    put(Journal(runs, "key"), "one", "two", "three", "four")
    folder = runs / "simulations"
    shutil.copy(folder / "key-one.parquet", folder / "key-two.parquet")
    table = pd.read_parquet(folder / "key-three.parquet")
    table.assign(outcome="{}").to_parquet(folder / "key-three.parquet")
    table.drop(columns="outcome").to_parquet(folder / "key-four.parquet")
    journal = Journal(runs, "key")
    assert journal.get("one")["job"] == "one"
    assert [journal.get(name) for name in ("two", "three", "four")] == [None] * 3


def test_damaged_files_are_no_jobs(tmp_path: Path) -> None:
    """Whichever byte a failing disk flips: the job is found as it was, or done again."""
    runs = tmp_path / "runs"
    put(Journal(runs, "key"), "one")
    part = runs / "simulations" / "key-one.parquet"
    whole, kept = part.read_bytes(), Journal(runs, "key").get("one")
    luck = np.random.default_rng(1)
    lost = 0
    for place in luck.integers(0, len(whole), 200).tolist():
        part.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        found = Journal(runs, "key").get("one")
        lost += found is None
        assert found is None or set(found) == set(kept)
    assert lost > 20


def test_half_written_files_are_no_jobs(tmp_path: Path) -> None:
    """What a kill leaves of a write is seen by nobody, and what a failing disk leaves is redone."""
    runs = tmp_path / "runs"
    put(Journal(runs, "key"), "one", "two")
    whole = (runs / "simulations" / "key-one.parquet").read_bytes()
    (runs / "simulations" / ".key-three.parquet.x1").write_bytes(whole[:100])
    assert len(pd.read_parquet(runs)) == 2
    (runs / "simulations" / "key-one.parquet").write_bytes(whole[:100])
    journal = Journal(runs, "key")
    assert journal.get("one") is None
    assert journal.get("two") is not None
    assert len(pd.read_parquet(runs)) == 1
    journal.forget()
    assert not runs.exists()


def test_two_commands_at_once(tmp_path: Path) -> None:
    """Each keeps its own jobs, and the first to end takes nothing that only the other has."""
    one, other = Journal(tmp_path / "runs", "key"), Journal(tmp_path / "runs", "key")
    put(one, "mine", "shared")
    put(other, "theirs", "shared")
    one.forget()
    put(other, "later")
    assert Journal(tmp_path / "runs", "key").get("mine") is None
    assert Journal(tmp_path / "runs", "key").get("theirs") is not None
    assert other.get("shared") is not None
    other.forget()
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_goes_is_made_again(tmp_path: Path) -> None:
    """A command that ends and removes the folder does not stop another one's next job."""
    one, other = Journal(tmp_path / "runs", "key"), Journal(tmp_path / "runs", "key")
    put(one, "mine")
    one.forget()
    put(other, "theirs")
    assert Journal(tmp_path / "runs", "key").found == 1


def test_work_of_another_key_is_not_ones_own(tmp_path: Path) -> None:
    """Another version's results are not used; a finished command's hidden folder goes whole."""
    put(Journal(tmp_path / "runs", "old"), "one")
    journal = Journal(tmp_path / "runs", "new")
    assert (journal.found, journal.get("one")) == (0, None)
    put(journal, "one")
    journal.forget()
    assert not (tmp_path / "runs").exists()


def test_anew_uses_nothing_and_loses_nothing(tmp_path: Path) -> None:
    """Asked to begin anew, a journal finds no job, and takes none from the disk before its own."""
    put(Journal(tmp_path / "runs", "key"), "one", "two")
    journal = Journal(tmp_path / "runs", "key", anew=True)
    assert (journal.found, journal.get("one")) == (0, None)
    put(journal, "one")
    assert journal.get("one") is not None
    assert Journal(tmp_path / "runs", "key").found == 2


def test_a_folder_of_the_users_stays(tmp_path: Path) -> None:
    """Finished work leaves a named folder as it is, with what others keep in it."""
    put(Journal(tmp_path / "runs", "old"), "one")
    journal = Journal(tmp_path / "runs", "key", stays=True)
    put(journal, "one")
    journal.forget()
    assert len(pd.read_parquet(tmp_path / "runs")) == 2


@pytest.mark.parametrize(
    ("place", "words"), [("file", "is a file; name a folder"), ("no/runs", "create it first")]
)
def test_places_that_cannot_be(place: str, words: str, tmp_path: Path) -> None:
    """A folder that cannot be used is refused before any work."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=words):
        Journal(tmp_path / place, "key")
