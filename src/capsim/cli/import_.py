"""`capsim import`: a dataset from the files of load tests."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import import_options as told
from capsim.cli import options
from capsim.cli.output import Format, Output, note, plain_text
from capsim.errors import InputError
from capsim.files import write_whole

if TYPE_CHECKING:
    from capsim.loadtest.assembling import Imported
    from capsim.loadtest.observations import Dataset

_Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATHS...", help="Result files, folders, or the prefix of Locust's files."
    ),
]
_Name = Annotated[str | None, typer.Option("--name", help="Of the dataset (default: the files').")]
_HeldOut = Annotated[
    list[str] | None,
    typer.Option("--held-out", metavar="TEST", help="Keep a test out of calibration; repeatable."),
]
_Pattern = Annotated[
    list[str] | None,
    typer.Option("--pattern", metavar="PATH", help="Group '/orders/*/pay/'; repeatable."),
]
_NoPatterns = Annotated[
    bool, typer.Option("--no-patterns", help="Do not recognise ids in paths by itself.")
]
_FormatOf = Annotated[
    str | None, typer.Option("--format-of", metavar="TOOL", help="Read files of this tool only.")
]
_Columns = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="NAMES", help="Of a table: start=ts,response_time_ms=lat,endpoint=url."
    ),
]
_Together = Annotated[
    str | None,
    typer.Option("--together", metavar="TEST", help="All files are of one test, called so."),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        readable=False,
        callback=options.printed_if_dash,
        help="Dataset to write (default: print it).",
    ),
]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Write over a dataset, with what was edited in it.")
]


def import_(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    paths: _Paths,
    name: _Name = None,
    users: told.Users = None,
    rate: told.Rate = None,
    duration: told.Duration = None,
    think: told.Think = None,
    held_out: _HeldOut = None,
    pattern: _Pattern = None,
    no_patterns: _NoPatterns = False,
    format_of: _FormatOf = None,
    columns: _Columns = None,
    together: _Together = None,
    out: _Out = None,
    replace: _Replace = False,
) -> None:
    """Make a dataset of the files of load tests: Locust, k6, JMeter, wrk, hey, vegeta, or a table.

    --users, --rate, --duration and --think hold for all tests, or for one: --users burst=1000.
    """
    output = Output(form=Format.TABLE, out=out)
    output.check()

    from capsim.loadtest.assembling import assemble, dataset_of
    from capsim.loadtest.endpoints import Patterns
    from capsim.loadtest.importing import find_runs, joined, read_runs

    patterns = Patterns(given=tuple(pattern or ()), automatic=not no_patterns)
    found = find_runs(paths, told.tool(format_of), told.table_of(columns, format_of))
    if together is not None:
        found = joined(found, told.test_name(together))
    names = [run.name for run in found.runs]
    said = told.told(
        names, users=users, rate=rate, duration=duration, think=think, held_out=held_out
    )
    imported = assemble(read_runs(found, patterns), said)
    dataset = dataset_of(imported, name or told.dataset_name(paths, names, out))
    _write(dataset, imported, found.ignored, output, replace=replace)


def _write(
    dataset: "Dataset",
    imported: Sequence["Imported"],
    ignored: Sequence[str],
    output: Output,
    *,
    replace: bool,
) -> None:
    from rich.console import Console

    from capsim.report import imported as report

    text = _text(dataset, imported)
    summary = report.renderable(imported, ignored, _findings(dataset))
    if output.out is None:
        sys.stderr.write(plain_text(summary, report.WIDTH))
        output.write(text)
        note("to keep it, add --out FILE; then: capsim audit FILE")
        return
    _keep(output.out, text, replace=replace)
    if sys.stdout.isatty():
        Console(highlight=False).print(summary, crop=False)
    else:
        sys.stdout.write(plain_text(summary, report.WIDTH))
    sys.stdout.write(f"\nNext: capsim audit {output.out}\n")


def _keep(out: Path, text: str, *, replace: bool) -> None:
    """Write a dataset, but not over another one: people add think times and notes by hand.

    Raises:
        InputError: the file holds something else, and may not be replaced.
    """
    there = out.is_file()
    if there and not replace and out.read_bytes() != text.encode("utf-8"):
        raise InputError(
            f"{out}: exists with other content, perhaps edited by hand; give another name, or "
            "--replace"
        )
    write_whole(out, text)
    note(f"{'replaced' if there else 'wrote'} {out}")


def _findings(dataset: "Dataset") -> list[str]:
    """Return what the audit says, a line each; `capsim audit` explains it."""
    from capsim.loadtest.audit.auditing import audited

    lines = []
    for finding in audited([dataset]):
        tests = ", ".join(name.removeprefix(f"{dataset.name}/") for name in finding.load_tests)
        lines.append(
            f"{finding.severity.value.upper()} {finding.kind.value}, {tests}: {finding.what}"
        )
    return lines


def _text(dataset: "Dataset", imported: Sequence["Imported"]) -> str:
    from capsim.loadtest.dataset_toml import dataset_text
    from capsim.loadtest.scenario_block import scenario_lines

    comments: Mapping[str, Sequence[str]] = {
        found.name: [
            "For the model file:",
            "",
            *scenario_lines(found),
            *_missing(found),
        ]
        for found in imported
    }
    endpoints = {
        (found.name, row.endpoint): f"{row.number_of_names} names, e.g. {row.names[0]}"
        for found in imported
        for row in found.recording.rows
        if row.number_of_names > 1
    }
    return dataset_text(dataset, head=_HEAD, comments=comments, endpoint_comments=endpoints)


_HEAD = (
    "Figures as the load-test tool printed them, with six digits at most; nothing is guessed.",
    "docs/calibration-data.md describes every key.",
)


def _missing(found: "Imported") -> list[str]:
    if found.test.users and found.test.think_s is None:
        return [
            "",
            "No file says how long users think between requests; the load test's own script does.",
            'Add it here, too, for the audit: think_s = { law = "uniform", low = 1, high = 3 }',
        ]
    return []
