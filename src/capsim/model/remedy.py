"""A remedy: a change of a system that somebody recommends, as a few lines of TOML.

It has variants, for systems that are built differently; the first that fits a model is applied.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from capsim import bundled
from capsim.errors import InputError
from capsim.model.key_paths import overlay_paths, siblings, unknown_key
from capsim.model.priors import Prior
from capsim.model.spec import Positive, Probability, Spec
from capsim.model.toml import read_toml
from capsim.model.validation import first_problem

KIND = "models/what-if"  # folder of the shipped remedies
TODAY = "today"  # the system as it is, where a remedy might stand
JOINED = "+"  # between remedies that are applied together


class Range(Spec):
    """A condition on a number: it lies below or above a limit."""

    below: float | None = None
    above: float | None = None


# A value, one of several, a range; true: is set, neither 0 nor off; false: is not.
Condition = bool | int | float | str | list[int | float | str] | Range
Conditions = dict[str, Condition]


class Part(Spec):
    """How much of a quantity is handed over, and to what."""

    to: str
    share: Probability | Annotated[str, Field(pattern=r"^\$")]


class Variant(Spec):
    """What a remedy changes in systems of one kind.

    In key paths and in `overlay`, `*` stands for each scenario, or for each request class of the
    scenario that meets `classes`; as a value, for the name of that class.
    """

    when: Conditions = Field(default_factory=dict)  # by key path of the model
    classes: Conditions = Field(default_factory=dict)  # by key of a request class
    overlay: dict[str, Any] = Field(default_factory=dict)  # laid over the model
    scale: dict[str, Positive | Annotated[str, Field(pattern=r"^\$")]] = Field(
        default_factory=dict
    )  # key path -> factor
    copies: dict[str, str] = Field(default_factory=dict)  # from key path -> to key path
    moves: dict[str, Part] = Field(default_factory=dict)  # from key path -> to another one
    note: str = ""  # what a reader must know of this variant

    @property
    def paths(self) -> Iterator[str]:
        """Every key path of a model that the variant asks about or changes."""
        yield from self.when
        for key in self.classes:
            yield f"requests.*.{key}"
        yield from overlay_paths(self.overlay)
        yield from self.scale
        for source, target in self.copies.items():
            yield from (source, target)
        for source, part in self.moves.items():
            yield from (source, part.to)


class RemedyFile(Spec):
    """The content of a remedy's file."""

    title: str
    reason: str  # why somebody would do it, and where its numbers come from
    unfit: str  # said where no variant fits
    parameters: dict[str, Prior] = Field(default_factory=dict)
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A remedy and its name: that of its file."""

    name: str
    file: RemedyFile


def load_remedy(reference: str) -> Remedy:
    """Read a remedy, by the path of its file or by the name of a shipped one.

    Raises:
        InputError: there is none, or it breaks a rule.
    """
    path = _located(reference)
    if path.stem == TODAY:
        raise InputError(f"{path}: {TODAY} is the system as it is; call the remedy otherwise")
    tree = read_toml(path)
    try:
        file = RemedyFile.model_validate(tree)
    except ValidationError as error:
        raise first_problem(error, path.name) from None
    for number, variant in enumerate(file.variants):
        for key_path in variant.paths:
            _check_key_path(key_path, f"{path.name}: variants.{number}")
    return Remedy(name=path.stem, file=file)


def shipped_remedies() -> list[Remedy]:
    """Return the shipped remedies, by name."""
    return [load_remedy(name) for name in bundled.names(KIND)]


def parse_remedies(text: str) -> list[Remedy]:
    """Return the remedies that a text such as `pool-500+debug-off` joins; none for `today`.

    Raises:
        InputError: one is missing or broken, or named twice.
    """
    names = [name.strip() for name in text.split(JOINED)]
    if names == [TODAY]:
        return []
    if len(set(names)) < len(names):
        raise InputError(f"{text}: names a remedy twice; name each once")
    return [load_remedy(name) for name in names]


def _check_key_path(path: str, source: str) -> None:
    place = unknown_key(path)
    if place is None:
        return
    key = path.split(".")[place]
    near = difflib.get_close_matches(key, siblings(path, place), n=1)
    remedy = f"did you mean {near[0]}?" if near else "capsim schema prints all keys"
    raise InputError(f"{source}: {path}: no model has a key {key} there; {remedy}")


def _located(reference: str) -> Path:
    if not reference:
        raise InputError(
            f"a name is missing beside '{JOINED}'; write e.g. pool-500{JOINED}debug-off"
        )
    try:
        return bundled.locate(reference, KIND)
    except InputError:
        known = bundled.names(KIND)
        if Path(reference).suffix or Path(reference).name != reference:
            raise InputError(f"{reference}: no such file; name an existing one") from None
        near = difflib.get_close_matches(reference, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
        raise InputError(
            f"{reference!r}: is neither a shipped remedy nor a file of one; {hint}"
        ) from None
