"""Which key paths a model file can have at all, whatever it has."""

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Union

from pydantic import BaseModel

from capsim.model.model import Model

ANY_NAME = "*"  # in a key path: each scenario, or each request class


def unknown_key(path: str) -> int | None:
    """Return the place of the first key of a path that no model can have; none: all are known."""
    found: list[Any] = [Model]
    for place, key in enumerate(path.split(".")):
        found = [inner for each in found for inner in _inside(each, key)]
        if not found:
            return place
    return None


def siblings(path: str, place: int) -> list[str]:
    """Return the keys that could stand at a place of a path."""
    found: list[Any] = [Model]
    for key in path.split(".")[:place]:
        found = [inner for each in found for inner in _inside(each, key)]
    tables = [member for each in found for member in _members(each) if _is_table(member)]
    return sorted({key for table in tables for key in table.model_fields})


def overlay_paths(tree: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the key path of every value of an overlay."""
    for key, value in tree.items():
        path = f"{above}.{key}".lstrip(".")
        if isinstance(value, Mapping) and value:
            yield from overlay_paths(value, path)
        else:
            yield path


def _inside(annotation: Any, key: str) -> Iterator[Any]:
    """Yield what a key may hold in a value of a type; nothing where it cannot have the key."""
    for member in _members(annotation):
        if _is_table(member):
            field = member.model_fields.get(key)
            if field is not None:
                yield field.annotation
        elif typing.get_origin(member) is dict:
            yield typing.get_args(member)[1]


def _members(annotation: Any) -> Iterator[Any]:
    """Yield the types that a value may have: the members of a union, without their decoration."""
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) in {Union, types.UnionType}:
        for member in typing.get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _is_table(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)
