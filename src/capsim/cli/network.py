"""A network of queues that is given by hand, as options of a command."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capsim.cli.options import parse_users
from capsim.errors import InputError

if TYPE_CHECKING:
    from capsim.experiments.closed_systems import ClosedSystem

_MOST_STATIONS = 12  # exact MVA takes twice as long for each of several servers
_DELAY = "inf"
_LEAST_S, _MOST_S = 1e-9, 1e9  # of a time: a computer's instruction, and thirty years


@dataclass(frozen=True, kw_only=True)
class NetworkText:
    """What was written: a demand per station, by class of users behind commas."""

    demands: Sequence[str]
    servers: Sequence[str]
    think: str | None
    users: str | None


def read_network(text: NetworkText) -> "tuple[ClosedSystem, tuple[int, int] | None]":
    """Return the network, and the fewest and the most users asked for.

    Raises:
        InputError: a text that is no number, or numbers that do not fit together.
    """
    from capsim.experiments.closed_systems import Station, of_network

    if len(text.demands) > _MOST_STATIONS:
        raise InputError(f"--demand: {len(text.demands)} stations; give {_MOST_STATIONS} at most")
    pairs = [_station(number, demand) for number, demand in enumerate(text.demands, start=1)]
    classes = len(pairs[0][1])
    for name, demands in pairs:
        if len(demands) != classes:
            raise InputError(
                f"--demand {name}: has {len(demands)} classes of users, and {pairs[0][0]} has "
                f"{classes}; give each station one demand for every class"
            )
    _check_names([name for name, _ in pairs])
    ends, users = _users(text.users, classes)
    system = of_network(
        [
            Station(name=name, demands_s=demands, servers=count)
            for (name, demands), count in zip(pairs, _servers(text, len(pairs)), strict=True)
        ],
        think_s=read_thinks(text.think, classes),
        users=users,
    )
    return system, ends


def read_thinks(text: str | None, classes: int) -> tuple[float, ...]:
    """Return the mean think time of each class of users: none, if nobody says.

    Raises:
        InputError: no times, or times of another number of classes.
    """
    if text is None:
        return (0.0,) * classes
    thinks = _numbers(text, f"--think {text}", "seconds")
    for think in thinks:
        if not 0 <= think <= _MOST_S:
            raise InputError(f"--think {text}: is a time of 0 to {_MOST_S:g} seconds; write 1.5")
    if len(thinks) not in {1, classes}:
        raise InputError(
            f"--think {text}: has {len(thinks)} classes of users, where there are {classes}; give "
            "one think time for all, or one for each"
        )
    return thinks * (classes // len(thinks))


def _station(number: int, text: str) -> tuple[str, tuple[float, ...]]:
    """Return name and demands of a station from `0.6`, `0.6,1.2` or `database=0.6`."""
    name, equals, values = text.rpartition("=")
    if equals and not name.strip():
        raise InputError(f"--demand {text}: has no name before =; write database=0.6, or 0.6")
    where = f"--demand {text}"
    demands = _numbers(values, where, "seconds")
    for demand in demands:
        if not _LEAST_S <= demand <= _MOST_S:
            raise InputError(
                f"{where}: a demand is a time of {_LEAST_S:g} to {_MOST_S:g} seconds; write 0.6"
            )
    return name.strip() or f"station {number}", demands


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"--demand: two stations are called {twice[0]!r}; name them otherwise")


def _servers(text: NetworkText, stations: int) -> list[float]:
    """Return the servers of each station: one each, if nobody says."""
    if not text.servers:
        return [1.0] * stations
    if len(text.servers) != stations:
        raise InputError(
            f"--servers: is given {len(text.servers)} times, --demand {stations} times; give one "
            f"for every station ({_DELAY} for a delay)"
        )
    return [_count(each) for each in text.servers]


def _count(text: str) -> float:
    if text.strip().lower() == _DELAY:
        return math.inf
    (count,) = _numbers(text, f"--servers {text}", "servers", most=1)
    if not (1 <= count < math.inf and count == int(count)):
        raise InputError(f"--servers {text}: is a whole number from 1 on, or {_DELAY} for a delay")
    return count


def _users(text: str | None, classes: int) -> tuple[tuple[int, int] | None, tuple[int, ...]]:
    """Return the range of users in all, and the users of each class in proportion."""
    if text is None:
        return None, (1,) * classes
    parts = text.split(",")
    if len(parts) == 1:
        return parse_users(text), (1,) * classes
    if len(parts) != classes:
        raise InputError(
            f"--users {text}: has {len(parts)} classes of users, --demand has {classes}; give a "
            "number for each, or one for all together"
        )
    users = []
    for part in parts:
        lowest, highest = parse_users(part)
        if lowest != highest:
            raise InputError(f"--users {text}: a range is of all users together; give numbers")
        users.append(lowest)
    return (sum(users), sum(users)), tuple(users)


def _numbers(text: str, where: str, what: str, most: int | None = None) -> tuple[float, ...]:
    parts = text.split(",")
    if most is not None and len(parts) > most:
        raise InputError(f"{where}: one number is needed, not {len(parts)}")
    try:
        return tuple(float(part) for part in parts)
    except ValueError:
        raise InputError(f"{where}: is no number of {what}; write e.g. 2") from None
