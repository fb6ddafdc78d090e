"""`capsim calibrate`: fit the unknown parameters of a model to load tests."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import options
from capsim.cli.output import Format, Output, note
from capsim.cli.pictures import check_picture, draw
from capsim.cli.work import Means, journal_at, kept_work
from capsim.errors import InputError
from capsim.files import check_writable
from capsim.journal import Journal

if TYPE_CHECKING:
    from capsim.calibration.posterior import Posterior
    from capsim.calibration.sampler import Effort
    from capsim.cli.system import System

_Data = Annotated[
    str | None,
    typer.Option("--data", help="Load tests: a file or a shipped name (default: the model's)."),
]
_Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File for the calibration (default: beside the model)."),
]
_Design = Annotated[
    int | None, typer.Option("--design", min=8, help="Points spread over the priors.")
]
_Rounds = Annotated[int | None, typer.Option("--rounds", min=0, help="Rounds near what fits.")]
_Show = Annotated[
    bool, typer.Option("--show", help="Show the calibration that there is; simulate nothing.")
]
_PerRound = Annotated[int | None, typer.Option("--per-round", min=1, help="Points of a round.")]


def calibrate(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    data: _Data = None,
    out: _Out = None,
    design: _Design = None,
    rounds: _Rounds = None,
    per_round: _PerRound = None,
    plot: options.Plot = None,
    model: options.Model = options.DEFAULT_MODEL,
    what_if: options.WhatIf = None,
    seed: options.Seed = 1,
    form: options.Form = Format.TABLE,
    settings: options.Settings = None,
    jobs: options.Jobs = None,
    executor: options.Executor = None,
    runs: options.Runs = None,
    resume: options.Resume = None,
    engine: options.Engine = None,  # noqa: ARG001 (its callback sees to it)
    show: _Show = False,
) -> None:
    """Fit the unknown parameters of a model to load tests, and save what was learned.

    It takes minutes. Stopping loses nothing: the same command goes on from where it was.
    """
    means = Means(jobs=jobs, executor=executor, runs=runs, resume=resume)
    check_picture(plot)
    changes = options.parse_settings(settings)

    from capsim.model.applying import EVERY

    asked = options.Asked(
        model=model,
        settings=changes,
        what_if=what_if or (),
        scenario=EVERY,
        prior=True,
        data=data,
    )
    wanted = {"design": design, "rounds": rounds, "per_round": per_round}

    from capsim.calibration.posterior import load_posterior
    from capsim.calibration.sampler import Effort
    from capsim.cli.system import read_system

    system = read_system(asked)
    if show:
        known = load_posterior(_existing(system, out), system.template)
        _show(system, known, Output(form=form))
        draw(partial(_picture, known), plot)
        return
    effort = Effort(**{name: number for name, number in wanted.items() if number is not None})
    target = _target(system, out)
    with journal_at(means, Path(f"{target}.runs")) as journal:
        posterior = _calibrate(system, effort, seed, means, journal)
        posterior.save(target)
    _show(system, posterior, Output(form=form))
    note(f"wrote {target}")
    draw(partial(_picture, posterior), plot)


def _calibrate(
    system: "System", effort: "Effort", seed: int, means: Means, journal: Journal
) -> "Posterior":
    from capsim.calibration.fit import calibrate as run

    if system.dataset is None:
        raise InputError(f"{system.asked.model}: names no dataset; give load tests with --data")
    engine = system.engine(system.scenario(None))
    with kept_work("parameter points", means=means, engine=engine, journal=journal) as work:
        return run(
            system.template,
            system.dataset,
            effort=effort,
            seed=seed,
            executor=work.executor,
            on_done=work.on_done,
            journal=work.journal,
        )


def _existing(system: "System", out: Path | None) -> Path:
    """Return the file of a calibration that was made before."""
    from capsim.calibration.posterior import posterior_path

    path = out or posterior_path(system.template)
    if path is None or not path.is_file():
        raise InputError(f"{path}: no calibration yet; leave out --show to make one")
    return path


def _target(system: "System", out: Path | None) -> Path:
    """Return where the calibration is written, made sure that it can be."""
    from capsim.calibration.posterior import posterior_path

    if out is not None:
        check_writable(out)
        return out
    beside = posterior_path(system.template)
    if beside is None or not os.access(beside.parent, os.W_OK):
        raise InputError(
            f"{beside}: cannot be written beside the model; name another file with --out, and use "
            "it with --posterior"
        )
    if system.is_what_if:
        raise InputError(
            "--set or --what-if makes this another system than the model file's; name another "
            "file with --out"
        )
    check_writable(beside)
    return beside


def _show(system: "System", posterior: "Posterior", output: Output) -> None:
    import dataclasses

    from capsim.experiments.beliefs import Belief
    from capsim.report import calibration as report

    belief = Belief(template=system.template, posterior=posterior)
    context = dataclasses.replace(system, belief=belief).context()
    output.emit(report, posterior, context)


def _picture(posterior: "Posterior", path: Path) -> None:
    from capsim.plots import plot_fit, save

    save(plot_fit(posterior), path)
