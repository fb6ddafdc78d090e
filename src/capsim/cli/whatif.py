"""`capsim whatif`: remedies compared with the system as it is, and ranked."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import options
from capsim.cli.output import Format, Output
from capsim.cli.pictures import check_picture, default_picture, draw
from capsim.cli.work import Means, journal_of, kept_work
from capsim.journal import Journal

if TYPE_CHECKING:
    from capsim.cli.system import System
    from capsim.experiments.found_whatif import WhatIf
    from capsim.report.whatif import Comparison

_Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[REMEDY]...",
        help="Remedies, several joined by + to be applied together (default: all that fit).",
    ),
]
_List = Annotated[bool, typer.Option("--list", help="List the remedies; simulate nothing.")]
_Users = Annotated[
    str | None, typer.Option("--users", "-u", help="How many (default: the scenario's own).")
]


def whatif(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    names: _Names = None,
    show_list: _List = False,
    users: _Users = None,
    scenario: options.Scenario = None,
    draws: options.Draws = None,
    plot: options.Plot = None,
    no_plot: options.NoPlot = False,
    prior: options.Prior = False,
    posterior: options.PosteriorFile = None,
    hypothesis: options.Hypothesis = None,
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
    """Compare remedies, draw by draw under the same luck, and rank them by regret.

    All that fit take a quarter of a minute on two cores; name a few for less.
    """
    means = Means(jobs=jobs, executor=executor, runs=runs, resume=resume)
    number = options.one_number(users, "remedies are compared at one number of users")
    output = Output(form=form, out=out)
    output.check()
    check_picture(plot, no_plot=no_plot, out=out)
    asked = options.Asked(
        model=options.named_model(model, hypothesis),
        settings=options.parse_settings(settings),
        what_if=what_if or (),
        scenario=scenario,
        prior=prior,
        posterior=posterior,
    )

    from capsim.cli.system import read_system

    system = read_system(asked)
    name = system.scenario(scenario, number)
    if show_list:
        _list(system, name, names or [], output)
        return
    usual = default_picture(system.template.name, name, "remedies")
    picture = None if no_plot else plot or usual
    check_picture(picture)
    task = _Task(system=system, scenario=name, users=number, draws=draws, seed=seed, means=means)
    with journal_of(task.means, "whatif", system.template.name, name) as journal:
        found = _compare(task, names or [], journal)
        _write(system, found, seed, output)
        draw(partial(_picture, found), picture)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What to compare remedies on."""

    system: "System"
    scenario: str
    users: int | None
    draws: int | None
    seed: int
    means: Means


def _compare(task: _Task, names: list[str], journal: Journal) -> "WhatIf":
    from capsim.experiments.whatif import DRAWS
    from capsim.experiments.whatif import whatif as run

    engine = task.system.engine(task.scenario)
    with kept_work("simulations", means=task.means, engine=engine, journal=journal) as work:
        return run(
            task.system.belief,
            names,
            users=task.users,
            scenario=task.scenario,
            dataset=task.system.dataset,
            draws=task.draws or DRAWS,
            seed=task.seed,
            executor=work.executor,
            on_done=work.on_done,
            journal=work.journal,
        )


def _write(system: "System", found: "WhatIf", seed: int, output: Output) -> None:
    from capsim.report import whatif as report

    draws = len(found.today.outcomes)
    context = system.context(seed=seed, draws=draws, users=found.users)
    context = system.beside_measurement(context, found.scenario, found.users, found.today.outcomes)
    output.emit(report, _judged(system, found), context)


def _judged(system: "System", found: "WhatIf") -> "Comparison":
    from capsim.experiments.priorities import judged
    from capsim.model.claims import claims_on
    from capsim.report.whatif import Comparison

    claims = claims_on(system.template)
    return Comparison(
        found=found,
        report=claims.report if claims else "",
        judgements=judged(found, claims) if claims else (),
    )


def _list(system: "System", scenario: str, names: list[str], output: Output) -> None:
    from capsim.experiments.alternatives import listed
    from capsim.report import remedies as report

    output.emit(report, listed(system.template, names, scenario), system.template.name)


def _picture(found: "WhatIf", path: Path) -> None:
    from capsim.plots import plot_whatif, save

    save(plot_whatif(found), path)
