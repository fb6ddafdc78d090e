"""What an audit finds: a closed set of kinds, and what each means for a prediction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from capsim.loadtest.audit.kinds import WORDS, Kind


class Severity(StrEnum):
    """How much a finding matters."""

    SERIOUS = "serious"  # a prediction that rests on these figures is wrong
    WARNING = "warning"  # it may be wrong, or its reader misled
    NOTE = "note"  # worth knowing


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that the figures say of themselves.

    Attributes:
        kind: Which law or rule it rests on.
        severity: How much it matters.
        load_tests: The load tests concerned, each as `dataset/load_test`.
        numbers: What was compared, by names that carry their units (`_s`: seconds).
        what: The finding in a sentence, with its numbers.
        meaning: What it means for a prediction that rests on these figures.
        remedy: What to do about it.
    """

    kind: Kind
    severity: Severity
    load_tests: tuple[str, ...]
    numbers: Mapping[str, float]
    what: str
    meaning: str
    remedy: str


def serious(kind: Kind, tests: Sequence[str], what: str, **numbers: float) -> Finding:
    """Return a serious finding."""
    return _finding(Severity.SERIOUS, kind, tests, what, numbers)


def warning(kind: Kind, tests: Sequence[str], what: str, **numbers: float) -> Finding:
    """Return a warning."""
    return _finding(Severity.WARNING, kind, tests, what, numbers)


def note(kind: Kind, tests: Sequence[str], what: str, **numbers: float) -> Finding:
    """Return a note."""
    return _finding(Severity.NOTE, kind, tests, what, numbers)


def as_note(finding: Finding) -> Finding:
    """Return the same finding as a note."""
    return replace(finding, severity=Severity.NOTE)


def _finding(
    severity: Severity, kind: Kind, tests: Sequence[str], what: str, numbers: Mapping[str, float]
) -> Finding:
    words = WORDS[kind]
    return Finding(
        kind=kind,
        severity=severity,
        load_tests=tuple(tests),
        numbers=MappingProxyType({name: float(value) for name, value in numbers.items()}),
        what=what,
        meaning=words.meaning,
        remedy=words.remedy,
    )
