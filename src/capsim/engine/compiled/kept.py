"""Where compiled code is kept, so that only the first run on a machine has to wait for it.

numba looks at the file of the function that Python calls, and would take code from before an edit
in any other. So each state of all sources has a folder of its own, named by a digest of them.
"""

import hashlib
import os
import shutil
from pathlib import Path

from capsim.engine import trace
from capsim.plan import ops

_HERE = Path(__file__).parent
_PREFIX = "kernels-"


def sources_digest(folder: Path = _HERE) -> str:
    """Return a digest of everything that the compiled code is made of."""
    digest = hashlib.blake2b(digest_size=8)
    for path in [*sorted(folder.glob("*.py")), Path(ops.__file__), Path(trace.__file__)]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def folder_for_code() -> Path | None:
    """Return the folder for code from the present sources; none: there is no place to keep it."""
    name = _PREFIX + sources_digest()
    asked_for = os.environ.get("NUMBA_CACHE_DIR")
    if asked_for:
        return Path(asked_for) / name
    beside = _HERE / "__pycache__"
    places = [beside, Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "capsim"]
    for place in places:
        if _is_ours(place / name):
            if place == beside:
                _remove_older(place, name)
            return place / name
    return None


def is_kept() -> bool:
    """Return whether the code has been compiled before."""
    folder = folder_for_code()
    return folder is not None and any(folder.rglob("*.nbc"))


def _is_ours(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _remove_older(place: Path, name: str) -> None:
    """Remove what was compiled from sources that these have replaced."""
    for folder in place.glob(_PREFIX + "*"):
        if folder.name != name:
            shutil.rmtree(folder, ignore_errors=True)
