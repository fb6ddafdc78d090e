"""`capsim simulate`: one run at the central values of the parameters, to look into."""

from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import options
from capsim.cli.output import Format, Output, note
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.cli.system import System
    from capsim.metrics.run import Run
    from capsim.report.run import SimulatedRun

_SLICES = 24  # of a run, about

_Users = Annotated[
    str | None, typer.Option("--users", "-u", help="How many (default: the scenario's own).")
]
_Timeline = Annotated[bool, typer.Option("--timeline", help="Show the run over time, too.")]
_Export = Annotated[
    str | None,
    typer.Option("--export", metavar="PREFIX", help="Write Locust's three CSV files of the run."),
]
_FullHistory = Annotated[
    bool, typer.Option("--full-history", help="With --export: as Locust's --csv-full-history.")
]


def simulate(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    users: _Users = None,
    scenario: options.Scenario = None,
    timeline: _Timeline = False,
    export: _Export = None,
    full_history: _FullHistory = False,
    prior: options.Prior = False,
    posterior: options.PosteriorFile = None,
    model: options.Model = options.DEFAULT_MODEL,
    what_if: options.WhatIf = None,
    seed: options.Seed = 1,
    engine: options.Engine = None,  # noqa: ARG001 (its callback sees to it)
    form: options.Form = Format.TABLE,
    out: options.Out = None,
    settings: options.Settings = None,
) -> None:
    """Simulate one load test at the central values of the parameters: not a prediction.

    As CSV, it is a row per request. With --export, Locust's files of it are written, too, for
    tools that read those: PREFIX_stats.csv, PREFIX_stats_history.csv, PREFIX_failures.csv.
    """
    number = options.one_number(users, "one run has one number of users")
    output = Output(form=form, out=out)
    output.check()
    _check_export(export, full_history=full_history)
    changes = options.parse_settings(settings)
    asked = options.Asked(
        model=model,
        settings=changes,
        what_if=what_if or (),
        scenario=scenario,
        prior=prior,
        posterior=posterior,
    )

    from capsim.cli.system import read_system
    from capsim.report import run as report

    system = read_system(asked)
    found = _run(system, system.scenario(scenario, number), number, seed, timeline=timeline)
    context = system.context(seed=seed)
    output.emit(report, found, context)
    if export is not None:
        _write_export(found.run, export, full_history=full_history)


def _check_export(prefix: str | None, *, full_history: bool) -> None:
    """Make sure, before any work, that an export can be written."""
    if prefix is not None:
        from capsim.loadtest.locust_export import export_paths

        export_paths(prefix)
    elif full_history:
        raise InputError("--full-history: is about the files of --export; give --export PREFIX")


def _write_export(run: "Run", prefix: str, *, full_history: bool) -> None:
    from capsim.loadtest.locust_export import write_locust_files

    paths = write_locust_files(run, prefix, full_history=full_history)
    note(f"wrote {', '.join(map(str, paths))}")


def _run(
    system: "System", scenario: str, users: int | None, seed: int, *, timeline: bool
) -> "SimulatedRun":
    from capsim.cli.executor import prepared_engine
    from capsim.metrics.look import ramp_s
    from capsim.metrics.run import simulate as run
    from capsim.report.run import SimulatedRun

    prepared_engine()
    model = system.belief.central()
    made = run(model, scenario=scenario, users=users, seed=seed)
    spec = model.scenario(scenario)
    horizon_s = made.trace.horizon_s
    return SimulatedRun(
        scenario=scenario,
        users=users or spec.peak_users,
        run=made,
        usages=made.usages(begin_s=min(ramp_s(spec, users), horizon_s / 2)),
        timeline=made.timeline(slice_s=_slice_s(horizon_s)) if timeline else None,
    )


def _slice_s(horizon_s: float) -> float:
    """Return a length of slices that people count in, for some two dozen of them."""
    wanted = horizon_s / _SLICES
    return next(
        (s for s in (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0) if s >= wanted), wanted
    )
