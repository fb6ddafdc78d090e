"""Read model files and other TOML files, with errors that name the file and the place."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from capsim import bundled
from capsim.errors import InputError
from capsim.model.template import Template, parse_template, references

_EXTENDS = "extends"
_TAGS = ("kind", "law", "prior")  # each decides which other keys its table has


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's content.

    Raises:
        InputError: the file cannot be read, is no UTF-8 text, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no UTF-8 text; save it as UTF-8") from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply to be read; flatten it") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: is no valid TOML: {error}; correct that line") from None


def load(reference: str | Path) -> Template:
    """Read a model file, by path or by the name of a shipped model (`p43-report`).

    A file that `extends` another one, named by its path beside the file or as a shipped model,
    says only what differs.

    Raises:
        InputError: the file is missing, broken, or breaks a rule of the model.
    """
    return _load(bundled.locate(reference, "models"), ())


def _load(path: Path, above: tuple[Path, ...]) -> Template:
    tree = read_toml(path)
    named = tree.pop(_EXTENDS, None)
    if named is None:
        return parse_template(tree, source=path.name, path=path)
    if not isinstance(named, str):
        raise InputError.at(path.name, _EXTENDS, "should name one model file", value=named)
    if path in above:
        raise InputError.at(path.name, _EXTENDS, "goes round in a circle", value=named)
    beside = path.parent / named
    base_path = beside if beside.is_file() else bundled.locate(named, "models")
    base = _load(base_path, (*above, path))
    written = {**base.tree, "parameters": base.parameters_as_written}
    merged = overlaid(written, tree)
    unused = set(written["parameters"]) - set(references(merged)) - set(tree.get("parameters", {}))
    for name in unused:  # the base's parameters of what this file sets otherwise
        del merged["parameters"][name]
    return parse_template(merged, source=path.name, path=path, base=base)


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return one tree of tables with another laid over it.

    Tables are merged key by key; one of another kind, law or prior takes the place of the whole.
    """
    merged = dict(below)
    for key, value in above.items():
        before = merged.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged


def _merged(before: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    alike = all(value.get(tag, before.get(tag)) == before.get(tag) for tag in _TAGS)
    return overlaid(before, value) if alike else dict(value)
