"""How kernels are compiled."""

import re
from collections import Counter
from typing import Any

import pytest

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

    from capsim.engine.compiled import loading
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


def test_no_kernel_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at a kernel's status: what may raise, as a range's step of zero, went unseen."""
    from numba import types

    from capsim.engine.compiled import engine, state_code  # noqa: F401 (numba knows tables by it)
    from capsim.engine.compiled.compiling import machine_code
    from capsim.engine.compiled.state_type import StateType
    from capsim.engine.compiled.whole import Whole

    optimised: list[str] = []
    optimise = Whole._optimize_final_module

    def watched(whole: Whole) -> None:
        optimise(whole)
        optimised.append(str(whole._final_module))

    monkeypatch.setattr(Whole, "_optimize_final_module", watched)
    machine_code(engine.advance, "advance", (StateType(), types.float64, types.int64))
    (module,) = optimised
    functions = re.split(r"^(?=define )", module, flags=re.MULTILINE)[1:]
    raising = [each.partition("\n")[0] for each in functions if "numba_exception_output" in each]
    assert len(functions) > 20
    assert [
        name for name in raising if "int_power" not in name
    ] == []  # numba's own, of a base of 0
