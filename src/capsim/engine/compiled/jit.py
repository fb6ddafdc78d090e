"""The one place where numba is asked to compile."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from capsim.engine.compiled.kept import folder_for_code
from capsim.engine.compiled.whole import PartCompiler, WholeCompiler

Function = TypeVar("Function", bound=Callable[..., object])

_CONFIG: Any = numba.config
IS_INTERPRETED = bool(_CONFIG.DISABLE_JIT)  # numba is told to compile nothing: to look for errors

# A kernel is called by other kernels only: without these wrappers it compiles sooner. It makes no
# objects either, so there are no references to count.
_KERNEL: Any = {
    "pipeline_class": PartCompiler,
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
    folder, before = folder_for_code(), _CONFIG.CACHE_DIR
    try:
        _CONFIG.CACHE_DIR = "" if folder is None else str(folder)  # read when it is declared
        declared = numba.njit(
            pipeline_class=WholeCompiler,
            error_model="numpy",
            nogil=True,
            cache=folder is not None,
        )(function)
    finally:
        _CONFIG.CACHE_DIR = before
    return cast("Function", declared)
