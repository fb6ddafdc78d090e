"""`capsim predict`: what a load test would report, and where the cliff is."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import options
from capsim.cli.output import Format, Output
from capsim.cli.pictures import check_picture, default_picture, draw
from capsim.cli.work import Work, long_work

if TYPE_CHECKING:
    from capsim.cli.system import System
    from capsim.experiments.predict import Prediction
    from capsim.report.curve import RangePrediction

_LEVELS = 10  # numbers of users in a range
_Users = Annotated[
    str, typer.Option("--users", "-u", help="How many: a number, or a range such as 50..1500.")
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Task:
    """What to predict."""

    system: "System"
    scenario: str
    draws: int
    seed: int
    picture: Path | None


def predict(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    users: _Users,
    scenario: options.Scenario = None,
    draws: options.Draws = None,
    plot: options.Plot = None,
    no_plot: options.NoPlot = False,
    prior: options.Prior = False,
    posterior: options.PosteriorFile = None,
    model: options.Model = options.DEFAULT_MODEL,
    seed: options.Seed = 1,
    form: options.Form = Format.TABLE,
    out: options.Out = None,
    settings: options.Settings = None,
    jobs: options.Jobs = None,
) -> None:
    """Predict what a load test would report, with 90 % intervals.

    For a range of users, every metric over the number of users, with a picture.
    """
    lowest, highest = options.parse_users(users)
    output = Output(form=form, out=out)
    output.check()
    check_picture(plot)
    changes = options.parse_settings(settings)

    from capsim.cli.system import Asked, read_system
    from capsim.experiments.predict import CURVE_DRAWS, DRAWS
    from capsim.report import curve, prediction

    asked = Asked(model=model, settings=changes, prior=prior, posterior=posterior)
    system = read_system(asked)
    name = system.scenario(scenario, lowest)
    is_range = lowest < highest
    if is_range and not plot:
        plot = default_picture(system.template.name, name, "users")
    task = _Task(
        system=system,
        scenario=name,
        draws=draws or (CURVE_DRAWS if is_range else DRAWS),
        seed=seed,
        picture=None if no_plot else plot,
    )
    check_picture(task.picture)
    with long_work("simulations", jobs=jobs) as work:
        found = _over_range(task, lowest, highest, work) if is_range else _at(task, highest, work)
    context = system.context(seed=seed, draws=task.draws)
    output.emit(curve if is_range else prediction, found, context)
    draw(partial(_picture, task, found), task.picture)


def _at(task: _Task, users: int, work: Work) -> "Prediction":
    from capsim.experiments.predict import CURVE_DRAWS
    from capsim.experiments.predict import predict as run

    found = run(
        task.system.belief,
        users,
        scenario=task.scenario,
        dataset=task.system.dataset,
        draws=task.draws,
        curve_draws=min(CURVE_DRAWS, task.draws),
        seed=task.seed,
        executor=work.executor,
        on_done=work.on_done,
    )
    if not task.system.is_what_if:
        return found
    # What was measured is another system: no verdict on the one with the change.
    return dataclasses.replace(found, measured={}, held_out=False, verdicts=(), contradictions=())


def _over_range(task: _Task, lowest: int, highest: int, work: Work) -> "RangePrediction":
    from capsim.experiments.curve import find_cliff, levels, run_curve
    from capsim.experiments.extrapolation import calibration_trials, extrapolations, influences
    from capsim.experiments.trials import run_trials
    from capsim.report.curve import RangePrediction

    belief, dataset = task.system.belief, task.system.dataset
    users = levels(lowest, highest, _LEVELS)
    before = calibration_trials(belief, dataset, task.seed)
    total = len(before) + len(users) * task.draws
    calibrated = run_trials(before, work.executor, lambda done, _: work.on_done(done, total))
    curve = run_curve(
        belief,
        task.scenario,
        users,
        draws=task.draws,
        seed=task.seed,
        whole=True,
        executor=work.executor,
        on_done=lambda done, _: work.on_done(len(before) + done, total),
    )
    last = curve.outcomes[-1]
    influence = influences(belief, belief.draws(task.draws), last)
    doubts = extrapolations(belief, dataset, highest, last, calibrated, influence)
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
