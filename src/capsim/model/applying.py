"""A remedy applied to a model: which variant fits, and what it changes."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from capsim.errors import InputError
from capsim.model.model import Model
from capsim.model.relative import IN_THE_UNIT, Relative, copied, moved, scaled
from capsim.model.remedy import Condition, Range, Remedy, Variant
from capsim.model.template import Template, parse_template
from capsim.model.toml import overlaid

EVERY = "*"  # in place of a scenario: a remedy is about all of them
_EACH = "*"
_ENDS = (0.001, 0.999)  # of every prior: a variant has to fit there, too
_REQUESTS, _SCENARIOS, _TASKS = "requests", "scenarios", "celery.tasks"


class UnfitError(InputError):
    """A remedy that does not fit a model; `why` is the reason alone."""

    def __init__(self, remedy: str, model: str, why: str) -> None:
        """Say which remedy does not fit which model."""
        super().__init__(f"{remedy} does not fit {model}: {why}")
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Application:
    """A model with a remedy applied."""

    template: Template
    remedy: Remedy
    note: str


def apply_remedies(
    template: Template, remedies: Sequence[Remedy], scenario: str | None = None
) -> tuple[Template, list[Application]]:
    """Return a model with remedies applied, one after the other.

    Raises:
        UnfitError: one does not fit the model as the ones before have left it.
    """
    made = []
    for remedy in remedies:
        application = apply_remedy(template, remedy, scenario)
        template = application.template
        made.append(application)
    return template, made


def apply_remedy(template: Template, remedy: Remedy, scenario: str | None = None) -> Application:
    """Return a model with a remedy applied: its first variant that fits.

    Args:
        template: the model.
        remedy: to apply.
        scenario: that it is about, for the request classes and the clients in it; none: the
            model's default one; `EVERY`: all.

    Raises:
        UnfitError: no variant fits, everything is so already, or the result breaks a rule.
    """
    model = template.bind({})
    tree = model.model_dump(mode="json")
    trees = [tree, *(template.at_quantile(q).model_dump(mode="json") for q in _ENDS)]
    scenarios = list(model.scenarios) if scenario == EVERY else [model.scenario_name(scenario)]
    reasons = []
    for variant in remedy.file.variants:
        names = _Names(scenarios=scenarios, classes=_classes(variant, model, scenarios))
        problem = _problem(variant, trees, names)
        if problem is None:
            try:
                changed = _changed(template, remedy, variant, tree, names)
            except InputError as error:
                raise UnfitError(remedy.name, template.name, str(error)) from None
            if changed.bind({}).model_dump() == model.model_dump():
                raise _unfit(template, remedy, "it is so already")
            return Application(template=changed, remedy=remedy, note=variant.note)
        reasons.append(problem)
    raise _unfit(template, remedy, "; ".join(dict.fromkeys(reasons)))


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What `*` stands for in key paths."""

    scenarios: Sequence[str]
    classes: Sequence[str]

    def of(self, table: str) -> Sequence[str]:
        """Return the names in place of a `*` in a table."""
        return self.scenarios if table == _SCENARIOS else self.classes

    def paths(self, path: str) -> list[str]:
        """Return a key path once for each name in place of its `*`."""
        before, star, after = path.partition(f".{_EACH}")
        return [f"{before}.{name}{after}" for name in self.of(before)] if star else [path]


def _unfit(template: Template, remedy: Remedy, why: str) -> UnfitError:
    return UnfitError(remedy.name, template.name, f"{remedy.file.unfit} ({why})")


def _classes(variant: Variant, model: Model, scenarios: Sequence[str]) -> list[str]:
    """Return the request classes of scenarios that `*` stands for."""
    asked = {name for each in scenarios for name in model.scenarios[each].asked_for}
    dumps = {n: r.model_dump(mode="json") for n, r in model.requests.items() if n in asked}
    return [
        name
        for name, dump in dumps.items()
        if all(_holds(dump, path, condition) for path, condition in variant.classes.items())
    ]


def _problem(variant: Variant, trees: Sequence[Mapping[str, Any]], names: _Names) -> str | None:
    """Return why a variant does not fit a model, given at several values of what is not known."""
    for pattern, condition in variant.when.items():
        for tree, path in itertools.product(trees, names.paths(pattern)):
            if not _holds(tree, path, condition):
                return _missed(path, _size(_at(tree, path)), condition)
    if variant.classes and not names.classes:
        needed = ", ".join(_of_class(key, c) for key, c in variant.classes.items())
        return f"needed: a request class {needed}"
    return None


def _missed(path: str, value: Any, condition: Condition) -> str:
    is_plain = isinstance(value, int | float | str) and not isinstance(value, bool)
    found = f"{path} = {value}" if is_plain else f"{path} is {'' if value else 'not '}set"
    return found if isinstance(condition, bool) else f"{found}, needed: {_wanted(condition)}"


def _of_class(key: str, condition: Condition) -> str:
    if isinstance(condition, bool):
        return f"with {key}" if condition else f"without {key}"
    return f"with {key} {_wanted(condition)}"


def _wanted(condition: Condition) -> str:
    if isinstance(condition, Range):
        limits = condition.model_dump(exclude_none=True)
        return " and ".join(f"{name} {limit:g}" for name, limit in limits.items())
    choices = condition if isinstance(condition, list) else [condition]
    return " or ".join(map(str, choices))


def _holds(tree: Mapping[str, Any], path: str, condition: Condition) -> bool:
    value = _size(_at(tree, path))
    if isinstance(condition, bool):
        return bool(value) == condition
    if isinstance(condition, Range):
        low, high = condition.above, condition.below
        known = isinstance(value, int | float)
        return known and (low is None or value > low) and (high is None or value < high)
    return value in condition if isinstance(condition, list) else value == condition


def _size(value: Any) -> Any:
    """Return a number for a law, which conditions are about; zero for one that is always zero."""
    if isinstance(value, Mapping) and "law" in value:
        return max(value[key] for key in IN_THE_UNIT if key in value)
    return value


def _at(tree: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a key path; none: nothing."""
    found: Any = tree
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _changed(
    template: Template,
    remedy: Remedy,
    variant: Variant,
    tree: Mapping[str, Any],
    names: _Names,
) -> Template:
    own = {name: prior.model_dump(mode="json") for name, prior in remedy.file.parameters.items()}
    known = template.parameters_as_written
    for name, prior in own.items():
        if known.get(name, prior) != prior:
            raise InputError(
                f"{remedy.name}: parameters.{name}: {template.name} has a parameter of that name; "
                "rename one"
            )
    overlay = _spread(variant.overlay, "", names)
    relative = tuple(_relative(variant, tree, names))
    defaults = _defaults(template, tree, [change.source for change in relative])
    written = overlaid(overlaid(dict(template.tree), defaults), overlay)
    changed = replace(template, tree=written, relative=(*template.relative, *relative))
    used = set(changed.references())
    parameters = {name: prior for name, prior in {**known, **own}.items() if name in used}
    return parse_template(
        {**written, "parameters": parameters},
        source=f"{template.source} with {remedy.name}",
        path=template.path,
        base=template.base,
        relative=changed.relative,
    )


def _spread(node: Any, path: str, names: _Names, each: str = "") -> Any:
    """Return an overlay with a table for each name in place of `*`."""
    if not isinstance(node, Mapping):
        return each if node == _EACH else node
    made: dict[str, Any] = {}
    for key, value in node.items():
        inside = f"{path}.{key}".lstrip(".")
        if key == _EACH:
            made |= {name: _spread(value, inside, names, name) for name in names.of(path)}
        else:
            made[key] = _spread(value, inside, names, each)
    return made


def _relative(variant: Variant, tree: Mapping[str, Any], names: _Names) -> Iterator[Relative]:
    for path, factor in variant.scale.items():
        for each in names.paths(path):
            yield scaled(each, factor, whole=isinstance(_at(tree, each), int))
    for source, target in variant.copies.items():
        both = zip(names.paths(source), names.paths(target), strict=True)
        yield from (copied(from_, to) for from_, to in both)
    for source, part in variant.moves.items():
        both = zip(names.paths(source), names.paths(part.to), strict=True)
        yield from (moved(from_, to, part.share) for from_, to in both)


def _defaults(template: Template, tree: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """Return what the file leaves out of the values at key paths: their defaults."""
    found: dict[str, Any] = {}
    for path in paths:
        if _at(template.tree, path) is None and _at(tree, path) is not None:
            *folders, key = path.split(".")
            table = found
            for folder in folders:
                table = table.setdefault(folder, {})
            table[key] = _at(tree, path)
    return found
