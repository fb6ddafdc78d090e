"""The shipped models and load-test data."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.text import Text

from capsim.report import layout
from capsim.report.plain import csv_text, plain

_COLUMNS = ("kind", "name", "description", "state")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One shipped file."""

    kind: str  # `model` or `data`
    name: str
    description: str
    state: str  # `calibrated` and so on; empty for data


def renderable(entries: Sequence[Entry]) -> Group:
    """Return one line per file."""
    lines = [
        Text.assemble(
            (f"{entry.kind:6}", layout.QUIET),
            (f"{entry.name}", "bold"),
            f": {entry.description}",
            (f" ({entry.state})" if entry.state else "", layout.QUIET),
            no_wrap=True,
            overflow="ignore",
        )
        for entry in entries
    ]
    return Group(*lines)


def as_json(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """Return a table per file."""
    made: list[dict[str, str]] = plain([vars(entry) for entry in entries])
    return made


def as_csv(entries: Sequence[Entry]) -> str:
    """Return a row per file."""
    return csv_text(_COLUMNS, [tuple(vars(entry).values()) for entry in entries])
