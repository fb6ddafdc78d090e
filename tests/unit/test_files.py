"""Output files: whole or not at all, and several of them together or none."""

import os
import stat
import sys
from pathlib import Path

import pytest

from capsim.errors import InputError
from capsim.files import check_writable, write_all_whole, write_whole


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


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("missing/x", "folder .*missing does not exist; create it first"),
        ("file/x", r"cannot be written \(Not a directory\)"),
        ("r" * 255, r"cannot be written \(File name too long\)"),
        ("r" * 300, r"cannot be written \(File name too long\)"),
        (".", "is a folder"),
    ],
)
def test_where_nothing_can_be_written(place: str, rule: str, tmp_path: Path) -> None:
    """It is said before the work as after it, of the file that the user named."""
    (tmp_path / "file").touch()
    for attempt in (check_writable, lambda path: write_whole(path, "content")):
        with pytest.raises(InputError, match=f"{place}: {rule}"):
            attempt(tmp_path / place)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_device_is_written_to() -> None:
    """It stays what it is, and its folder need not be writable."""
    check_writable(Path(os.devnull))
    write_whole(Path(os.devnull), "content")
    assert not Path(os.devnull).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_permissions_are_what_the_user_asked_for(tmp_path: Path) -> None:
    """A file is as open to others as any that the user makes."""
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a.txt", "content")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no such place")
def test_what_a_process_has_open_is_written_to(tmp_path: Path) -> None:
    """/dev/stdout may lead to a file: nothing is put in its place, and what is there stays."""
    redirected = tmp_path / "redirected.txt"
    with redirected.open("w", encoding="utf-8") as file:
        file.write("before, ")
        file.flush()
        stream = Path(f"/dev/fd/{file.fileno()}")
        link = tmp_path / "link"
        link.symlink_to(stream)
        check_writable(stream)
        write_whole(stream, "content")
        write_whole(link, ", more")
        assert stream.is_symlink()
    assert redirected.read_text(encoding="utf-8") == "before, content, more"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "redirected.txt"]


def test_links_lead_to_the_file(tmp_path: Path) -> None:
    """A link stays one, wherever it leads, and what it leads to is written."""
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target.txt", tmp_path / "link.txt"
    link.symlink_to("folder/second.txt")
    (tmp_path / "folder" / "second.txt").symlink_to(target)
    for content in ("new", "once more"):
        write_all_whole({link: content})
        assert target.read_text(encoding="utf-8") == content
    assert link.is_symlink()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(InputError, match=r"loop: cannot be written \(Too many levels"):
        check_writable(loop)


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    """What is written over an older file is not open to more people than that was."""
    path = tmp_path / "a.txt"
    path.write_text("before", encoding="utf-8")
    path.chmod(0o640)
    write_whole(path, "after")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_is_not_to_be_written_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder would allow it to be replaced, but that is not what its owner asked for."""
    path = tmp_path / "a.txt"
    path.write_text("before", encoding="utf-8")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write to any
    with pytest.raises(InputError, match=r"a\.txt: cannot be written \(Permission denied\)"):
        check_writable(path)
    assert path.read_text(encoding="utf-8") == "before"
