"""How kernels are compiled."""

from collections import Counter
from typing import Any

import pytest

from capsim.engine.compiled import loading
from capsim.engine.compiled.jit import IS_INTERPRETED, kernel, seldom

pytest.importorskip("numba")
pytestmark = pytest.mark.skipif(IS_INTERPRETED, reason="nothing is compiled")


@kernel
def power(base: float, exponent: int) -> float:
    """Return a power."""
    result = 1.0
    for _ in range(exponent):
        result *= base
    return result


@seldom
def two_powers(base: float) -> float:
    """Return a sum of powers."""
    return power(base, 2) + power(base, 3)


@kernel
def three_powers(_state: Any, base: float, exponent: int) -> int:
    """Return another sum, with the arguments that the engine's loop has."""
    return int(two_powers(base) + power(base, exponent))


def test_kernels_are_compiled_once_whatever_they_are_called_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Numba by itself makes a function for each number that stands in a call."""
    from numba import types
    from numba.core import compiler

    from capsim.engine.compiled.compiling import machine_code

    compiled: Counter[str] = Counter()
    compile_one = compiler.compile_extra

    def counted(typing: Any, target: Any, function: Any, *rest: Any, **options: Any) -> Any:
        compiled[function.__name__] += 1
        return compile_one(typing, target, function, *rest, **options)

    monkeypatch.setattr(compiler, "compile_extra", counted)
    arguments = (types.voidptr, types.float64, types.int64)
    code = machine_code(three_powers, loading._NAME, arguments)
    assert [compiled[each.__name__] for each in (power, two_powers, three_powers)] == [1, 1, 1]
    loop, engine = loading._loaded(code)
    assert loop(0, 2.0, 5) == 4 + 8 + 32
    del engine  # until here the code is there
