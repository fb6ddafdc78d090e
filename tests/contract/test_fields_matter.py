"""No field of a model is decoration: each one, changed alone, changes what a run reports.

The changes are tables in `fields`, a file for each part of a model.
"""

import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from capsim.metrics.run import Run, simulate
from capsim.model import laws
from capsim.model.model import Model

FIELDS = Path(__file__).parent / "fields"


def table(name: str) -> dict[str, Any]:
    """One of the tables in `fields`."""
    return tomllib.loads((FIELDS / f"{name}.toml").read_text(encoding="utf-8"))


def entries() -> list[tuple[str, dict[str, Any]]]:
    """Every field with its entry: a named setting, what is laid over that, and the change.

    An entry `[Spec.field]` has `after`, the change, and where the base model does not use what is
    changed, `setting` (of settings.toml) and `before`.
    """
    names = sorted(path.stem for path in FIELDS.glob("*.toml"))
    return [
        (f"{spec}.{field}", entry)
        for name in names
        if name not in {"base", "settings"}
        for spec, fields in table(name).items()
        for field, entry in fields.items()
    ]


BASE = table("base")
SETTINGS = table("settings")
CHANGES = dict(entries())

EXEMPT = {
    "Model.name": "a label",
    "Model.description": "a text for people",
    "Model.dataset": "names the data of a calibration; a simulation reads none",
    "Model.targets": "judges a result; changes none",
    "Targets.p95_s": "judges a result; changes none",
}


def overlaid(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A nested table with another one over it; another kind or law drops the keys it lacks."""
    result = dict(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = overlaid(result[key], value) if both else value
    for tag, specs in TAGGED.items():
        if tag in change and change[tag] != base.get(tag):
            known = set(specs[change[tag]].model_fields)
            result = {key: value for key, value in result.items() if key in known}
    return result


def specs_below(spec: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Every model class that a spec's fields can hold, itself first."""

    def inside(annotation: object) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from specs_below(annotation)
        for argument in typing.get_args(annotation):
            yield from inside(argument)

    yield spec
    for field in spec.model_fields.values():
        yield from inside(field.annotation)


SPECS = {spec.__name__: spec for spec in specs_below(Model)}
SPECS.pop("dict", None)
TAGGED: dict[str, dict[str, type[BaseModel]]] = {
    tag: {
        typing.get_args(spec.model_fields[tag].annotation)[0]: spec
        for spec in SPECS.values()
        if tag in spec.model_fields
    }
    for tag in ("kind", "law")
}


def report(run: Run) -> tuple[object, ...]:
    """What a run says: its trace, with the tasks in it, and its summary."""
    trace = run.trace
    summary = run.summary()
    return (
        *(column.tobytes() for column in (trace.end, trace.status)),
        *(column.tobytes() for column in (trace.tasks.end, trace.tasks.status)),
        {"failure_ratio": summary.failure_ratio, "requests": summary.requests},
        tuple(summary.failures),
    )


def test_every_field_of_every_spec_is_in_the_table() -> None:
    """A field that is added to a spec has to be added here, with a change that it makes."""
    fields = {f"{name}.{field}" for name, spec in SPECS.items() for field in spec.model_fields}
    assert fields - set(CHANGES) - set(EXEMPT) == set()
    assert set(CHANGES) | set(EXEMPT) == fields
    assert len(CHANGES) == len(entries())
    assert len(SPECS) > 40


def test_every_law_is_reached() -> None:
    """The walk over the specs finds the laws, which hide in discriminated unions."""
    found = {name for name in SPECS if hasattr(laws, name)}
    assert {"Constant", "Geometric", "ConstantPacing", "Hyperexponential"} <= found


@pytest.mark.parametrize("field", CHANGES)
def test_the_field_changes_the_run(field: str) -> None:
    """Changed alone, the field changes the trace or the summary."""
    entry = CHANGES[field]
    setting = SETTINGS[entry["setting"]] if "setting" in entry else {}
    first = overlaid(overlaid(BASE, setting), entry.get("before", {}))
    second = overlaid(first, entry["after"])
    assert first != second
    reports = [report(simulate(Model.model_validate(tree))) for tree in (first, second)]
    assert bool(reports[0] != reports[1]), f"{field} changes nothing"
