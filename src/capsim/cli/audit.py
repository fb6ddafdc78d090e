"""`capsim audit`: what measured data say of themselves, before any model is fitted to them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import import_options, options
from capsim.cli.output import Format, Output
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.loadtest.assembling import Told

_Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES...",
        help="Datasets (.toml, or shipped names such as p43/report) and result files.",
    ),
]
_Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 if anything serious is found.")
]


def audit(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    files: _Files,
    strict: _Strict = False,
    users: import_options.Users = None,
    rate: import_options.Rate = None,
    duration: import_options.Duration = None,
    think: import_options.Think = None,
    form: options.Form = Format.TABLE,
    out: options.Out = None,
) -> None:
    """Check load-test data by operational laws: what is wrong with them, and what it means.

    --users, --rate, --duration and --think are for result files: --users 1000, --users burst=1000.
    """
    output = Output(form=form, out=out)
    output.check()

    from capsim.loadtest.audit import Severity, audited, unchecked
    from capsim.loadtest.audit.sources import is_dataset, read
    from capsim.report import audit as report

    said = {"--users": users, "--rate": rate, "--duration": duration, "--think": think}
    if all(is_dataset(file) for file in files):
        _refuse(said)

    def told(names: Sequence[str]) -> "Mapping[str, Told]":
        return import_options.told(
            names, users=users, rate=rate, duration=duration, think=think, held_out=None
        )

    found = read(files, told)
    findings = audited(found.datasets)
    gaps = unchecked(found.datasets)
    output.emit(report, report.Audit.of(found.datasets, findings, gaps, found.notes))
    if strict and any(finding.severity is Severity.SERIOUS for finding in findings):
        raise typer.Exit(1)


def _refuse(said: Mapping[str, list[str] | None]) -> None:
    """A dataset says by itself what these options would say of result files."""
    for option, values in said.items():
        if values:
            raise InputError(
                f"{option} {values[0]}: is for result files, and only datasets are named; write it "
                "into the dataset (docs/calibration-data.md)"
            )
