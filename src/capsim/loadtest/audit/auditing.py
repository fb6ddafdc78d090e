"""All checks put together."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from capsim.loadtest.audit import (
    between,
    course,
    drift,
    endpoints,
    failures,
    history,
    impossible,
    levels,
    little,
    pacing,
    pool,
    recordings,
    timeouts,
    totals,
)
from capsim.loadtest.audit.case import Case
from capsim.loadtest.audit.causes import without_consequences
from capsim.loadtest.audit.finding import Finding, Severity
from capsim.loadtest.audit.sources import nothing_told, read, refuse_twice
from capsim.loadtest.observations import Dataset

_ALONE = (totals, failures, little, pacing, history, course, drift, timeouts, endpoints, impossible)
_ORDER = list(Severity)


def audited(datasets: Sequence[Dataset]) -> tuple[Finding, ...]:
    """Check datasets by operational laws, each alone and those of one load test together.

    Args:
        datasets: What was measured. Load tests of the same name and users in several datasets are
            taken for the same load test.

    Returns:
        The findings, serious ones first, without those that another one explains.
    """
    groups = [_cases(dataset) for dataset in datasets]
    found = [finding for cases in groups for finding in _within(cases)]
    found += between.findings(groups)
    ordered = sorted(_merged(found), key=lambda finding: _ORDER.index(finding.severity))
    return tuple(without_consequences(ordered))


def audit(*references: Dataset | str | Path) -> tuple[Finding, ...]:
    """Check datasets, or what they are read from, by operational laws; see `audited`.

    Args:
        references: Datasets, their paths or shipped names (`p43/report`), and paths of result
            files that `capsim import` reads.

    Raises:
        InputError: something cannot be read, or is there twice.
    """
    datasets = [
        dataset
        for reference in references
        for dataset in (
            [reference]
            if isinstance(reference, Dataset)
            else read([reference], nothing_told).datasets
        )
    ]
    refuse_twice(datasets)
    return audited(datasets)


def _cases(dataset: Dataset) -> list[Case]:
    return [
        Case(
            label=f"{dataset.name}/{name}",
            name=name,
            test=test,
            tool=dataset.tool,
            configured=dataset.configured,
        )
        for name, test in dataset.load_tests.items()
    ]


def _within(cases: Sequence[Case]) -> Iterable[Finding]:
    for case in cases:
        for law in (*_ALONE, recordings):
            yield from law.findings(case)
    yield from pool.findings(cases)
    yield from levels.findings(cases)
    yield from between.copies(cases)
    yield from recordings.machines(cases)


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """Say what two datasets show in the same words once."""
    merged: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.kind, finding.what)
        known = merged.get(key)
        if known is None:
            merged[key] = finding
        else:
            tests = dict.fromkeys((*known.load_tests, *finding.load_tests))
            merged[key] = replace(known, load_tests=tuple(tests))
    return list(merged.values())
