"""How the parameters of a sweep and their values are written on the command line."""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capsim.cli import options
from capsim.cli.options import WHAT_IF
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.experiments.axes import Value

_STEPS = 10
_MOST_VALUES = 1000  # of one parameter: each is simulated at every draw
_MOST_PARAMETERS = 2
_LARGEST = 1e15  # whole numbers up to here are exact
_RANGE = re.compile(
    r"(?P<log>log:)?(?P<first>[^:/,]*?)\.\.(?P<last>[^:/,]*?)(?:/(?P<steps>[^/]*))?"
)
_FORMS = "20,50,100, 1..16, 50..1500/8 or log:0.001..0.1/7"


@dataclass(frozen=True, kw_only=True)
class Spacing:
    """Values between two ends, as the options --from, --to, --steps and --log give them."""

    first: float | None = None
    last: float | None = None
    steps: int | None = None
    log: bool = False

    @property
    def is_given(self) -> bool:
        """Whether any of the options was used."""
        return self.log or any(x is not None for x in (self.first, self.last, self.steps))

    @property
    def text(self) -> str:
        """The options as they were written."""
        ends = (("--from", self.first), ("--to", self.last))
        given = [f"{name} {end:g}" for name, end in ends if end is not None]
        return " ".join([*given, "--log"] if self.log else given)


def parse_axes(
    parameters: Sequence[str], values: Sequence[str], spacing: Spacing
) -> "dict[str, tuple[Value, ...] | None]":
    """Return the values to try of each parameter; none: those that are usual for it.

    Args:
        parameters: one or two names, each alone or with its values (`workers=1..16`).
        values: texts of --values; they belong, in order, to the parameters without values.
        spacing: the values of a single parameter without values.

    Raises:
        InputError: no such parameter, or values that nobody can read or that are given twice.
    """
    written = [_split(text) for text in parameters]
    names = [name for name, _ in written]
    if len(names) > _MOST_PARAMETERS:
        raise InputError(f"{' '.join(names)}: a sweep has one or two parameters; name as many")
    if len(set(names)) < len(names):
        raise InputError(f"{names[0]}: is named twice; name two different parameters")
    bare = [name for name, text in written if text is None]
    _check_options(names, bare, values, spacing)
    found = {name: None if text is None else parse_values(name, text) for name, text in written}
    found |= {n: parse_values(n, text, "--values ") for n, text in zip(bare, values, strict=False)}
    if spacing.is_given:
        found[names[0]] = _spaced(spacing, spacing.text)
    for name in names:
        _check_values(name, found[name])
    return found


def parse_values(name: str, text: str, option: str = "") -> "tuple[Value, ...]":
    """Return the values, each once, that a text such as `20,50,100` or `log:1..16/5` names.

    Args:
        name: of the parameter.
        text: its values.
        option: in front of the text in a message; empty: the name.

    Raises:
        InputError: no values, or a range that goes nowhere.
    """
    where = f"{option}{text}" if option else f"{name}={text}"
    parts = [part.strip() for part in text.split(",")]
    if "" in parts:
        raise InputError(f"{where}: a value is missing; write e.g. {_FORMS}")
    if name == WHAT_IF:
        return tuple(dict.fromkeys(parts))
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return tuple(dict.fromkeys(_value(part, where) for part in parts))
    steps = match["steps"]
    if steps is not None and not re.fullmatch("[0-9]{1,9}", steps):
        raise InputError(
            f"{where}: {steps or 'nothing'} is no number of values; write e.g. 1..16/4"
        )
    spacing = Spacing(
        first=_end(match["first"], where),
        last=_end(match["last"], where),
        steps=None if steps is None else int(steps),
        log=match["log"] is not None,
    )
    return _spaced(spacing, where)


def _split(text: str) -> tuple[str, str | None]:
    """Return a parameter and its values as written behind it; none: nothing is."""
    name, equals, values = text.partition("=")
    _check_name(name.strip())
    return name.strip(), values if equals else None


def _check_name(name: str) -> None:
    """Find a misspelt short name at once: everything else is a path with a dot in it."""
    from capsim.model.aliases import ALIASES

    known = [*ALIASES, WHAT_IF]
    if "." in name or name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"name {', '.join(known)}, or a key of the model"
    shown = name or "nothing"
    raise InputError(f"{shown}: is no parameter of a model; {hint}")


def _check_options(
    names: Sequence[str], bare: Sequence[str], values: Sequence[str], spacing: Spacing
) -> None:
    if spacing.is_given and len(names) > 1:
        raise InputError(
            f"--from, --to, --steps and --log are for one parameter; write {names[0]}=1..16/4"
        )
    if spacing.is_given and (values or not bare):
        raise InputError("give either values or --from and --to, not both")
    if len(values) > len(bare):
        given = ", ".join(name for name in names if name not in bare)
        why = f"{given} has values of its own" if given else f"{names[0]} is the only parameter"
        if len(names) == len(bare) > 1:
            why = "each parameter has its values"
        raise InputError(f"--values {values[len(bare)]}: is one too many; {why}")


def _check_values(name: str, values: "Sequence[Value] | None") -> None:
    from capsim.model.aliases import POOL_SIZE, USERS

    if values is None and name not in {POOL_SIZE, WHAT_IF}:
        raise InputError(f"{name}: say which values to try: --values 20,50,100 or {name}=1..16/4")
    if values is not None and len(values) > _MOST_VALUES:
        raise InputError(f"{name}: {len(values)} values; at most {_MOST_VALUES} can be tried")
    if name == USERS:
        for value in values or ():
            _check_users(value)


def _check_users(value: "Value") -> None:
    """Find numbers of users that cannot be simulated; the model knows about all others."""
    if isinstance(value, int) and value > 0:
        try:
            options.parse_users(str(value))
        except InputError as error:
            raise InputError(str(error).replace("--users ", "users = ", 1)) from None


def _value(text: str, where: str) -> "Value":
    value = options.parse_value(text, where)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where}: {text} is not finite; write finite numbers")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InputError(f"{where}: {text!r} is neither a number nor a word")
    if not isinstance(value, str) and abs(value) > _LARGEST:
        raise InputError(f"{where}: {text} is too large a number; at most {_LARGEST:g}")
    return value


def _end(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: {text!r} is no end of a range; write e.g. 1..16") from None


def _spaced(spacing: Spacing, where: str) -> "tuple[Value, ...]":
    """Return evenly spaced values; whole numbers where both ends are whole and far apart."""
    first, last = spacing.first, spacing.last
    if first is None or last is None:
        raise InputError(
            "--from and --to belong together, and --steps and --log to them; give both"
        )
    if not (abs(first) <= _LARGEST and abs(last) <= _LARGEST):  # not a number either
        raise InputError(f"{where}: both ends have to be numbers up to {_LARGEST:g}")
    if first >= last:
        raise InputError(f"{where}: a range goes upwards; exchange {first:g} and {last:g}")
    if spacing.log and first <= 0:
        raise InputError(f"{where}: equal ratios (log) need a first value above 0, not {first:g}")
    count = _STEPS if spacing.steps is None else spacing.steps
    if not 1 < count <= _MOST_VALUES:
        raise InputError(f"{where}: {count} values; give 2 to {_MOST_VALUES}")
    shares = [i / (count - 1) for i in range(count)]
    spaced = [
        first * (last / first) ** share if spacing.log else first + (last - first) * share
        for share in shares
    ]
    whole = first.is_integer() and last.is_integer() and last > 1
    return tuple(
        dict.fromkeys(round(value) if whole else float(f"{value:.6g}") for value in spaced)
    )
