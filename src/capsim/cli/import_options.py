"""What the user of `capsim import` says of load tests: for all of them, or by name."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.loadtest.assembling import Told
    from capsim.loadtest.formats.detect import Format
    from capsim.loadtest.rounding import Tool
    from capsim.model.laws import ThinkLaw

Users = Annotated[
    list[str] | None,
    typer.Option("--users", "-u", metavar="N", help="Users, where no file has them, or others."),
]
Rate = Annotated[
    list[str] | None,
    typer.Option("--rate", metavar="R", help="Requests/s that a test with a fixed rate sent."),
]
Duration = Annotated[
    list[str] | None,
    typer.Option("--duration", metavar="S", help="Seconds, where no file has them, or others."),
]
Think = Annotated[
    list[str] | None,
    typer.Option("--think", metavar="S", help="Seconds that users waited: 2, or 1..3 for between."),
]

_MOST_USERS = 10_000_000
_LONGEST_S = 10_000_000.0
_Value = TypeVar("_Value")


def told(
    names: Sequence[str],
    *,
    users: Sequence[str] | None,
    rate: Sequence[str] | None,
    duration: Sequence[str] | None,
    think: Sequence[str] | None,
    held_out: Sequence[str] | None,
) -> dict[str, "Told"]:
    """Return what was said of every load test.

    Raises:
        InputError: a value is no number, is of a load test that is not there, or says of one test
            that it had users and that it had a rate.
    """
    from capsim.loadtest.assembling import Told

    for name in held_out or ():
        _known(name, names, "--held-out")
    of_users = _by_test(users, names, "--users", _users)
    of_rate = _by_test(rate, names, "--rate", _positive)
    for name in names:
        if name in of_users and name in of_rate:
            raise InputError(
                f"--users {of_users[name]} --rate {of_rate[name]:g}: {name} had either users who "
                "wait for their answers, or a fixed rate; give one of them"
            )
    of_duration = _by_test(duration, names, "--duration", _positive)
    of_think = _by_test(think, names, "--think", _think)
    return {
        name: Told(
            users=of_users.get(name),
            rate=of_rate.get(name),
            duration_s=of_duration.get(name),
            think_s=of_think.get(name),
            held_out=name in (held_out or ()),
        )
        for name in names
    }


def tool(name: str | None) -> "Tool | None":
    """Return the tool that the user named; none: none was.

    Raises:
        InputError: it is not known.
    """
    from capsim.loadtest.importing import TOOLS

    if name is None:
        return None
    for known in TOOLS:
        if known == name.lower():
            return known
    raise InputError(f"--format-of {name}: is not known; choose one of {', '.join(TOOLS)}")


def table_of(columns: str | None, tool_name: str | None) -> "Format | None":
    """Return the format of tables whose columns the user named; none: none were.

    Raises:
        InputError: they are not written so, or the files are of a tool that names its columns.
    """
    from capsim.loadtest.formats.columns_names import given_columns
    from capsim.loadtest.formats.detect import table

    if columns is None:
        return None
    if tool_name not in {None, "requests"}:
        raise InputError(f"--columns: names those of a table, not of {tool_name}; leave one out")
    return table(given_columns(columns))


def test_name(text: str) -> str:
    """Return the name of a load test.

    Raises:
        InputError: it cannot stand in a dataset as the name of a scenario.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", text):
        raise InputError(f"--together {text}: a name has letters, digits, - and _ only")
    return text


def dataset_name(paths: Sequence[Path], names: Sequence[str], out: Path | None) -> str:
    """Return a name for the dataset: that of its file, of the only folder or of the only test."""
    if out is not None and out.stem:
        return out.stem
    if len(names) == 1:
        return names[0]
    if len(paths) == 1:
        return paths[0].resolve().name or "load-tests"
    return "load-tests"


def _by_test(
    texts: Sequence[str] | None,
    names: Sequence[str],
    option: str,
    parse: Callable[[str, str], _Value],
) -> Mapping[str, _Value]:
    for_all: dict[str, _Value] = {}
    for_one: dict[str, _Value] = {}
    for text in texts or ():
        name, equals, value = text.rpartition("=")
        if equals:
            _known(name, names, f"{option} {text}")
            for_one[name] = parse(value.strip(), f"{option} {text}")
        else:
            for_all |= dict.fromkeys(names, parse(text.strip(), f"{option} {text}"))
    return for_all | for_one


def _known(name: str, names: Sequence[str], where: str) -> None:
    if name not in names:
        listed = ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")  # noqa: PLR2004 (a line's worth)
        raise InputError(f"{where}: there is no load test {name!r}; there are {listed}")


def _users(text: str, where: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= _MOST_USERS:
        raise InputError(f"{where}: is no number of users; give a whole number from 1")
    return int(text)


def _positive(text: str, where: str) -> float:
    value = _number(text, where)
    if value <= 0:
        raise InputError(f"{where}: must be more than 0")
    return value


def _number(text: str, where: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9}", text):
        raise InputError(f"{where}: is no number; give e.g. 2 or 0.5")
    return min(float(text), _LONGEST_S)


def _think(text: str, where: str) -> "ThinkLaw":
    from capsim.model.laws import Constant, Uniform

    low, dots, high = text.partition("..")
    if not dots:
        return Constant(value=_number(text, where))
    lowest, highest = _number(low, where), _number(high, where)
    if lowest > highest:
        raise InputError(f"{where}: goes downwards; give e.g. 1..3 for between(1, 3)")
    return Uniform(law="uniform", low=lowest, high=highest)
