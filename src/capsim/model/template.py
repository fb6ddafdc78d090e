"""A model file as written: a model in which a parameter may still be a prior.

`"$name"` in place of a number refers to `[parameters.name]`, a prior; `bind` puts numbers there.
"""

import copy
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from capsim.errors import InputError
from capsim.model.model import Model
from capsim.model.priors import Prior
from capsim.model.relative import Relative
from capsim.model.validation import first_problem

_PRIORS: TypeAdapter[dict[str, Prior]] = TypeAdapter(dict[str, Prior])
# Values are tried at these points of each prior when a file is read, so that a prior which can
# leave its parameter's range is found at the border and not in the middle of a calibration.
_TRIED_QUANTILES = (0.5, 0.001, 0.999)


@dataclass(frozen=True, kw_only=True)
class Template:
    """A checked model file: `tree` as written, and the priors of its parameters by name."""

    source: str
    tree: Mapping[str, Any]
    priors: Mapping[str, Prior]
    path: Path | None = None
    base: "Template | None" = None  # the model that this one extends
    relative: tuple[Relative, ...] = ()  # made when every parameter has its number

    @property
    def parameters_as_written(self) -> dict[str, Any]:
        """The `[parameters]` tables of the file."""
        return {name: prior.model_dump(mode="json") for name, prior in self.priors.items()}

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.tree["name"])

    def bind(self, values: Mapping[str, float]) -> Model:
        """Return the model with a number for every parameter (missing ones: the prior's median).

        Raises:
            InputError: a value breaks a rule of the model.
        """
        numbers = {**self.medians(), **values}
        tree = self._substitute(self.tree, numbers, "")
        for change in self.relative:
            change.applied(tree, numbers)
        try:
            return Model.model_validate(tree)
        except ValidationError as error:
            raise first_problem(error, self.source) from None

    def at_quantile(self, level: float) -> Model:
        """Return the model with every parameter at the same quantile of its prior."""
        return self.bind({name: prior.quantile(level) for name, prior in self.priors.items()})

    def medians(self) -> dict[str, float]:
        """Return every parameter at its prior median."""
        return {name: prior.quantile(0.5) for name, prior in self.priors.items()}

    def replace(self, path: str, value: object) -> "Template":
        """Return a template with the value at a key path such as `database.access.size` changed.

        Raises:
            InputError: no such path, or the value breaks a rule.
        """
        known_tree = self.bind({}).model_dump(mode="json")
        known = list(leaf_paths(known_tree))
        keys = path.split(".")
        if path not in known and not any(leaf.startswith(path + ".") for leaf in known):
            near = difflib.get_close_matches(path, known, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else "see the model file for keys"
            raise InputError(f"{path}: {self.name} has no such parameter; {hint}")
        node = tree = copy.deepcopy(dict(self.tree))
        for key in keys[:-1]:
            # What the file leaves out has its defaults, and keeps the other ones of them.
            known_tree = known_tree.get(key) or {}
            child = node.get(key, known_tree)
            # A law written as a bare number becomes a table as soon as a key of it is set.
            node[key] = child if isinstance(child, dict) else {"law": "constant", "value": child}
            node = node[key]
        node[keys[-1]] = value
        relative = self._relative_without(path)
        changed = replace(
            self, source=f"{self.source} with {path} = {value}", tree=tree, relative=relative
        )
        changed.bind({})
        return changed

    def _relative_without(self, path: str) -> tuple[Relative, ...]:
        """Return the relative changes but those of a value that is set: it is what it is set to.

        Raises:
            InputError: part of the value is handed over, and setting it would say nothing of that.
        """
        for change in self.relative:
            both = change.source, change.target
            if change.source != change.target and any(overlap(path, end) for end in both):
                raise InputError(
                    f"{path}: a remedy hands over part of {change.source} to {change.target}; set "
                    "the remedy's own parameters, or leave the remedy out"
                )
        return tuple(c for c in self.relative if not overlap(c.target, path))

    def free_parameters(self) -> list[str]:
        """Return the names of the parameters that the model refers to, in file order."""
        used = set(self.references())
        return [name for name in self.priors if name in used]

    def references(self) -> Iterator[str]:
        """Yield the name of every parameter that the model refers to, as often as it does."""
        yield from references(self.tree)
        for change in self.relative:
            yield from references(change.amounts())

    def _substitute(self, node: Any, numbers: Mapping[str, float], key: str) -> Any:
        if isinstance(node, Mapping):
            return {
                k: self._substitute(v, numbers, f"{key}.{k}" if key else k) for k, v in node.items()
            }
        if isinstance(node, list):
            return [self._substitute(v, numbers, f"{key}[{i}]") for i, v in enumerate(node)]
        if isinstance(node, str) and node.startswith("$"):
            if node[1:] not in numbers:
                known = ", ".join("$" + name for name in numbers) or "none"
                rule = f"refers to no [parameters] entry (known: {known})"
                raise InputError.at(self.source, key, rule, value=node)
            return numbers[node[1:]]
        return node


def parse_template(
    tree: Mapping[str, Any],
    source: str,
    path: Path | None = None,
    base: Template | None = None,
    relative: tuple[Relative, ...] = (),
) -> Template:
    """Check a model file's content.

    Raises:
        InputError: a rule is broken; the message names file, key, value, rule and remedy.
    """
    body = {key: value for key, value in tree.items() if key != "parameters"}
    if "name" not in body:
        raise InputError.at(source, "name", "is missing", remedy='add name = "my-system"')
    try:
        priors = _PRIORS.validate_python(tree.get("parameters", {}))
    except ValidationError as error:
        raise first_problem(error, source, prefix="parameters") from None
    template = Template(
        source=source, tree=body, priors=priors, path=path, base=base, relative=relative
    )
    for quantile in _TRIED_QUANTILES:
        template.at_quantile(quantile)
    unused = sorted(set(priors) - set(template.references()))
    if unused:
        raise InputError.at(
            source, f"parameters.{unused[0]}", "is used nowhere", remedy=f'write "${unused[0]}"'
        )
    return template


def overlap(first: str, second: str) -> bool:
    """Whether one key path lies inside the other."""
    return f"{first}.".startswith(f"{second}.") or f"{second}.".startswith(f"{first}.")


def leaf_paths(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the key path of every value of a nested table."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaf_paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def references(node: Any) -> Iterator[str]:
    """Yield the name of every parameter that a tree refers to, as often as it does."""
    if isinstance(node, Mapping):
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)
    elif isinstance(node, str) and node.startswith("$"):
        yield node[1:]
