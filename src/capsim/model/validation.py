"""Turn a validation library's report into the one line that capsim shows."""

import difflib
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from capsim.errors import InputError

# Names of union members, which stand in a report's location between two keys.
_TAGS = {"constant", "uniform", "exponential", "lognormal", "percentiles", "gamma"}
_TAGS |= {"hyperexponential", "geometric", "poisson", "constant_pacing", "loguniform", "choice"}
_TAGS |= {"gunicorn-sync", "gunicorn-gthread", "development", "pool", "persistent", "per-request"}

_REMEDIES = {
    "missing": "add this key",
    "extra_forbidden": "remove it, or correct its spelling",
    "finite_number": "write a finite number",
    "int_from_float": "write a whole number",
}


def first_problem(error: ValidationError, source: str, prefix: str = "") -> InputError:
    """Return the first problem of a report as an InputError that names file, key and rule."""
    problems = error.errors(include_url=False)
    # A missing key is often only the shadow of a misspelt one; the misspelt one says more.
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    keys = [str(k) for k in problem["loc"] if not _is_tag(k, problem)]
    key = ".".join([prefix, *keys] if prefix else keys)
    rule = _rule(problem)
    value = problem["input"]
    is_value = isinstance(value, str | int | float | bool) and problem["type"] != "missing"
    remedy = _REMEDIES.get(problem["type"], "")
    missing = [str(p["loc"][-1]) for p in problems if p["type"] == "missing"]
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(keys[-1], missing + _known_keys(), n=1, cutoff=0.7)
        remedy = f"did you mean {near[0]}?" if near else remedy
    return InputError.at(
        source, key or "the file", rule, value=value if is_value else None, remedy=remedy
    )


def _rule(problem: ErrorDetails) -> str:
    messages = {"missing": "is missing", "extra_forbidden": "is not a known key"}
    if problem["type"] in messages:
        return messages[problem["type"]]
    text = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return text[0].lower() + text[1:]


def _is_tag(part: object, problem: ErrorDetails) -> bool:
    """Whether a part of the location is the name of a union's member and not a key."""
    return part == "function-before" or (part in _TAGS and part is not problem["loc"][-1])


def _known_keys() -> list[str]:
    """Every key of every spec, to guess what a misspelt one was meant to be."""
    from capsim.model.spec import Spec

    found: set[str] = set()
    queue: list[type[BaseModel]] = [Spec]
    while queue:
        spec = queue.pop()
        found |= set(spec.model_fields)
        queue += spec.__subclasses__()
    return sorted(found)
