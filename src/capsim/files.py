"""Write output files whole or not at all."""

import os
import tempfile
from pathlib import Path

from capsim.errors import InputError


def check_writable(path: Path) -> None:
    """Make sure, before any long work, that a file can be written.

    Raises:
        InputError: its folder is missing or not writable, or it is a folder itself.
    """
    folder = path.parent
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")
    if not folder.is_dir():
        raise InputError(f"{path}: folder {folder} does not exist; create it first")
    try:
        # Asking for permission is not enough: file systems refuse for reasons of their own.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another place"
        ) from None


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name first, so that nobody ever sees half of it.

    Raises:
        InputError: the place cannot be written to.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.exists() and not path.is_file() and not path.is_dir():  # a device, or a pipe
        path.write_bytes(data)
        return
    check_writable(path)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)
