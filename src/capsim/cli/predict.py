"""`capsim predict`: what a load test would report, and where the cliff is."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capsim.cli import options
from capsim.cli.output import Format, Output
from capsim.cli.pictures import check_picture, default_picture, draw
from capsim.cli.precision import PrecisionOf, PrecisionText, parse_precision, say_cap
from capsim.cli.work import Means, Work, journal_of, kept_work
from capsim.errors import InputError
from capsim.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsim.cli.system import System
    from capsim.experiments.precision import Precision
    from capsim.experiments.predict import Prediction
    from capsim.report.curve import RangePrediction

_LEVELS = 10  # numbers of users in a range
_Users = Annotated[
    str, typer.Option("--users", "-u", help="How many: a number, or a range such as 50..1500.")
]


def predict(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    users: _Users,
    scenario: options.Scenario = None,
    draws: options.Draws = None,
    precision: PrecisionText = None,
    precision_of: PrecisionOf = None,
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
    """Predict what a load test would report, with 90 % intervals.

    For a range of users, every metric over the number of users, with a picture.

    With --precision, draws are added until the median and both ends of the intervals are known so
    well, or --draws (default: 2000) of them were made. That does not narrow the intervals: they
    are what is not known of the system.
    """
    means = Means(jobs=jobs, executor=executor, runs=runs, resume=resume)
    lowest, highest = options.parse_users(users)
    asked_precision = _precision(precision, precision_of, draws, is_range=lowest < highest)
    output = Output(form=form, out=out)
    output.check()
    check_picture(plot, no_plot=no_plot, out=out)
    changes = options.parse_settings(settings)
    model = options.named_model(model, hypothesis)
    asked = options.Asked(
        model=model,
        settings=changes,
        what_if=what_if or (),
        scenario=scenario,
        prior=prior,
        posterior=posterior,
    )

    from capsim.cli.system import read_system

    system = read_system(asked)
    name = system.scenario(scenario, lowest)
    is_range = lowest < highest
    usual = default_picture(system.template.name, name, "users") if is_range else None
    picture = None if no_plot else plot or usual
    check_picture(picture)
    task = _Task(
        system=system,
        scenario=name,
        draws=draws,
        precision=asked_precision,
        seed=seed,
        means=means,
    )
    with journal_of(task.means, "predict", system.template.name, name) as journal:
        if is_range:
            found: Prediction | RangePrediction = _over_range(
                task, (lowest, highest), output, journal
            )
        else:
            found = _at(task, highest, output, journal)
        draw(partial(_picture, task, found), picture)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Task:
    """What to predict."""

    system: "System"
    scenario: str
    draws: int | None
    precision: "Precision | None"
    seed: int
    means: Means


def _precision(
    text: str | None, metrics: str | None, draws: int | None, *, is_range: bool
) -> "Precision | None":
    """Return the precision that was asked for, before any work."""
    found = parse_precision(text, metrics)
    if found is None:
        return None
    if is_range:
        raise InputError(
            f"--precision {text}: is of one number of users; give one with --users, or --draws for "
            "a steadier curve"
        )
    from capsim.experiments.drawn import most_draws

    try:
        most_draws(draws, found)
    except InputError as error:
        raise InputError(f"--{error}") from None
    return found


def _at(task: _Task, users: int, output: Output, journal: Journal) -> "Prediction":
    """Predict at one number of users and write the prediction."""
    from capsim.experiments.predict import CURVE_DRAWS
    from capsim.experiments.predict import predict as run
    from capsim.report import prediction as report

    engine = task.system.engine(task.scenario)
    with kept_work("simulations", means=task.means, engine=engine, journal=journal) as work:
        found = run(
            task.system.belief,
            users,
            scenario=task.scenario,
            dataset=task.system.dataset,
            draws=task.draws,
            curve_draws=min(CURVE_DRAWS, task.draws or CURVE_DRAWS),
            precision=task.precision,
            seed=task.seed,
            executor=work.executor,
            on_done=work.on_done,
            journal=work.journal,
        )
    if task.system.is_what_if:
        # What was measured is another system: no verdict on the one with the change.
        nothing: dict[str, Any] = {"measured": {}, "verdicts": (), "contradictions": ()}
        found = dataclasses.replace(found, held_out=False, **nothing)
    output.emit(report, found, task.system.context(seed=task.seed, draws=len(found.draws)))
    say_cap(found.precision, output.form, *report.CAP)
    return found


def _over_range(
    task: _Task, ends: tuple[int, int], output: Output, journal: Journal
) -> "RangePrediction":
    """Predict over a range of users and write the curve."""
    from capsim.experiments.curve import levels
    from capsim.experiments.predict import CURVE_DRAWS
    from capsim.report import curve as report

    draws = task.draws or CURVE_DRAWS
    engine = task.system.engine(task.scenario)
    with kept_work("simulations", means=task.means, engine=engine, journal=journal) as work:
        found = _curve(task, levels(*ends, _LEVELS), draws, work)
    output.emit(report, found, task.system.context(seed=task.seed, draws=draws))
    return found


def _curve(task: _Task, users: "Sequence[int]", draws: int, work: Work) -> "RangePrediction":
    from capsim.executors import part
    from capsim.experiments.curve import find_cliff, run_curve
    from capsim.experiments.extrapolation import calibration_trials, extrapolations, influences
    from capsim.experiments.running import run_trials
    from capsim.report.curve import RangePrediction

    belief, dataset = task.system.belief, task.system.dataset
    before = calibration_trials(belief, dataset, task.seed)
    total = len(before) + len(users) * draws
    on_done = part(work.on_done, 0, total)
    calibrated = run_trials(before, work.executor, on_done, work.journal)
    curve = run_curve(
        belief,
        task.scenario,
        users,
        draws=draws,
        seed=task.seed,
        whole=True,
        executor=work.executor,
        on_done=part(work.on_done, len(before), total),
        journal=work.journal,
    )
    last = curve.outcomes[-1]
    influence = influences(belief, belief.draws(draws), last)
    doubts = extrapolations(belief, dataset, users[-1], last, calibrated, influence)
    return RangePrediction(
        scenario=task.scenario,
        calibrated=belief.is_calibrated,
        curve=curve,
        cliff=find_cliff(curve, belief.central().targets.p95_s),
        extrapolations=tuple(doubts),
    )


def _picture(task: _Task, found: "Prediction | RangePrediction", path: Path) -> None:
    from capsim.plots import plot_curve, save

    if found.curve is None or found.cliff is None:
        return
    figure = plot_curve(
        found.curve,
        belief=task.system.belief,
        scenario=task.scenario,
        dataset=None if task.system.is_what_if else task.system.dataset,
        cliff=found.cliff,
    )
    save(figure, path)
