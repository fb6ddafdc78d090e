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


def notes_on_told(
    *,
    users: tuple[int | None, int | None],
    rate: tuple[float | None, float | None],
    duration_s: tuple[float | None, float | None],
) -> list[str]:
    """Return sentences on what the user says otherwise than the files.

    Args:
        users: as the files show them, and as they were told; none: they are not.
        rate: likewise the requests per second that were sent.
        duration_s: likewise the length of the test, in seconds.
    """
    notes = []
    (found, said), (found_rate, said_rate) = users, rate
    if found and said is not None and abs(found - said) > _CLOSE * said:
        why = " Did some do nothing?" if found < said else ""
        notes.append(f"The files show {found} users, --users says {said}.{why}")
    if found and said_rate is not None:
        notes.append(
            f"The files show {found} users, which --rate {said_rate:g} replaces: right only if the "
            "test sent at that rate, however slow the answers."
        )
    if found_rate and said is not None:
        notes.append(
            f"The files show {found_rate:g} requests/s, which --users {said} replaces: right only "
            "if each user waited for its answer."
        )
    if found_rate and said_rate is not None and abs(found_rate - said_rate) > _CLOSE * said_rate:
        notes.append(f"The files show {found_rate:g} requests/s, --rate says {said_rate:g}.")
    found_s, said_s = duration_s
    if found_s and said_s is not None and abs(found_s - said_s) > _CLOSE * said_s:
        notes.append(f"The files show {found_s:g} s, --duration says {said_s:g}.")
    return notes


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
