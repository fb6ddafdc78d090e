"""What a sweep varies: parameters with their values, and the system at each combination of them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from capsim.errors import InputError
from capsim.experiments.alternatives import Misfit, alternatives
from capsim.experiments.beliefs import Belief
from capsim.model.aliases import POOL_SIZE, USERS, resolve
from capsim.model.applying import apply_remedies
from capsim.model.model import Model, with_users
from capsim.model.remedy import JOINED, TODAY, parse_remedies
from capsim.model.template import Template, overlap

WHAT_IF = "what-if"  # the parameter whose values are remedies
POOL_SIZES = (20, 50, 75, 100, 150, 200, 300, 500, 750, 1000)
AS_IT_IS = "as it is"  # today's value where it is no single one

Value = float | int | str


def varies(value: Value | None) -> bool:
    """Return whether a value is a parameter, as `$workers`: each draw has its own."""
    return isinstance(value, str) and value.startswith("$")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A parameter and the values that are tried, each once."""

    parameter: str  # as asked for
    tried: tuple[Value, ...]
    paths: tuple[str, ...] = ()  # that it sets in the model; none: its values are remedies
    today: Value | None = None  # none: not set
    misfits: tuple[Misfit, ...] = ()  # shipped remedies that do not fit, where all were asked for

    @property
    def path(self) -> str | None:
        """The key paths in the model as one text; none: there are none."""
        return ", ".join(self.paths) or None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The system with every parameter at one value."""

    belief: Belief
    users: int | None = None  # none: the scenario's own
    remedies: str = TODAY
    notes: tuple[str, ...] = ()


def make_axis(
    belief: Belief,
    parameter: str,
    values: Sequence[Value] | None,
    *,
    scenario: str,
    users: int | None = None,
) -> Axis:
    """Return a parameter as a model has it; without values it has those that are usual for it.

    Raises:
        InputError: unknown parameter, no values, or users that are fixed and swept at once.
    """
    if parameter == WHAT_IF:
        return _remedies(belief, values, scenario)
    given = POOL_SIZES if values is None and parameter == POOL_SIZE else values
    if not given:
        raise InputError(f"{parameter}: no values to try; give at least one")
    tried = tuple(dict.fromkeys(given))
    central = belief.central()
    paths = resolve(parameter, central, scenario)
    if parameter == USERS:
        if users is not None:
            raise InputError(f"users = {users}: users are swept; leave out the fixed number")
        today: Value | None = central.scenario(scenario).peak_users
    else:
        for path in paths:  # an unknown one is named with its likely spelling
            belief.template.replace(path, tried[0])
        today = _today(belief.template, central, paths)
    return Axis(parameter=parameter, tried=tried, paths=paths, today=today)


def check_apart(axes: Sequence[Axis]) -> None:
    """Make sure that no two parameters set the same thing.

    Raises:
        InputError: they do.
    """
    for number, axis in enumerate(axes):
        for other in axes[:number]:
            shared = [a for a in axis.paths for b in other.paths if overlap(a, b)]
            if shared or axis.parameter == other.parameter:
                raise InputError(
                    f"{other.parameter} and {axis.parameter}: both set "
                    f"{shared[0] if shared else axis.parameter}; name two different parameters"
                )


def combinations(axes: Sequence[Axis]) -> list[tuple[Value, ...]]:
    """Return all combinations of values; those of the last parameter change first."""
    return list(itertools.product(*(axis.tried for axis in axes)))


def make_setting(
    belief: Belief, axes: Sequence[Axis], values: Sequence[Value], scenario: str
) -> Setting:
    """Return the system at one value of each parameter: remedies first, then what is set in them.

    Raises:
        InputError: a remedy does not fit, or a value breaks a rule.
    """
    setting = Setting(belief=belief)
    # What is set after a remedy is set in the system as the remedy leaves it.
    pairs = sorted(zip(axes, values, strict=True), key=lambda pair: pair[0].parameter != WHAT_IF)
    for axis, value in pairs:
        if axis.parameter == WHAT_IF:
            setting = _with_remedies(setting, str(value), scenario)
        elif axis.parameter == USERS:
            setting = replace(setting, users=_users(setting.belief.central(), scenario, value))
        else:
            setting = _with_value(setting, axis, value, scenario)
    return setting


def _remedies(belief: Belief, values: Sequence[Value] | None, scenario: str) -> Axis:
    if values is None:
        fitting, misfits = alternatives(belief, (), scenario)
        names = tuple(each.name for each in fitting)
        return Axis(parameter=WHAT_IF, tried=names, today=TODAY, misfits=tuple(misfits))
    if not values:
        raise InputError(f"{WHAT_IF}: no remedies to try; name some, or leave them out for all")
    texts = [JOINED.join(part.strip() for part in str(v).split(JOINED)) for v in values]
    return Axis(parameter=WHAT_IF, tried=tuple(dict.fromkeys(texts)), today=TODAY)


def _with_remedies(setting: Setting, text: str, scenario: str) -> Setting:
    template, applied = apply_remedies(setting.belief.template, parse_remedies(text), scenario)
    notes = tuple(f"{a.remedy.name}: {a.note}" for a in applied if a.note)
    return Setting(belief=setting.belief.changed(template), remedies=text, notes=notes)


def _users(model: Model, scenario: str, value: Value) -> int:
    if not isinstance(value, int):
        raise InputError(f"{USERS} = {value}: is no whole number; users come one by one")
    with_users(model.scenario(scenario), value)
    return value


def _with_value(setting: Setting, axis: Axis, value: Value, scenario: str) -> Setting:
    template = setting.belief.template
    paths = resolve(axis.parameter, template.bind({}), scenario)
    for path in paths:
        template = template.replace(path, value)
    notes = setting.notes
    if paths != axis.paths:  # a remedy has put another part in the place of today's
        named = f"with {setting.remedies}, {axis.parameter} is {', '.join(paths)}."
        notes = (*notes, named)
    return replace(setting, belief=setting.belief.changed(template), notes=notes)


def _today(template: Template, model: Model, paths: Sequence[str]) -> Value | None:
    found = {_value_today(template, model, path) for path in paths}
    return found.pop() if len(found) == 1 else AS_IT_IS


def _value_today(template: Template, model: Model, path: str) -> Value | None:
    """Return the value at a key path as the model file has it: a number, a word, or `$name`."""
    if any(overlap(change.target, path) for change in template.relative):
        return AS_IT_IS  # something multiplies what is written
    written: object = template.tree
    effective: object = model.model_dump(mode="json")
    for key in path.split("."):
        if isinstance(written, Mapping):
            written = written.get(key)
        elif key != "value":  # a constant law may be written as a bare number
            written = None
        effective = effective.get(key) if isinstance(effective, Mapping) else None
    value = effective if written is None else written
    if value is not None and not isinstance(value, int | float | str):
        raise InputError(f"{path}: is no single value of {model.name}; name a key inside it")
    return value
