"""The options that commands share, and how their texts are read."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from capsim import bundled
from capsim.cli.output import Format
from capsim.errors import InputError

DEFAULT_MODEL = "p43-report"
WHAT_IF = "what-if"  # stands for remedies among parameters and changes
_HYPOTHESES = "hypotheses/"  # folder of shipped models
_MOST_USERS = 1_000_000  # all of them are simulated one by one, in memory
_BARE_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]*")

Model = Annotated[
    str, typer.Option("--model", "-m", help="Model file, or the name of a shipped model.")
]
Hypothesis = Annotated[
    str | None,
    typer.Option(
        "--hypothesis", help="A shipped cause in place of --model; capsim models lists them."
    ),
]
WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if",
        metavar="REMEDY",
        help="Apply a remedy, e.g. debug-off; repeatable. capsim whatif --list shows them.",
    ),
]
Scenario = Annotated[
    str | None, typer.Option("--scenario", help="Whose workload (default: the model's own).")
]
Prior = Annotated[
    bool, typer.Option("--prior", help="Use the priors alone, as if never calibrated.")
]
PosteriorFile = Annotated[
    Path | None,
    typer.Option("--posterior", help="Calibration to use (default: beside the model file)."),
]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, max=2**63 - 1, help="Names the luck; same seed, same result."),
]
Form = Annotated[Format, typer.Option("--format", "-f", help="How to write the result.")]


def printed_if_dash(out: Path | None) -> Path | None:
    """Return where a result goes; none: it is printed, as others mean it by a dash."""
    return None if out == Path("-") else out


Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        readable=False,
        callback=printed_if_dash,
        help="File to write the result to (default: print).",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a value of the model, e.g. database.access.size=500; repeatable.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Workers (default: one per core)."),
]
Executor = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="threads|processes|dask://HOST:PORT",
        help="Where simulations run (default: by the compiled engine in up to 4 threads, else in "
        "processes); the results are the same.",
    ),
]
Runs = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="FOLDER",
        help="Keep finished jobs there, as Parquet, for later commands (default: until this one "
        "is done).",
    ),
]
Resume = Annotated[
    bool | None,
    typer.Option(
        "--resume/--anew",
        help="Go on from finished jobs and say how many there are, or use none (default: go on "
        "if there are any).",
    ),
]


def _use_engine(context: typer.Context, engine: str | None) -> str | None:
    """Have the command's runs, here and in its worker processes, made by the engine asked for."""
    if engine is None:  # the usual case, which loads nothing
        return None

    from capsim.engine.choice import ENGINES, using

    for known in ENGINES:
        if known == engine:
            context.with_resource(using(known))
            return engine
    raise InputError(f"--engine {engine}: choose one of {', '.join(ENGINES)}")


Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="reference|compiled",
        callback=_use_engine,
        help="Which engine runs it (default: compiled where it can); the results are the same.",
    ),
]
Draws = Annotated[
    int | None, typer.Option("--draws", min=1, help="Parameter draws; more are steadier.")
]
Plot = Annotated[
    Path | None, typer.Option("--plot", help="File for a picture: .png, .svg or .pdf.")
]
NoPlot = Annotated[bool, typer.Option("--no-plot", help="Draw no picture.")]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The system that the user asked for."""

    model: str
    settings: Mapping[str, object]
    what_if: Sequence[str] = ()  # remedies, in the order in which they are applied
    scenario: str | None = None  # whose requests a remedy is about; none: the model's own
    prior: bool = False
    posterior: Path | None = None
    data: str | None = None


def named_model(model: str, hypothesis: str | None) -> str:
    """Return which model file is meant.

    Raises:
        InputError: both a model and a hypothesis, or a hypothesis that is not shipped.
    """
    if hypothesis is None:
        return model
    if model != DEFAULT_MODEL:
        raise InputError(
            f"--hypothesis {hypothesis}: is a model of its own; leave out --model {model}"
        )
    known = [
        name.removeprefix(_HYPOTHESES)
        for name in bundled.names("models")
        if name.startswith(_HYPOTHESES)
    ]
    if hypothesis not in known:
        near = difflib.get_close_matches(hypothesis, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
        raise InputError(f"--hypothesis {hypothesis}: is not shipped; {hint}")
    return _HYPOTHESES + hypothesis


def parse_users(text: str) -> tuple[int, int]:
    """Return both ends of a range of users such as `50..1500`; of a single number: it twice.

    Raises:
        InputError: neither a number nor a range, or users that cannot be simulated.
    """
    match = re.fullmatch(r"([0-9]{1,12})(?:\.\.([0-9]{1,12}))?", text.strip())
    if match is None:
        raise InputError(
            f"--users {text}: is no number of users; give one (1000) or a range (50..1500)"
        )
    lowest, highest = int(match[1]), int(match[2] or match[1])
    if lowest < 1:
        raise InputError(f"--users {text}: at least 1 user is needed")
    if highest > _MOST_USERS:
        raise InputError(f"--users {text}: more than {_MOST_USERS} users cannot be simulated")
    if match[2] is not None and lowest >= highest:
        raise InputError(f"--users {text}: a range goes upwards, e.g. 50..1500")
    return lowest, highest


def one_number(users: str | None, why: str) -> int | None:
    """Return a number of users where a range makes no sense; none: it was not given.

    Raises:
        InputError: a range, or no number at all.
    """
    if users is None:
        return None
    lowest, highest = parse_users(users)
    if lowest != highest:
        raise InputError(f"--users {users}: {why}; give one number")
    return lowest


def parse_settings(texts: list[str] | None) -> dict[str, object]:
    """Return values by key path from texts like `database.access.size=500`.

    Raises:
        InputError: no `=` in it, or no value.
    """
    settings = {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set {text}: is no KEY=VALUE; write e.g. database.access.size=500")
        settings[key.strip()] = parse_value(value.strip(), f"--set {text}")
    return settings


def parse_value(text: str, where: str) -> object:
    """Return a value as TOML reads it; a bare word is a text.

    Raises:
        InputError: no value of TOML.
    """
    try:
        content = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        content = {}
    if set(content) == {"value"}:
        return content["value"]
    if _BARE_WORD.fullmatch(text):
        return text
    raise InputError(f'{where}: {text!r} is no value; write a number, true, false or "text"')
