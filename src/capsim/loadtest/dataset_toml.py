"""A dataset as TOML that people read: figures in one line, and comments that explain."""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from capsim.loadtest.figures import Figures
from capsim.loadtest.observations import Dataset, LoadTest
from capsim.loadtest.reading import escaped
from capsim.model.laws import Constant

_WIDTH = 100
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_FOLDABLE = re.compile(r"[^\s\"\\]+( [^\s\"\\]+)*")
_EXACT = 1e15  # floats below it print as whole numbers without an exponent
_TABLES = ("endpoints",)  # of a load test: what follows its own keys


def dataset_text(
    dataset: Dataset,
    *,
    head: Sequence[str] = (),
    comments: Mapping[str, Sequence[str]] | None = None,
    endpoint_comments: Mapping[tuple[str, str], str] | None = None,
) -> str:
    """Return a file that `load_dataset` reads as the same dataset.

    Args:
        dataset: what to write.
        head: comment lines at the top.
        comments: comment lines above a load test, by its name.
        endpoint_comments: one above an endpoint, by the names of the load test and of itself.
    """
    blocks = ["\n".join([*commented(head), *_top(dataset)])]
    for name, test in dataset.load_tests.items():
        above = commented((comments or {}).get(name, ()))
        blocks.append("\n".join([*above, *_load_test(name, test)]))
        if test.endpoints:
            blocks.append("\n".join(_endpoints(name, test, endpoint_comments or {})))
    return "\n\n".join(blocks) + "\n"


def commented(lines: Iterable[str]) -> list[str]:
    """Return lines as comments; what a comment must not contain is written out."""
    return [f"# {escaped(line)}".rstrip() for line in lines]


def key(name: str) -> str:
    """Return a key as TOML has it."""
    return name if _BARE.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """Return a text as a basic string of TOML, with what cannot be printed written out."""
    written = (
        char if char.isprintable() else f"\\U{ord(char):08x}"
        for char in json.dumps(text, ensure_ascii=False)
    )
    return "".join(written)


def inline(value: object) -> str:  # noqa: PLR0911 (one per type)
    """Return a value as it stands after a key."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case float():
            whole = value.is_integer() and abs(value) < _EXACT
            return f"{value:.0f}" if whole else repr(value)
        case int():
            return str(value)
        case BaseModel():
            return inline(value.value if isinstance(value, Constant) else _given(value))
        case Mapping():
            pairs = (f"{key(str(name))} = {inline(item)}" for name, item in value.items())
            return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} has no form in TOML")


def _top(dataset: Dataset) -> Iterator[str]:
    for name, value in _given(dataset).items():
        if name != "load_tests":
            yield _assigned(name, value)


def _load_test(name: str, test: LoadTest) -> Iterator[str]:
    yield f"[load_tests.{key(name)}]"
    for field, value in _given(test).items():
        if field not in _TABLES:
            yield _assigned(field, value)


def _endpoints(name: str, test: LoadTest, comments: Mapping[tuple[str, str], str]) -> Iterator[str]:
    yield f"[load_tests.{key(name)}.endpoints]"
    for label, figures in test.endpoints.items():
        if (name, label) in comments:
            yield from commented([comments[name, label]])
        yield f"{key(label)} = {inline(figures)}"


def _assigned(name: str, value: object) -> str:
    line = f"{key(name)} = {inline(value)}"
    if len(line) <= _WIDTH:
        return line
    if isinstance(value, str) and value.isprintable() and _FOLDABLE.fullmatch(value):
        return f'{key(name)} = """\\\n{_folded(value)}"""'
    if isinstance(value, tuple) and value:
        return f"{key(name)} = [\n" + "".join(f"  {inline(item)},\n" for item in value) + "]"
    return line


def _folded(text: str) -> str:
    r"""Return a long text over several lines; a `\` at the end joins it with the next one."""
    lines = textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return " \\\n".join(lines)


def _given(spec: BaseModel) -> dict[str, Any]:
    """Return the fields that differ from their defaults; what is left out is read as them."""
    fields = type(spec).model_fields
    # When and what a part is stands before its figures.
    order = sorted(fields, key=lambda name: name in Figures.model_fields)
    found = {}
    for name in order:
        value = getattr(spec, name)
        default = fields[name].get_default(call_default_factory=True)
        if value != default or name == "law" or fields[name].is_required():
            found[name] = value
    return found
