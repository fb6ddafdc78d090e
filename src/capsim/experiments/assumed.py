"""What a change takes for granted: parameters that it brings in, or sets other things to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capsim.metrics.intervals import Interval, interval
from capsim.model.template import Template


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """A parameter, over the draws."""

    parameter: str
    values: Interval
    is_new: bool  # the change brings it in: no load test speaks of it


def assumed(
    changed: Template, today: Template, draws: Sequence[Mapping[str, float]]
) -> tuple[Assumed, ...]:
    """Return the parameters that a changed system refers to more often than today's.

    Args:
        changed: the system with the change.
        today: the system as it is.
        draws: of the parameters of the changed one.
    """
    more = Counter(changed.references()) - Counter(today.references())
    known = set(today.references())
    return tuple(
        Assumed(
            parameter=name,
            values=interval([draw[name] for draw in draws]),
            is_new=name not in known,
        )
        for name in changed.free_parameters()
        if name in more
    )
