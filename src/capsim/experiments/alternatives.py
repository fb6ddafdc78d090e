"""The systems to choose from: today's, and today's with remedies."""

from collections.abc import Sequence
from dataclasses import dataclass

from capsim import bundled
from capsim.errors import InputError
from capsim.experiments.beliefs import Belief
from capsim.model.applying import UnfitError, apply_remedies
from capsim.model.remedy import JOINED, KIND, TODAY, parse_remedies
from capsim.model.template import Template


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """A system that could be had."""

    name: str  # of its remedies, joined; `today` for none
    title: str
    belief: Belief
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A remedy that this model cannot have."""

    name: str
    why: str


def alternatives(
    belief: Belief, names: Sequence[str] = (), scenario: str | None = None
) -> tuple[list[Alternative], list[Misfit]]:
    """Return today's system with each remedy, today's own first, and what does not fit it.

    Args:
        belief: today's system.
        names: of remedies, or several joined by `+`; none: every shipped one.
        scenario: whose requests the remedies are about; none: the model's own.

    Raises:
        InputError: a remedy is unknown or broken, or none fits.
    """
    fitting, misfits = [_today(belief)], []
    for name in dict.fromkeys(names or bundled.names(KIND)):
        if name == TODAY:
            continue
        try:
            found = _alternative(belief, name, scenario)
        except UnfitError as error:
            misfits.append(Misfit(name=name, why=error.why))
            continue
        if any(found.name == other.name for other in fitting):
            raise InputError(f"{name}: two remedies are called {found.name}; rename the file")
        fitting.append(found)
    if len(fitting) == 1:
        why = "; ".join(f"{misfit.name} does not fit: {misfit.why}" for misfit in misfits)
        raise InputError(why or "no remedy is named; capsim whatif --list shows them")
    return fitting, misfits


def _today(belief: Belief) -> Alternative:
    return Alternative(name=TODAY, title="the system as it is", belief=belief, notes=())


def _alternative(belief: Belief, name: str, scenario: str | None) -> Alternative:
    remedies = parse_remedies(name)
    template, applied = apply_remedies(belief.template, remedies, scenario)
    return Alternative(
        name=JOINED.join(remedy.name for remedy in remedies),
        title=", ".join(remedy.file.title for remedy in remedies),
        belief=belief.changed(template),
        notes=tuple(f"{a.remedy.name}: {a.note}" for a in applied if a.note),
    )


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A remedy, and whether a model can have it."""

    name: str
    title: str
    reason: str
    unfit: str | None  # why not; none: it fits


def listed(
    template: Template, names: Sequence[str] = (), scenario: str | None = None
) -> list[Listed]:
    """Return remedies (none named: every shipped one), each tried on a model.

    Raises:
        InputError: a remedy is unknown or broken.
    """
    found = []
    for name in names or bundled.names(KIND):
        remedies = parse_remedies(name)
        unfit = None
        try:
            apply_remedies(template, remedies, scenario)
        except UnfitError as error:
            unfit = error.why
        found.append(
            Listed(
                name=name,
                title=", ".join(remedy.file.title for remedy in remedies),
                reason=" ".join(remedy.file.reason for remedy in remedies),
                unfit=unfit,
            )
        )
    return found
