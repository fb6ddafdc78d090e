"""`capsim capacity`: up to which load the targets hold, with a given confidence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capsim.cli import options
from capsim.cli.output import Format, Output
from capsim.cli.pictures import check_picture, default_picture, draw
from capsim.cli.work import Means, journal_of, kept_work
from capsim.errors import InputError
from capsim.journal import Journal

if TYPE_CHECKING:
    from capsim.cli.system import System
    from capsim.experiments.found_capacity import Capacity
    from capsim.experiments.load_claims import Claimed
    from capsim.model.claims import Claims

_MOST = 1_000_000  # users, or requests per second: all are simulated one by one

_Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        help="What has to hold, e.g. 'p95 < 1s and failed < 1%' (default: the model's p95).",
    ),
]
_Confidence = Annotated[
    float, typer.Option("--confidence", help="Share of the draws in which it has to hold.")
]
_At = Annotated[
    str | None,
    typer.Option("--at", metavar="LEVELS", help="How sure is it there? E.g. 200,500 users."),
]
_Rate = Annotated[bool, typer.Option("--rate", help="Search an arrival rate, not users.")]
_Claims = Annotated[
    bool,
    typer.Option("--claims", help="Answer what the system's report claims of its load, too."),
]
_Most = Annotated[
    float | None, typer.Option("--most", help="Highest level to try (default: what fits the test).")
]


def capacity(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    target: _Target = None,
    confidence: _Confidence = 0.9,
    at: _At = None,
    rate: _Rate = False,
    claims: _Claims = False,
    most: _Most = None,
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
    """Find the largest number of users (or arrival rate) that meets a target.

    With a confidence over the unknown parameters, what limits there, and whether the system comes
    back after a burst.
    """
    means = Means(jobs=jobs, executor=executor, runs=runs, resume=resume)
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
    task = _Task(
        asked=asked,
        target=target,
        confidence=confidence,
        levels=_levels(at, is_rate=rate),
        is_rate=rate,
        has_claims=claims,
        most=most,
        draws=draws,
        seed=seed,
        means=means,
    )
    _check(task)
    _capacity(task, output, plot, has_picture=not no_plot)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What to find."""

    asked: options.Asked
    target: str | None
    confidence: float
    levels: Sequence[float]
    is_rate: bool
    has_claims: bool
    most: float | None
    draws: int | None
    seed: int
    means: Means


def _check(task: _Task) -> None:
    asked = task.asked
    if task.has_claims and (task.is_rate or asked.scenario or asked.what_if or asked.settings):
        raise InputError(
            "--claims: a report's claims are about its own load test of the system as it is; leave "
            "out --rate, --scenario, --what-if and --set"
        )
    if not 0 < task.confidence < 1:
        raise InputError(f"--confidence {task.confidence:g}: is no share between 0 and 1; e.g. 0.9")
    if task.most is not None:
        _check_level(task.most, f"--most {task.most:g}", is_rate=task.is_rate)


def _capacity(task: _Task, output: Output, plot: Path | None, *, has_picture: bool) -> None:
    from capsim.cli.system import read_system
    from capsim.experiments.targets import parse_targets
    from capsim.report import capacity as report

    if task.target is not None:
        parse_targets(task.target)  # before anything is read
    system = read_system(task.asked)
    name = system.scenario(task.asked.scenario)
    what = "rate" if task.is_rate else "capacity"
    usual = default_picture(system.template.name, name, what)
    picture = (plot or usual) if has_picture else None
    check_picture(picture)
    asked = _claims(system) if task.has_claims else None
    with journal_of(task.means, "capacity", system.template.name, name) as journal:
        found, claimed = _found(task, system, asked, journal)
        context = system.context(seed=task.seed, draws=len(found.draws), confidence=task.confidence)
        output.emit(report, found, context, claimed)
        draw(partial(_picture, system, found), picture)


def _claims(system: "System") -> "Claims":
    from capsim.model.claims import claims_on

    claims = claims_on(system.template)
    if claims is None:
        raise InputError(
            f"--claims: no report is known of {system.template.name}; leave it out, or ask for "
            "single loads with --target and --at"
        )
    return claims


def _found(
    task: _Task, system: "System", claims: "Claims | None", journal: Journal
) -> "tuple[Capacity, Claimed | None]":
    from capsim.experiments.capacity import DRAWS
    from capsim.experiments.capacity import capacity as run
    from capsim.experiments.levels_met import met_at
    from capsim.experiments.load_claims import answered

    scenario = system.scenario(task.asked.scenario)
    what, engine = "searches and simulations", system.engine(scenario)
    with kept_work(what, means=task.means, engine=engine, journal=journal) as work:
        common: dict[str, Any] = {
            "draws": task.draws or DRAWS,
            "seed": task.seed,
            "executor": work.executor,
            "on_done": work.on_done,
            "journal": work.journal,
        }
        found = run(
            system.belief,
            task.target,
            scenario=scenario,
            confidence=task.confidence,
            at=task.levels,
            is_rate=task.is_rate,
            most=task.most,
            dataset=system.dataset,
            **common,
        )
        if claims is None:
            return found, None
        return found, answered(
            claims,
            system.belief,
            scenario,
            partial(met_at, **common),
        )


def _picture(system: "System", found: "Capacity", path: Path) -> None:
    from capsim.experiments.ceilings import of_load
    from capsim.plots import plot_capacity, save

    models = system.belief.models(len(found.draws))
    bound = of_load(models, found.load.scenario, is_rate=found.load.is_rate)
    save(plot_capacity(found, bound), path)


def _levels(text: str | None, *, is_rate: bool) -> list[float]:
    """Return the levels in a text such as `200,500`, each once, in order."""
    if text is None:
        return []
    levels = []
    for part in text.split(","):
        try:
            level = float(part)
        except ValueError:
            raise InputError(
                f"--at {text}: {part.strip()!r} is no number; write e.g. --at 200,500"
            ) from None
        _check_level(level, f"--at {text}", is_rate=is_rate)
        levels.append(level)
    return sorted(set(levels))


def _check_level(level: float, where: str, *, is_rate: bool) -> None:
    if not math.isfinite(level) or not 0 < level <= _MOST:
        raise InputError(f"{where}: a level lies between 0 and {_MOST}; e.g. 200")
    if not is_rate and not level.is_integer():
        raise InputError(f"{where}: users are whole; write {max(1, round(level))}, or add --rate")
