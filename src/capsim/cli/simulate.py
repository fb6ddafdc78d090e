"""`capsim simulate`: a run at the central values of the parameters, or several, to look into."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import options
from capsim.cli.output import Format, Output, note
from capsim.cli.precision import PrecisionOf, PrecisionText, parse_precision, say_cap
from capsim.cli.progress import progress
from capsim.cli.work import Means, journal_of, kept_work
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.cli.system import System
    from capsim.experiments.precision import Precision
    from capsim.experiments.replications import Replications
    from capsim.journal import Journal
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
_SummaryOnly = Annotated[
    bool,
    typer.Option(
        "--summary-only",
        help="Keep counts and a histogram instead of the requests: memory does not grow with "
        "them, and percentiles are within 0.1 %. As CSV, a row per metric.",
    ),
]
_FullHistory = Annotated[
    bool, typer.Option("--full-history", help="With --export: as Locust's --csv-full-history.")
]
_Replications = Annotated[
    int | None,
    typer.Option(
        "--replications",
        "-r",
        min=2,
        help="Runs with independent luck: means and their intervals. With --precision: at most "
        "so many (default: 200).",
    ),
]


def simulate(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    users: _Users = None,
    scenario: options.Scenario = None,
    timeline: _Timeline = False,
    export: _Export = None,
    full_history: _FullHistory = False,
    summary_only: _SummaryOnly = False,
    replications: _Replications = None,
    precision: PrecisionText = None,
    precision_of: PrecisionOf = None,
    prior: options.Prior = False,
    posterior: options.PosteriorFile = None,
    model: options.Model = options.DEFAULT_MODEL,
    what_if: options.WhatIf = None,
    seed: options.Seed = 1,
    engine: options.Engine = None,  # noqa: ARG001 (its callback sees to it)
    form: options.Form = Format.TABLE,
    out: options.Out = None,
    settings: options.Settings = None,
    jobs: options.Jobs = None,
    executor: options.Executor = None,
    runs: options.Runs = None,
    resume: options.Resume = None,
) -> None:
    """Simulate one load test at the central values of the parameters: not a prediction.

    As CSV, it is a row per request. With --export, Locust's files of it are written, too, for
    tools that read those: PREFIX_stats.csv, PREFIX_stats_history.csv, PREFIX_failures.csv.

    With --replications or --precision, it is run again and again with independent luck: means,
    with 90 % confidence intervals; as CSV, a row per metric.
    """
    means = Means(jobs=jobs, executor=executor, runs=runs, resume=resume)
    number = options.one_number(users, "one run has one number of users")
    output = Output(form=form, out=out)
    output.check()
    _check_export(export, full_history=full_history)
    asked_precision = parse_precision(precision, precision_of)
    are_many = replications is not None or asked_precision is not None
    if are_many:
        _check_one_run(timeline=timeline, export=export, summary_only=summary_only)
    if summary_only:
        _check_summary_only(timeline=timeline, export=export)
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
    name = system.scenario(scenario, number)
    if are_many:
        task = _Task(
            system=system,
            scenario=name,
            users=number,
            replications=replications,
            precision=asked_precision,
            seed=seed,
            means=means,
        )
        _replicate(task, output)
        return
    found = _run(system, name, number, seed, summary_only=summary_only)
    if timeline and found.run is not None:
        course = found.run.timeline(slice_s=_slice_s(found.run.plan.horizon_s))
        found = replace(found, timeline=course)
    output.emit(report, found, system.context(seed=seed))
    if export is not None and found.run is not None:
        _write_export(found.run, export, full_history=full_history)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What to simulate several times."""

    system: "System"
    scenario: str
    users: int | None
    replications: int | None
    precision: "Precision | None"
    seed: int
    means: Means


def _replicate(task: _Task, output: Output) -> None:
    """Simulate several runs and write their means."""
    from capsim.report import replications as report

    with journal_of(task.means, "simulate", task.system.template.name, task.scenario) as journal:
        found = _replications(task, journal)
        context = task.system.context(seed=task.seed, replications=len(found.outcomes))
        output.emit(report, found, context)
        say_cap(found.precision, output.form, *report.CAP)


def _replications(task: _Task, journal: "Journal") -> "Replications":
    from capsim.experiments.replications import replicate

    engine = task.system.engine(task.scenario)
    with kept_work("simulations", means=task.means, engine=engine, journal=journal) as work:
        return replicate(
            task.system.belief.central(),
            scenario=task.scenario,
            users=task.users,
            replications=task.replications,
            precision=task.precision,
            seed=task.seed,
            executor=work.executor,
            on_done=work.on_done,
            journal=work.journal,
        )


def _check_one_run(*, timeline: bool, export: str | None, summary_only: bool) -> None:
    """Make sure that nothing is asked of several runs that is about a single one."""
    given = {
        "--timeline": timeline,
        "--export": export is not None,
        "--summary-only": summary_only,
    }
    for option, is_given in given.items():
        if is_given:
            raise InputError(
                f"{option}: is about one run; leave out --replications and --precision"
            )


def _check_summary_only(*, timeline: bool, export: str | None) -> None:
    """Make sure that nothing is asked for that needs the requests, if nobody keeps them."""
    for option, is_given in (("--timeline", timeline), ("--export", export is not None)):
        if is_given:
            raise InputError(
                f"{option}: needs the requests, which --summary-only does not keep; leave out one"
            )


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
    system: "System", scenario: str, users: int | None, seed: int, *, summary_only: bool
) -> "SimulatedRun":
    from capsim.cli.executor import prepared_engine
    from capsim.metrics.folding import simulate_summary
    from capsim.metrics.look import ramp_s
    from capsim.metrics.run import simulate as run
    from capsim.report.run import SimulatedRun

    prepared_engine()
    model = system.belief.central()
    spec = model.scenario(scenario)
    begin_s = min(ramp_s(spec, users), spec.duration_s / 2)
    with progress("simulated seconds") as on_done:

        def on_time(now_s: float) -> None:
            on_done(int(now_s), int(spec.duration_s))

        if summary_only:
            made = None
            digest = simulate_summary(
                model,
                scenario=scenario,
                users=users,
                seed=seed,
                usages_begin_s=begin_s,
                on_time=on_time,
            )
        else:
            made = run(model, scenario=scenario, users=users, seed=seed, on_time=on_time)
            digest = made.digest(usages_begin_s=begin_s)
    return SimulatedRun(scenario=scenario, users=users or spec.peak_users, digest=digest, run=made)


def _slice_s(horizon_s: float) -> float:
    """Return a length of slices that people count in, for some two dozen of them."""
    wanted = horizon_s / _SLICES
    return next(
        (s for s in (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0) if s >= wanted), wanted
    )
