"""Where compiled code is kept, so that only the first run on a machine has to wait for it.

Its file is named by a digest of all that it depends on, down to every source file, so what is
found is never of an older state. A file that is damaged, or half written, counts as none.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from capsim.engine import trace
from capsim.errors import InputError
from capsim.files import write_whole
from capsim.plan import ops

_HERE = Path(__file__).parent
_PREFIX, _DIGEST_SIZE = "capsim-loop-", 16


def sources_digest(folder: Path = _HERE) -> str:
    """Return a digest of everything that the compiled code is made of."""
    sources = [*sorted(folder.glob("*.py")), Path(ops.__file__), Path(trace.__file__)]
    parts = [part for path in sources for part in (path.name.encode(), path.read_bytes())]
    return _digest(b"\0".join(parts)).hex()


def path_of_code(machine: str) -> Path | None:
    """Return the file for code from the present sources; none: there is no place to keep it.

    Args:
        machine: what the code is for.
    """
    facts = (version("numba"), version("llvmlite"), machine)
    name = f"{_PREFIX}{sources_digest()}-{_digest(repr(facts).encode()).hex()}"
    return next((place / name for place in _places() if _is_ours(place)), None)


def read(path: Path | None) -> bytes | None:
    """Return code that was kept; none: there is none that is whole."""
    if path is None:
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    code = content[_DIGEST_SIZE:]
    return code if content[:_DIGEST_SIZE] == _digest(code) else None


def write(path: Path | None, code: bytes) -> None:
    """Keep code, whole or not at all; where that fails, the next run compiles once more."""
    if path is None or read(path) == code:
        return
    with suppress(InputError, OSError):
        write_whole(path, _digest(code) + code)
        if path.parent == _beside():
            _remove_older(path)


def _remove_older(path: Path) -> None:
    """Remove what other sources were compiled to, for whatever processors."""
    for kept in path.parent.glob(f"{_PREFIX}*"):
        if not kept.name.startswith(f"{_PREFIX}{sources_digest()}"):
            kept.unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_SIZE).digest()


def _beside() -> Path:
    return _HERE / "__pycache__"


def _places() -> Iterator[Path]:
    """Return where code may be kept: where numba is told to keep its own, or beside the sources."""
    asked_for = os.environ.get("NUMBA_CACHE_DIR")
    if asked_for:
        yield Path(asked_for)
        return
    yield _beside()
    cache = os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):  # a user without a home
        yield (Path(cache) if cache else Path.home() / ".cache") / "capsim"


def _is_ours(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
