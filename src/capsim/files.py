"""Write output files whole or not at all."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from capsim.errors import InputError

_MOST_LINKS = 40  # that lead to each other, as Linux has it


def check_writable(path: Path) -> None:
    """Make sure, before any long work, that a file can be written.

    Raises:
        InputError: its folder is missing or not writable, or it is a folder itself.
    """
    place = _place(path)
    if place is None:
        return
    # Asking for permission is not enough: file systems refuse for reasons of their own.
    with _temporary(place, b"") as temporary:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name first, so that nobody ever sees half of it.

    Raises:
        InputError: the place cannot be written to.
    """
    place, data = _place(path), _encoded(content)
    if place is None:
        with _complaining(path), path.open("ab") as stream:
            stream.write(data)
        return
    with _temporary(place, data) as temporary, _complaining(place):
        temporary.replace(place)


def write_all_whole(contents: Mapping[Path, str | bytes]) -> None:
    """Write several files, each whole, and all of them or none.

    Where one cannot be put in its place, those that were are what they were before.

    Raises:
        InputError: one of the places cannot be written to.
    """
    data = {_place(path) or path: _encoded(content) for path, content in contents.items()}
    with ExitStack() as written, ExitStack() as undo:
        temporaries = {
            place: written.enter_context(_temporary(place, each)) for place, each in data.items()
        }
        for place, temporary in temporaries.items():
            with _complaining(place):
                undo.callback(_put_back, place, place.read_bytes() if place.exists() else None)
                temporary.replace(place)
        undo.pop_all()


def _put_back(path: Path, before: bytes | None) -> None:
    if before is None:
        path.unlink(missing_ok=True)
    else:
        write_whole(path, before)


def _encoded(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def _place(path: Path) -> Path | None:
    """Return the file that a path leads to, through links; none: it leads to no file.

    A device, a pipe and what a process has open (as /dev/stdout, which may be any file) are written
    to as they are: nothing may take their place.
    """
    with _complaining(path):
        for _ in range(_MOST_LINKS):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                return path
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                return path
            if not stat.S_ISLNK(mode) or _is_of_the_system(path.parent):
                return None
            path = path.parent / path.readlink()
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _is_of_the_system(folder: Path) -> bool:
    real = os.path.realpath(folder)
    return real == "/dev" or real.startswith("/proc/")


@contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """Provide a file with a content beside its later place; if that fails, it goes."""
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    with _complaining(path):
        permissions = _permissions(path)
        file = temporary.open("xb")
    try:
        with _complaining(path), file:
            file.write(data)
            if permissions is not None:
                temporary.chmod(permissions)
        yield temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _permissions(path: Path) -> int | None:
    """Return who may do what with a file; none: it is not there yet."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(mode)


@contextmanager
def _complaining(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader has seen enough
        raise
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; name a file in it") from None
    except FileNotFoundError:
        raise InputError(f"{path}: folder {path.parent} does not exist; create it first") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another place"
        ) from None
