"""--engine: another engine, the same result; and one that cannot is said so in one line."""

from collections.abc import Callable
from typing import Any

import pytest

from capsim.engine import compiled

NUMBERS = ("--model", "tiny.toml", "--users", "14", "--format", "json")


@pytest.mark.skipif(not compiled.is_available(), reason="numba is not installed")
@pytest.mark.parametrize(
    "command",
    [("simulate",), ("predict", "--draws", "2", "--jobs", "1"), ("predict", "--draws", "2")],
    ids=["simulate", "predict", "predict in worker processes"],
)
def test_engines_print_the_same(command: tuple[str, ...], run: Callable[..., Any]) -> None:
    """Down to the last byte, each in a folder without the other's journal."""
    printed = {run(*command, *NUMBERS, "--engine", name).out for name in ("reference", "compiled")}
    assert len(printed) == 1
    assert printed != {""}


@pytest.mark.skipif(not compiled.is_available(), reason="numba is not installed")
def test_what_an_engine_does_not_know(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for, the compiled engine does not approximate: it says what it lacks.

    No model lowers to a plan that it does not know, so one is said to be such a plan.
    """
    monkeypatch.setattr(compiled, "unsupported", lambda _: "choices among very many servers")
    result = run("simulate", *NUMBERS, "--engine", "compiled")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "capsim: the compiled engine does not know choices among very many servers; "
        "use --engine reference\n"
    )
    assert run("simulate", *NUMBERS).code == 0


def test_without_numba(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled engine is refused with the remedy, and not missed where nobody asks for it."""
    monkeypatch.setattr(compiled, "is_available", lambda: False)
    result = run("simulate", *NUMBERS, "--engine", "compiled")
    assert (result.code, result.out) == (2, "")
    assert "pip install" in result.err
    assert result.err.count("\n") == 1
    assert run("simulate", *NUMBERS).code == 0


def test_compiling_is_announced(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run on a machine says why it is silent for a while; later ones do not."""
    asked: list[bool] = []
    monkeypatch.setattr("capsim.engine.compiled.is_prepared", lambda: bool(asked))
    monkeypatch.setattr("capsim.engine.compiled.prepare", lambda: asked.append(True))
    simulate = ("simulate", "--model", "tiny.toml", "--users", "2")
    first, second = run(*simulate), run(*simulate)
    assert "compiling the fast engine, once" in first.err
    assert (first.out, second.err) == (second.out, "")
    assert asked == [True]
    assert run(*simulate, "--engine", "reference").err == ""
