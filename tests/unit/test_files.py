"""Output files: whole or not at all, and several of them together or none."""

from pathlib import Path

import pytest

from capsim.errors import InputError
from capsim.files import write_all_whole


def test_all_are_written(tmp_path: Path) -> None:
    """Several files are written, over older ones too, and nothing else is left."""
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("before", encoding="utf-8")
    write_all_whole({first: "after", second: b"new"})
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "a.txt": "after",
        "b.txt": "new",
    }


def test_where_one_cannot_be_written_none_is(tmp_path: Path) -> None:
    """A folder in the place of the last file leaves the first ones as they were."""
    old, new, folder = tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "c.txt"
    old.write_text("before", encoding="utf-8")
    folder.mkdir()
    with pytest.raises(InputError, match=r"c\.txt: is a folder"):
        write_all_whole({old: "after", new: "new", folder: "no"})
    assert old.read_text(encoding="utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "c.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_was_put_in_place_is_taken_back(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure, or Ctrl-C, between two of the files undoes the first one."""
    old, new = tmp_path / "a.txt", tmp_path / "b.txt"
    old.write_text("before", encoding="utf-8")
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target == new:
            raise error
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises((InputError, KeyboardInterrupt)):
        write_all_whole({old: "after", new: "new"})
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "a.txt": "before"
    }
