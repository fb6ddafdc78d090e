"""`capsim sweep`: one parameter over its values, everything else and all luck held equal."""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import options
from capsim.cli.output import Format, Output
from capsim.cli.pictures import check_picture, default_picture, draw
from capsim.cli.work import long_work
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.experiments.sweep import Sweep, Value

_POOL = "pool-size"
_SHORT_NAMES = (_POOL, "workers", "threads")
_STEPS = 10

_Parameter = Annotated[
    str,
    typer.Argument(
        metavar="PARAM",
        help="pool-size, workers, threads, or a key of the model, e.g. database.max_connections.",
    ),
]
_Values = Annotated[str | None, typer.Option("--values", help="Values to try, e.g. 20,50,100.")]
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
    parameter: _Parameter,
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
) -> None:
    """Vary one parameter and compare with today, draw by draw under the same luck."""
    _check_name(parameter)
    number = options.one_number(users, "a sweep is at one number of users")
    output = Output(form=form, out=out)
    output.check()
    check_picture(plot)
    changes = options.parse_settings(settings)
    asked = options.Asked(
        model=model,
        settings=changes,
        what_if=what_if or (),
        scenario=scenario,
        prior=prior,
        posterior=posterior,
    )
    task = _Task(
        asked=asked,
        parameter=parameter,
        values=_tried(parameter, values, _spaced(first, last, steps, log=log)),
        users=number,
        scenario=scenario,
        draws=draws,
        seed=seed,
        jobs=jobs,
    )
    _sweep(task, output, plot, has_picture=not no_plot)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What to sweep."""

    asked: options.Asked
    parameter: str
    values: "Sequence[Value]"
    users: int | None
    scenario: str | None
    draws: int | None
    seed: int
    jobs: int | None


def _sweep(task: _Task, output: Output, plot: Path | None, *, has_picture: bool) -> None:
    from capsim.cli.system import read_system
    from capsim.experiments.sweep import DRAWS
    from capsim.experiments.sweep import sweep as run
    from capsim.report import sweep as report

    system = read_system(task.asked)
    name = system.scenario(task.scenario, task.users)
    usual = default_picture(system.template.name, name, task.parameter)
    picture = (plot or usual) if has_picture else None
    check_picture(picture)
    draws = task.draws or DRAWS
    with long_work("simulations", jobs=task.jobs) as work:
        found = run(
            system.belief,
            task.parameter,
            task.values,
            users=task.users,
            scenario=name,
            draws=draws,
            seed=task.seed,
            executor=work.executor,
            on_done=work.on_done,
        )
    context = system.context(seed=task.seed, draws=draws, users=found.users)
    output.emit(report, found, context)
    draw(partial(_picture, found), picture)


def _picture(found: "Sweep", path: Path) -> None:
    from capsim.plots import plot_sweep, save

    save(plot_sweep(found), path)


def _check_name(parameter: str) -> None:
    """Find a misspelt short name at once: everything else is a path with a dot in it."""
    if "." in parameter or parameter in _SHORT_NAMES:
        return
    near = difflib.get_close_matches(parameter, _SHORT_NAMES, n=1)
    names = ", ".join(_SHORT_NAMES)
    hint = f"did you mean {near[0]}?" if near else f"name {names}, or a key such as app.error_cpu_s"
    raise InputError(f"{parameter}: is no parameter of a model; {hint}")


def _tried(
    parameter: str, values: str | None, spaced: "Sequence[Value] | None"
) -> "Sequence[Value]":
    """Return the values to try, each once."""
    if values is not None and spaced is not None:
        raise InputError("give either --values or --from and --to, not both")
    if values is not None:
        return tuple(dict.fromkeys(_value(text.strip(), values) for text in values.split(",")))
    if spaced is not None:
        return spaced
    if parameter == _POOL:
        from capsim.experiments.sweep import POOL_SIZES

        return POOL_SIZES
    raise InputError(
        f"{parameter}: say which values to try: --values 20,50,100 or --from 20 --to 1000"
    )


def _value(text: str, whole: str) -> "Value":
    value = options.parse_value(text, f"--values {whole}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"--values {whole}: {text} is not finite; write finite numbers")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InputError(f"--values {whole}: {text!r} is neither a number nor a word")
    return value


def _spaced(
    first: float | None, last: float | None, steps: int | None, *, log: bool
) -> "tuple[Value, ...] | None":
    """Return evenly spaced values; whole numbers where both ends are whole and far apart."""
    if first is None and last is None:
        if steps is not None or log:
            raise InputError("--steps and --log need --from and --to")
        return None
    if first is None or last is None or not math.isfinite(first) or not math.isfinite(last):
        raise InputError("--from and --to belong together; give both as finite numbers")
    if first >= last:
        raise InputError(f"--from {first:g} --to {last:g}: a range goes upwards")
    if log and first <= 0:
        raise InputError(f"--from {first:g} --log: equal ratios need a first value above 0")
    count = steps or _STEPS
    shares = [i / (count - 1) for i in range(count)]
    spaced = [
        first * (last / first) ** share if log else first + (last - first) * share
        for share in shares
    ]
    whole = first.is_integer() and last.is_integer() and last > 1
    return tuple(
        dict.fromkeys(round(value) if whole else float(f"{value:.6g}") for value in spaced)
    )
