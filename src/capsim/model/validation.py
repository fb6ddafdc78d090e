"""Turn a validation library's report into the one line that capsim shows."""

import difflib
from collections.abc import Iterable, Iterator
from functools import cache

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from capsim.errors import InputError

_REMEDIES = {
    "missing": "add this key",
    "extra_forbidden": "remove it, or correct its spelling",
    "finite_number": "write a finite number",
    "int_from_float": "write a whole number",
}
_NO_TABLE = {"model_type", "model_attributes_type", "dict_type"}


def first_problem(error: ValidationError, source: str, prefix: str = "") -> InputError:
    """Return the first problem of a report as an InputError that names file, key and rule."""
    problems = error.errors(include_url=False)
    # A missing key is often only the shadow of a misspelt one; the misspelt one says more.
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    keys = _keys(problem, prefix)
    value = problem["input"]
    rule, remedy = _rule(problem), _REMEDIES.get(problem["type"], "")
    if problem["type"] == "extra_forbidden":
        missing = [str(p["loc"][-1]) for p in problems if p["type"] == "missing"]
        known = sorted(_fields().keys() - {keys[-1]})  # which may be a key of another table
        remedy = _nearest(keys[-1], missing + known) or remedy
    elif problem["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        choices = _choices(problem)
        keys.append(str(problem["ctx"]["discriminator"]).strip("'"))
        rule = f"is none of {', '.join(choices)}"
        value = problem["ctx"].get("tag")
        remedy = _nearest(str(value), choices)
        if value is None:
            rule, remedy = "is missing", f"add one of {', '.join(choices)}"
    elif problem["type"] in _NO_TABLE:
        is_law = bool(keys) and _fields().get(keys[-1]) == "law"
        rule = f"should be {'a number or ' if is_law else ''}a table"
        remedy = 'a law reads { law = "exponential", mean = 1 }' if is_law else ""
    if not keys:
        return InputError(f"{source}: {rule}")
    is_value = isinstance(value, str | int | float | bool) and problem["type"] != "missing"
    return InputError.at(
        source, ".".join(keys), rule, value=value if is_value else None, remedy=remedy
    )


def _rule(problem: ErrorDetails) -> str:
    messages = {"missing": "is missing", "extra_forbidden": "is not a known key"}
    if problem["type"] in messages:
        return messages[problem["type"]]
    if problem["type"] == "too_short":
        return f"should have at least {problem['ctx']['min_length']} entry"
    text = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return text[0].lower() + text[1:]


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else ""


def _keys(problem: ErrorDetails, prefix: str) -> list[str]:
    """Return the key path of a problem, without the tags by which unions chose a member."""
    parts = [prefix] * bool(prefix) + [str(part) for part in problem["loc"]]
    fields = _fields()
    keys = parts[:1]
    for position in range(1, len(parts)):
        chosen_by_tag = fields.get(parts[position - 1]) or (prefix and position == 2)  # noqa: PLR2004 (parameters.name.tag)
        if not (chosen_by_tag and parts[position] in _tags()):
            keys.append(parts[position])
    return keys


def _choices(problem: ErrorDetails) -> list[str]:
    """Return the tags that a union knows; a report of a missing tag does not name them."""
    expected = problem["ctx"].get("expected_tags")
    if expected is not None:
        return [tag.strip(" '") for tag in str(expected).split(",")]
    field = str(problem["loc"][-1])
    for spec in _specs():
        if field in spec.model_fields:
            members = getattr(spec.model_fields[field].annotation, "__args__", ())
            return [tag for member in members for tag in _tags_of(member)]
    return sorted(_tags())


@cache
def _fields() -> dict[str, str]:
    """Return every key of every spec, and the key that chooses a member where it is a union."""
    found: dict[str, str] = {}
    for spec in _specs():
        for name, field in spec.model_fields.items():
            found[name] = found.get(name) or str(field.discriminator or "")
    return found


@cache
def _tags() -> frozenset[str]:
    return frozenset(tag for spec in _specs() for tag in _tags_of(spec))


def _tags_of(spec: type[BaseModel]) -> Iterator[str]:
    """Yield the values of a union member's own tag."""
    for name in ("kind", "law", "prior"):
        if name in spec.model_fields:
            yield from getattr(spec.model_fields[name].annotation, "__args__", ())


def _specs() -> Iterator[type[BaseModel]]:
    from capsim.model.spec import Spec

    queue: list[type[BaseModel]] = [Spec]
    while queue:
        spec = queue.pop()
        yield spec
        queue += spec.__subclasses__()
