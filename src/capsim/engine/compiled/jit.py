"""The one place where numba is asked to compile, and where its cache is kept honest."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import numba

from capsim.plan import ops

Function = TypeVar("Function", bound=Callable[..., object])

# A kernel is called by other kernels only: without these wrappers it compiles sooner. It makes no
# objects either, so there are no references to count.
_KERNEL = {
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}


def kernel(function: Function) -> Function:
    """Compile a function that other compiled functions call."""
    return cast("Function", numba.njit(**_KERNEL)(function))


def entry(function: Function) -> Function:
    """Compile the function that Python calls; what it compiles to is kept on disk."""
    with _cache_for(sources_digest()):
        return cast("Function", numba.njit(error_model="numpy", nogil=True, cache=True)(function))


def sources_digest() -> str:
    """Return a digest of everything that the compiled code is made of.

    numba looks at the file of the entry alone, and would take code from before an edit elsewhere.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in [*sorted(Path(__file__).parent.glob("*.py")), Path(ops.__file__)]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _cache_for(digest: str) -> Iterator[None]:
    """Have numba keep a function that is declared meanwhile in a folder of its own.

    Where the sources' folder cannot be written, numba's own choice of a folder stands, and its
    check of the entry's file is joined by nothing: then nothing is kept.
    """
    before = numba.config.CACHE_DIR
    folder = Path(__file__).parent / "__pycache__" / f"kernels-{digest}"
    numba.config.CACHE_DIR = before or str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before
