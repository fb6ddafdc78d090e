"""What a reader must know of any result: which model, calibrated on what, changed how."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group

from capsim.report import layout


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where a result comes from."""

    model: str
    description: str
    calibration: str  # in words, e.g. "calibrated on cab, connector, deploy of p43/report"
    changes: Mapping[str, object]  # settings other than the model file's
    is_what_if: bool  # whether those make another system than the one that was measured
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()  # on the changes, less than a warning
    provenance: Mapping[str, object]

    @property
    def changes_in_words(self) -> str:
        """The changed settings on one line; empty where there are none."""
        return ", ".join(f"{key} = {value}" for key, value in self.changes.items())


def heading(context: Context, facts: str) -> Group:
    """Return the top of a report."""
    changed = context.changes_in_words
    return layout.title(
        f"{context.model}: {facts}",
        context.description,
        context.calibration,
        f"changed: {changed}" if changed else "",
        *context.notes,
    )


def warnings(context: Context) -> list[Group]:
    """Return what must not be overlooked."""
    return [layout.warning(text) for text in context.warnings]


def common_json(context: Context) -> dict[str, object]:
    """Return what every JSON report holds besides its result."""
    return {
        "changes": dict(context.changes),
        "notes": list(context.notes),
        "warnings": list(context.warnings),
        "provenance": dict(context.provenance),
    }
