"""Makes the loop ready to be called: compiled once for each state of the sources, kept, loaded.

What was kept is loaded without numba, whose import takes longer than many a run.
"""

import ctypes
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from capsim.engine.compiled import kept
from capsim.engine.compiled.engine import advance

# (where the facts about the tables are, until, most) -> why it came back
Loop = Callable[[int, float, int], int]

_NAME = "capsim_advance"
_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_double, ctypes.c_int64)
_one_at_a_time = threading.Lock()


def compiled_loop() -> Loop:
    """Return the loop as machine code, which other threads of Python run beside."""
    with _one_at_a_time:
        loop, _engine = _loop_and_engine()
        return loop


@cache
def _loop_and_engine() -> tuple[Loop, Any]:
    """Return the loop with LLVM's engine, whose end would be that of the code too."""
    path = kept.path_of_code(_machine())
    code = kept.read(path) or _compiled()
    kept.write(path, code)
    return _loaded(code)


def is_compiled() -> bool:
    """Return whether the code for this machine is kept from before."""
    return kept.read(kept.path_of_code(_machine())) is not None


def _machine() -> str:
    """Return which instructions the processor has: code for others may fail on it."""
    features = llvm.get_host_cpu_features().flatten()
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features}"


def _compiled() -> bytes:
    with _no_collection():
        from numba import types

        from capsim.engine.compiled import state_code  # noqa: F401 (numba knows tables from then on)
        from capsim.engine.compiled.compiling import machine_code
        from capsim.engine.compiled.state_type import StateType

        return machine_code(advance, _NAME, (StateType(), types.float64, types.int64))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Leave Python's garbage be until it is done: looking for it again and again takes a tenth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _loaded(code: bytes) -> tuple[Loop, Any]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return _PROTOTYPE(engine.get_function_address(_NAME)), engine
