"""What a reader should know of how the load of a test went."""

import numpy as np

from capsim.loadtest.recording import History
from capsim.loadtest.steady import Shape
from capsim.loadtest.stretches import levels_in_words

_HALF = 0.5  # of a test, at the least, should have all users
_CLOSE = 0.02  # of a number of users: people come and go


def notes_on_load(history: History | None, shape: Shape | None) -> list[str]:
    """Return sentences on users who never settled, came in steps, left, or were there too shortly.

    Args:
        history: The test over time; none: unknown.
        shape: Its ramp and levels; none: unknown.
    """
    if shape is None or history is None:
        return []
    return [*_shape_notes(history, shape), *_overshoot(history, shape)]


def _shape_notes(history: History, shape: Shape) -> list[str]:
    if shape.keeps_changing:
        most = float(np.nanmax(history.users))
        return [
            (
                f"The number of users never settled (largest: {most:g}): the figures are of no "
                "single load, and no part is steady."
            )
        ]
    if shape.steady is None and len(shape.levels) > 1:
        return [
            (
                f"The test went through several levels of users ({levels_in_words(shape.levels)}). "
                "Its figures are of no single level; each level is a stretch of its own."
            )
        ]
    length_s = shape.steady.length_s(history.time_s) if shape.steady is not None else 0.0
    if shape.steady is not None and length_s < _HALF * history.time_s[-1]:
        return [
            (
                f"All users were there for {length_s:g} of {history.time_s[-1]:g} s: the figures "
                "of the whole test are mostly of other loads."
            )
        ]
    if shape.by_throughput and shape.steady is not None:
        return ["Users over time are not known: the steady part is judged by the throughput."]
    return []


def _overshoot(history: History, shape: Shape) -> list[str]:
    """Return a note where more users were there than stayed: some stopped, or could not log in."""
    level = shape.steady
    if level is None or level.users is None:
        return []
    most = float(np.nanmax(history.users[: level.begin + 1]))
    if most <= level.users * (1 + _CLOSE) + 1:
        return []
    since_s = history.time_s[level.begin]
    return [
        (
            f"{most:g} users were there for a moment, {level.users:g} from {since_s:g} s on: did "
            "some stop, e.g. because they could not log in?"
        )
    ]
