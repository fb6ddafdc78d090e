"""What an audit found: serious things first, each in a few lines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.text import Text

from capsim.loadtest.audit import Finding, Severity
from capsim.loadtest.observations import Dataset
from capsim.report import layout
from capsim.report.plain import csv_text, plain

WIDTH = 80
_STYLES = {Severity.SERIOUS: layout.BAD, Severity.WARNING: "yellow", Severity.NOTE: layout.QUIET}
_COLUMNS = ("severity", "kind", "load_tests", "what", "meaning", "remedy", "numbers")
_PLURALS = {Severity.SERIOUS: "serious", Severity.WARNING: "warnings", Severity.NOTE: "notes"}

Gap = tuple[str, tuple[str, ...]]
Notes = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Everything that a report of an audit shows.

    Attributes:
        datasets: The names of what was audited.
        load_tests: How many they hold.
        findings: Serious ones first.
        unchecked: What could not be checked, and of which load tests.
        notes: Of result files: what was noted as they were read, by load test.
    """

    datasets: tuple[str, ...]
    load_tests: int
    findings: tuple[Finding, ...]
    unchecked: tuple[Gap, ...]
    notes: tuple[Notes, ...] = ()

    @classmethod
    def of(
        cls,
        datasets: Sequence[Dataset],
        findings: Sequence[Finding],
        gaps: Sequence[Gap],
        notes: Sequence[Notes] = (),
    ) -> "Audit":
        """Return the audit of some datasets."""
        return cls(
            datasets=tuple(dataset.name for dataset in datasets),
            load_tests=sum(len(dataset.load_tests) for dataset in datasets),
            findings=tuple(findings),
            unchecked=tuple(gaps),
            notes=tuple(notes),
        )

    def counts(self) -> dict[Severity, int]:
        """Return how many findings there are of every severity."""
        counted = Counter(finding.severity for finding in self.findings)
        return {severity: counted[severity] for severity in Severity}


def renderable(audit: Audit) -> Constrain:
    """Return the findings for people, 80 columns wide at most."""
    parts: list[RenderableType] = [layout.title(f"Audit of {' and '.join(audit.datasets)}")]
    parts.append(Text(_summary(audit), style=layout.QUIET))
    parts += [part for finding in audit.findings for part in _finding(finding, audit)]
    if audit.notes:
        parts.append(layout.section("Notes", layout.bullets(_notes(audit))))
    if audit.unchecked:
        lines = [f"{_short(labels, audit)}: {what}" for what, labels in audit.unchecked]
        parts.append(layout.section("Not checked", layout.bullets(lines)))
    return Constrain(Group(*parts), WIDTH)


def _notes(audit: Audit) -> list[str]:
    """Say what several load tests have in common once."""
    said: dict[str, list[str]] = {}
    for label, notes in audit.notes:
        for one in notes:
            said.setdefault(one, []).append(label)
    return [f"{_short(labels, audit)}: {one}" for one, labels in said.items()]


def as_json(audit: Audit) -> dict[str, object]:
    """Return the findings as plain data."""
    return {
        "datasets": list(audit.datasets),
        "load_tests": audit.load_tests,
        "counts": plain(audit.counts()),
        "findings": [
            {
                "severity": str(finding.severity),
                "kind": str(finding.kind),
                "load_tests": list(finding.load_tests),
                "what": finding.what,
                "meaning": finding.meaning,
                "remedy": finding.remedy,
                "numbers": plain(finding.numbers),
            }
            for finding in audit.findings
        ],
        "unchecked": [
            {"what": what, "load_tests": list(labels)} for what, labels in audit.unchecked
        ],
        "notes": [
            {"load_test": label, "note": one} for label, notes in audit.notes for one in notes
        ],
    }


def as_csv(audit: Audit) -> str:
    """Return a row per finding."""
    return csv_text(
        _COLUMNS,
        [
            (
                str(finding.severity),
                str(finding.kind),
                " ".join(finding.load_tests),
                finding.what,
                finding.meaning,
                finding.remedy,
                " ".join(f"{name}={value:.6g}" for name, value in finding.numbers.items()),
            )
            for finding in audit.findings
        ],
    )


def _summary(audit: Audit) -> str:
    tests = f"{audit.load_tests} load test{'s' if audit.load_tests != 1 else ''}"
    if not audit.findings:
        return f"{tests}; nothing found that contradicts itself"
    counts = audit.counts().items()
    return f"{tests}: " + ", ".join(f"{count} {_word(kind, count)}" for kind, count in counts)


def _word(severity: Severity, count: int) -> str:
    return str(severity) if count == 1 else _PLURALS[severity]


def _finding(finding: Finding, audit: Audit) -> list[RenderableType]:
    head = Text.assemble(
        (str(finding.severity).upper(), _STYLES[finding.severity]),
        " ",
        (str(finding.kind), "bold"),
        (f"  {_short(finding.load_tests, audit)}", layout.QUIET),
    )
    return [
        Text(""),
        head,
        layout.indented(Text(finding.what)),
        layout.indented(Text(f"{finding.meaning} {finding.remedy}", style=layout.QUIET)),
    ]


def _short(labels: Sequence[str], audit: Audit) -> str:
    """Name load tests by dataset, and without it where there is but one."""
    if len(audit.datasets) == 1:
        return ", ".join(label.removeprefix(f"{audit.datasets[0]}/") for label in labels)
    named: dict[str, list[str]] = {}
    for label in labels:
        dataset, _, test = label.rpartition("/")
        named.setdefault(dataset, []).append(test)
    return "; ".join(f"{dataset}: {', '.join(tests)}" for dataset, tests in named.items())
