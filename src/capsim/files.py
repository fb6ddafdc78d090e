"""Write output files whole or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from capsim.errors import InputError


def check_writable(path: Path) -> None:
    """Make sure, before any long work, that a file can be written.

    Raises:
        InputError: its folder is missing or not writable, or it is a folder itself.
    """
    if _is_device(path):
        return
    with _complaining(path):
        if os.path.isdir(path):  # noqa: PTH112 (see below)
            raise IsADirectoryError
    # Asking for permission is not enough: file systems refuse for reasons of their own.
    with _temporary(path, b"") as temporary:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name first, so that nobody ever sees half of it.

    Raises:
        InputError: the place cannot be written to.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if _is_device(path):
        path.write_bytes(data)
        return
    with _temporary(path, data) as temporary, _complaining(path):
        temporary.replace(path)


def write_all_whole(contents: Mapping[Path, str | bytes]) -> None:
    """Write several files, each whole, and all of them or none.

    Where one cannot be put in its place, those that were are what they were before.

    Raises:
        InputError: one of the places cannot be written to.
    """
    with ExitStack() as written, ExitStack() as undo:
        temporaries = {
            path: written.enter_context(
                _temporary(path, text.encode("utf-8") if isinstance(text, str) else text)
            )
            for path, text in contents.items()
        }
        for path, temporary in temporaries.items():
            with _complaining(path):
                undo.callback(_put_back, path, path.read_bytes() if path.exists() else None)
                temporary.replace(path)
        undo.pop_all()


def _put_back(path: Path, before: bytes | None) -> None:
    if before is None:
        path.unlink(missing_ok=True)
    else:
        write_whole(path, before)


def _is_device(path: Path) -> bool:
    """Return whether a path is a device or a pipe: what is written there is gone at once."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """Provide a file with a content beside its later place; if that fails, it goes."""
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    with _complaining(path):
        file = temporary.open("xb")
    try:
        with _complaining(path), file:
            file.write(data)
        yield temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _complaining(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if os.path.isdir(path):  # noqa: PTH112 (a Path's own raises where it may not look)
            raise InputError(f"{path}: is a folder; name a file in it") from None
        folder = path.parent
        if isinstance(error, FileNotFoundError):
            raise InputError(f"{path}: folder {folder} does not exist; create it first") from None
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another place"
        ) from None
