"""What is compiled: kernels, which are ordinary functions until somebody asks for machine code."""

import os
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., object])

# numba's own setting: the kernels are run by Python as they stand, to look for errors.
IS_INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}
_MARK = "capsim_kernel"  # its value: whether it is run often


def kernel(function: Function) -> Function:
    """Mark a function that compiled code consists of."""
    setattr(function, _MARK, True)
    return function


def seldom(function: Function) -> Function:
    """Mark a kernel that most runs call seldom or never: it is to compile soon, not to be fast."""
    setattr(function, _MARK, False)
    return function


def is_kernel(thing: Any) -> bool:
    """Return whether something was marked so."""
    return isinstance(thing, FunctionType) and hasattr(thing, _MARK)


def is_seldom(kernel: Any) -> bool:
    """Return whether a kernel was marked as one that is called seldom."""
    return not getattr(kernel, _MARK)
