"""`capsim bounds`: what limits a system, without any simulation."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capsim.cli import options
from capsim.cli.network import NetworkText, read_network, read_thinks
from capsim.cli.output import Format, Output
from capsim.cli.pictures import check_picture, default_picture, draw
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.experiments.bounded import Bounds
    from capsim.report.context import Context

_Users = Annotated[
    str | None,
    typer.Option(
        "--users", "-u", help="How many: a number, or a range (default: around the knee)."
    ),
]
_Demand = Annotated[
    list[str] | None,
    typer.Option(
        "--demand",
        metavar="SECONDS",
        help="A station of a network by hand: its demand, e.g. 0.6 or db=0.6; repeatable.",
    ),
]
_Servers = Annotated[
    list[str] | None,
    typer.Option("--servers", help="Its servers, once per --demand; inf: a delay (default: 1)."),
]
_Think = Annotated[
    str | None,
    typer.Option("--think", metavar="SECONDS", help="Mean think time, for --demand and --data."),
]
_Data = Annotated[
    str | None, typer.Option("--data", help="Load-test data by itself, without a model.")
]
_LoadTest = Annotated[
    list[str] | None,
    typer.Option("--load-test", metavar="NAME", help="Of --data, only this one; repeatable."),
]


def bounds(  # noqa: PLR0913 (the parser reads the options off the parameters)
    *,
    users: _Users = None,
    scenario: options.Scenario = None,
    data: _Data = None,
    load_test: _LoadTest = None,
    demand: _Demand = None,
    servers: _Servers = None,
    think: _Think = None,
    draws: options.Draws = None,
    plot: options.Plot = None,
    no_plot: options.NoPlot = False,
    prior: options.Prior = False,
    posterior: options.PosteriorFile = None,
    hypothesis: options.Hypothesis = None,
    model: options.Model = options.DEFAULT_MODEL,
    what_if: options.WhatIf = None,
    form: options.Form = Format.TABLE,
    out: options.Out = None,
    settings: options.Settings = None,
) -> None:
    """Bound throughput and response time without simulation: knee, exact MVA, scalability law.

    Of a model, of load tests alone (--data), or of a network by hand (--demand).
    """
    output = Output(form=form, out=out)
    output.check()
    check_picture(plot, out=out)
    of_model = options.Asked(
        model=options.named_model(model, hypothesis),
        settings=options.parse_settings(settings),
        what_if=what_if or (),
        scenario=scenario,
        prior=prior,
        posterior=posterior,
    )
    _check_together(of_model, data, demand, draws)
    _check_parts(data, demand, think, load_test, servers)
    if demand:
        text = NetworkText(demands=demand, servers=servers or (), think=think, users=users)
        found, context = _of_network(text)
    else:
        ends = None if users is None else options.parse_users(users)
        if data is not None:
            found, context = _of_data(data, ends, think, load_test or [])
        else:
            found, context = _of_model(of_model, ends, draws)
    _write(found, context, output, plot, has_picture=not no_plot)


def _check_together(
    asked: options.Asked, data: str | None, demand: list[str] | None, draws: int | None
) -> None:
    """Refuse two sources of what to bound."""
    if data is not None and demand:
        raise InputError("--demand: is a network by itself; leave out --data")
    given = {
        f"--model {asked.model}": asked.model != options.DEFAULT_MODEL,
        "--scenario": asked.scenario is not None,
        "--what-if": bool(asked.what_if),
        "--set": bool(asked.settings),
        "--prior": asked.prior,
        "--posterior": asked.posterior is not None,
        "--draws": draws is not None,
    }
    of_models = [name for name, is_given in given.items() if is_given]
    if of_models and (data is not None or demand):
        other = "--demand" if demand else "--data"
        raise InputError(f"{of_models[0]}: is about a model; leave it out, or {other}")


def _check_parts(
    data: str | None,
    demand: list[str] | None,
    think: str | None,
    load_test: list[str] | None,
    servers: list[str] | None,
) -> None:
    """Refuse what belongs to a source that was not named."""
    if servers and not demand:
        raise InputError("--servers: belongs to --demand; a model's are set by --set")
    if load_test and data is None:
        raise InputError("--load-test: belongs to --data; name the file of the load tests")
    if think is not None and data is None and not demand:
        raise InputError(
            "--think: belongs to --demand and --data; a model has think times of its own "
            "(scenarios.NAME.user_classes.NAME.think_s, which --set can change)"
        )


def _of_network(text: NetworkText) -> "tuple[Bounds, Context]":
    system, ends = read_network(text)
    from capsim.experiments.bounds import bounds_of_network

    found = bounds_of_network(system, ends)
    return found, _context("network", "queues and delays as given on the command line")


def _of_data(
    data: str, ends: tuple[int, int] | None, think: str | None, load_tests: list[str]
) -> "tuple[Bounds, Context]":
    think_s = None if think is None else read_thinks(think, 1)[0]

    from capsim.experiments.bounds import bounds_of_data
    from capsim.loadtest.observations import load_dataset

    dataset = load_dataset(data)
    found = bounds_of_data(dataset, ends, think_s=think_s, load_tests=load_tests)
    return found, _context(dataset.name, dataset.source)


def _context(name: str, description: str) -> "Context":
    from capsim.provenance import provenance
    from capsim.report.context import Context

    return Context(
        model=name,
        description=description,
        calibration="",
        changes={},
        is_what_if=False,
        warnings=(),
        provenance=provenance(),
    )


def _of_model(
    asked: options.Asked, ends: tuple[int, int] | None, draws: int | None
) -> "tuple[Bounds, Context]":
    from capsim.cli.system import read_system
    from capsim.experiments.bounds import DRAWS
    from capsim.experiments.bounds import bounds as run

    system = read_system(asked)
    found = run(
        system.belief,
        ends,
        scenario=system.scenario(asked.scenario),
        dataset=None if system.is_what_if else system.dataset,
        draws=draws or DRAWS,
    )
    return found, system.context(draws=len(found.systems))


def _write(
    found: "Bounds", context: "Context", output: Output, plot: Path | None, *, has_picture: bool
) -> None:
    """Write the result, and a picture of it where there is a curve."""
    from capsim.report import bounds as report

    is_range = found.levels is not None and len(found.levels.shown) > 1
    name = [found.name, *([found.scenario] if found.scenario else [])]
    usual = default_picture(*name, "bounds") if is_range else None
    picture = (plot or usual) if has_picture else None
    check_picture(picture)
    if plot is not None and found.levels is None:
        raise InputError(f"--plot {plot}: {found.no_curve[:1].lower()}{found.no_curve[1:]}")
    output.emit(report, found, context)
    draw(partial(_picture, found), picture)


def _picture(found: "Bounds", path: Path) -> None:
    from capsim.plots import plot_bounds, save

    save(plot_bounds(found), path)
