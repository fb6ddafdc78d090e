"""Times as wrk, hey and vegeta print them, and what unanswered requests leave of the figures."""

import re
from collections.abc import Mapping

from capsim.errors import InputError
from capsim.loadtest.figures import SHARES
from capsim.loadtest.reading import escaped

_UNITS_MS = {
    "ns": 1e-6,
    "us": 1e-3,
    "\u00b5s": 1e-3,  # the micro sign, as Go prints it
    "\u03bcs": 1e-3,  # the Greek letter, as editors make of it
    "ms": 1.0,
    "s": 1e3,
    "m": 60e3,
    "h": 3600e3,
}
_PART = r"(\d+(?:\.\d*)?|\.\d+)\s*(ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_TIME = re.compile(rf"(?:{_PART})+")
_EACH = re.compile(_PART)
_FEW = 0.1  # of the requests above a percentile: so many more would hardly move it


def milliseconds(written: str, source: str, key: str) -> float:
    """Return a time such as `13.48ms` or `1m2.5s`, in milliseconds.

    Raises:
        InputError: it is no time.
    """
    bare = written.strip()
    if bare == "0":
        return 0.0
    if not _TIME.fullmatch(bare):
        raise InputError.at(escaped(source), key, "is no time such as 13.48ms", value=bare)
    return sum(float(value) * _UNITS_MS[unit] for value, unit in _EACH.findall(bare))


def of_answered(
    values: Mapping[str, float | None], answered: int, unanswered: int
) -> dict[str, float | None]:
    """Return what times of answered requests say of all requests: nothing that a few could move.

    Tools leave requests without an answer out of their times, and those are the slow ones.

    Args:
        values: figures, of the answered requests.
        answered: how many there were.
        unanswered: requests that timed out or lost their connection.
    """
    if not unanswered:
        return dict(values)
    share = unanswered / (answered + unanswered)
    return {
        name: value
        for name, value in values.items()
        if name not in {"mean_ms", "max_ms"}
        and (name not in SHARES or share <= _FEW * (1 - SHARES[name]))
    }
