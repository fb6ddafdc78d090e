"""A loop in C for this one model (`base_case.c`), compiled here by the system's compiler."""

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from base_case import Case, Outcome

NAME = "C loop by hand"
KEEPS = "user, start and end of each request, and whether its wait expired"

_SOURCE = Path(__file__).with_name("base_case.c")
# Without -march=native, which makes this loop three times slower where it was tried: wide stores of
# events that are then read in parts.
_FLAGS = ("-O2", "-shared", "-fPIC", "-std=c11", "-Wall", "-Wextra")


class _Parameters(ctypes.Structure):
    _fields_ = (
        *[(name, ctypes.c_int64) for name in ("users", "threads", "connections")],
        *[
            (name, ctypes.c_double)
            for name in ("think_s", "query_mu", "query_sigma", "wait_limit_s", "horizon_s")
        ],
    )


class _Found(ctypes.Structure):
    _fields_ = (
        ("requests", ctypes.c_int64),
        ("expired", ctypes.c_int64),
        ("mean_s", ctypes.c_double),
    )


def compiler() -> str | None:
    """Return the system's C compiler; none: it has none."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def run(case: Case, seed: int) -> Outcome:
    """Simulate a case.

    Raises:
        MemoryError: there was not enough for the records.
    """
    given = _Parameters(**{name: getattr(case, name) for name, *_ in _Parameters._fields_})
    found = _Found()
    if not _library().simulate(ctypes.byref(given), ctypes.c_uint64(seed), ctypes.byref(found)):
        raise MemoryError(NAME)
    return Outcome(requests=found.requests, mean_s=found.mean_s, expired=found.expired)


@cache
def _library() -> ctypes.CDLL:
    """Compile the loop, and load it."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "base_case.so"
        command = [compiler() or "cc", *_FLAGS, "-o", str(library), str(_SOURCE), "-lm"]
        subprocess.run(command, check=True)
        return ctypes.CDLL(str(library))
