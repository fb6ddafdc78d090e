"""`capsim sweep`: one parameter or two over their values, all luck held equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import options
from capsim.cli.axes import Spacing, parse_axes
from capsim.cli.output import Format, Output
from capsim.cli.pictures import check_picture, default_picture, draw
from capsim.cli.work import Means, journal_of, kept_work
from capsim.journal import Journal

if TYPE_CHECKING:
    from capsim.engine.choice import Engine
    from capsim.experiments.axes import Value
    from capsim.experiments.sweep import Sweep
    from capsim.experiments.sweep_plan import SweepPlan

_Parameters = Annotated[
    list[str],
    typer.Argument(
        metavar="PARAM",
        help="pool-size, workers, threads, users, query-time, timeout, worker-timeout, "
        "pool-timeout, query-timeout, what-if, or a key of the model; with values if you like: "
        "workers=1..16, users=50..1500/8, query-time=log:0.001..0.1/7.",
    ),
]
_Values = Annotated[
    list[str] | None,
    typer.Option("--values", help="Values to try, e.g. 20,50,100; once per parameter."),
]
_First = Annotated[float | None, typer.Option("--from", help="First value to try.")]
_Last = Annotated[float | None, typer.Option("--to", help="Last value to try.")]
_Steps = Annotated[
    int | None, typer.Option("--steps", min=2, help="Number of values (default: 10).")
]
_Log = Annotated[bool, typer.Option("--log", help="Values in equal ratios, not distances.")]
_Users = Annotated[
    str | None, typer.Option("--users", "-u", help="How many (default: the scenario's own).")
]


def sweep(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    parameters: _Parameters,
    values: _Values = None,
    first: _First = None,
    last: _Last = None,
    steps: _Steps = None,
    log: _Log = False,
    users: _Users = None,
    scenario: options.Scenario = None,
    draws: options.Draws = None,
    plot: options.Plot = None,
    no_plot: options.NoPlot = False,
    prior: options.Prior = False,
    posterior: options.PosteriorFile = None,
    model: options.Model = options.DEFAULT_MODEL,
    what_if: options.WhatIf = None,
    seed: options.Seed = 1,
    form: options.Form = Format.TABLE,
    out: options.Out = None,
    settings: options.Settings = None,
    jobs: options.Jobs = None,
    executor: options.Executor = None,
    runs: options.Runs = None,
    resume: options.Resume = None,
    engine: options.Engine = None,  # noqa: ARG001 (its callback sees to it)
) -> None:
    """Vary one parameter or two, and compare with today draw by draw under the same luck."""
    means = Means(jobs=jobs, executor=executor, runs=runs, resume=resume)
    spacing = Spacing(first=first, last=last, steps=steps, log=log)
    axes = parse_axes(parameters, values or (), spacing)
    number = options.one_number(users, "a sweep is at one number of users")
    task = _Task(axes=axes, users=number, draws=draws, seed=seed, means=means)
    place = _Place(output=Output(form=form, out=out), plot=plot, has_picture=not no_plot)
    asked = options.Asked(
        model=model,
        settings=options.parse_settings(settings),
        what_if=what_if or (),
        scenario=scenario,
        prior=prior,
        posterior=posterior,
    )
    _sweep(asked, task, place)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What to sweep."""

    axes: "Mapping[str, Sequence[Value] | None]"
    users: int | None
    draws: int | None
    seed: int
    means: Means


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the result goes."""

    output: Output
    plot: Path | None
    has_picture: bool

    def picture(self, *names: str) -> Path | None:
        """Return the picture's file, by default one named after what it shows; none: no picture.

        Raises:
            InputError: it cannot be written.
        """
        path = (self.plot or default_picture(*names)) if self.has_picture else None
        check_picture(path)
        return path


def _sweep(asked: options.Asked, task: _Task, place: _Place) -> None:
    from capsim.cli.system import read_system
    from capsim.experiments.sweep import DRAWS
    from capsim.experiments.sweep_plan import plan_sweep
    from capsim.report import grid, sweep

    place.output.check()
    check_picture(place.plot, no_plot=not place.has_picture, out=place.output.out)
    system = read_system(asked)
    scenario = system.scenario(asked.scenario, task.users)
    picture = place.picture(system.template.name, scenario, *task.axes)
    draws = task.draws or DRAWS
    plan = plan_sweep(
        system.belief,
        task.axes,
        users=task.users,
        scenario=scenario,
        draws=draws,
        seed=task.seed,
    )
    with journal_of(task.means, "sweep", system.template.name, plan.scenario) as journal:
        found = _run(plan, task.means, system.engine(scenario), journal)
        context = system.context(seed=task.seed, draws=draws, users=found.users)
        now = found.now.outcomes
        context = system.beside_measurement(context, found.scenario, found.users, now)
        place.output.emit(sweep if len(task.axes) == 1 else grid, found, context)
        draw(partial(_picture, plan, found), picture)


def _run(plan: "SweepPlan", means: Means, engine: "Engine", journal: Journal) -> "Sweep":
    from capsim.experiments.sweep import run_sweep

    with kept_work("simulations", means=means, engine=engine, journal=journal) as work:
        return run_sweep(plan, executor=work.executor, on_done=work.on_done, journal=work.journal)


def _picture(plan: "SweepPlan", found: "Sweep", path: Path) -> None:
    from capsim.experiments.ceilings import of_sweep
    from capsim.plots import plot_grid, plot_sweep, save

    is_one = len(found.axes) == 1
    save(plot_sweep(found, of_sweep(plan)) if is_one else plot_grid(found), path)
