"""The remedies that there are, and whether they fit a model."""

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from capsim.experiments.alternatives import Listed
from capsim.report import layout
from capsim.report.plain import csv_text, plain

_COLUMNS = ("name", "title", "reason", "unfit")


def renderable(remedies: Sequence[Listed], model: str) -> Group:
    """Return the name of each remedy, what it is, and why it may not fit."""
    return Group(*(line for remedy in remedies for line in _lines(remedy, model)))


def _lines(remedy: Listed, model: str) -> Iterator[Text | Padding]:
    fits = "" if remedy.unfit is None else f" (does not fit {model})"
    yield Text.assemble((remedy.name, "bold"), f": {remedy.title}", (fits, layout.BAD))
    yield layout.indented(layout.sentence(remedy.reason, layout.QUIET))
    if remedy.unfit is not None:
        yield layout.indented(layout.sentence(f"Not here: {remedy.unfit}.", layout.QUIET))


def as_json(remedies: Sequence[Listed], model: str) -> list[dict[str, object]]:  # noqa: ARG001 (alike for all results)
    """Return a table per remedy; `unfit` is null where it fits."""
    made: list[dict[str, object]] = plain([vars(remedy) for remedy in remedies])
    return made


def as_csv(remedies: Sequence[Listed], model: str) -> str:  # noqa: ARG001 (alike for all results)
    """Return a row per remedy."""
    return csv_text(_COLUMNS, [tuple(vars(remedy).values()) for remedy in remedies])
