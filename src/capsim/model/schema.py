"""The JSON Schema of model files, for editors that complete and check while one writes."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from capsim.model.model import Model
from capsim.model.priors import Prior

_REFERENCE = {"type": "string", "pattern": r"^\$[A-Za-z_][A-Za-z0-9_]*$"}


def model_schema() -> dict[str, Any]:
    """Return the schema of a model file: a model in which numbers may be `"$name"` of a prior."""
    schema = _with_references(Model.model_json_schema(ref_template="#/$defs/{model}"))
    priors = TypeAdapter(dict[str, Prior]).json_schema(ref_template="#/$defs/{model}")
    definitions = {**schema.pop("$defs", {}), **priors.pop("$defs", {})}
    schema["properties"]["parameters"] = {"title": "Parameters that are not known", **priors}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "$defs": definitions,
    }


def _with_references(node: Any) -> Any:
    """Let every number of a schema also be a reference to a parameter."""
    if isinstance(node, list):
        return [_with_references(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    changed = {key: _with_references(value) for key, value in node.items()}
    if node.get("type") in {"number", "integer"}:
        kept = {k: changed.pop(k) for k in ("title", "default", "description") if k in changed}
        return {"anyOf": [changed, _REFERENCE], **kept}
    return changed
